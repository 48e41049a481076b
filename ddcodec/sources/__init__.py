"""Sources of pictures: what each offers, image folders, a set that needs no download."""
