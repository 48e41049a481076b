"""Students trained on an artifact: protocols, test sets, accuracy seed by seed."""
