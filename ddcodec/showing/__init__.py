"""An artifact as a page in the browser: served to one reader, or as one file."""
