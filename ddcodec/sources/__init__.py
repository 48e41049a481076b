"""Sources of pictures: folders, archives, tables, data sets of the hub, objects in Python."""
