"""Exact execution of networks: integers where order could matter (spec/exact.md)."""
