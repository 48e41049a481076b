"""Other people's distilled sets, read into artifacts: one module for each family of formats."""
