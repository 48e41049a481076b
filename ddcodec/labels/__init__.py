"""Soft labels as fields over crop geometry and coded innovations (spec/labels.md)."""
