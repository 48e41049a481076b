"""A file format and codec for distilled datasets."""

__version__ = "0.1.0"
