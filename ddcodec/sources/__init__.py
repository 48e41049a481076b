"""Where pictures come from: what a source offers, image folders, a set without a download."""
