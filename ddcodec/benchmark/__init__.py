"""Our codecs beside those that people use, on pictures and labels of their own."""
