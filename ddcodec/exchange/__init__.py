"""Artifacts in the forms other tools read."""
