"""Artifacts in the layouts of other projects: one module per layout, and what they share."""
