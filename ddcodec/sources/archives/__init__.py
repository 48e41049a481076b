"""Zip and tar archives, read member by member and never unpacked into folders."""
