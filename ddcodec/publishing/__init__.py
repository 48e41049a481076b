"""Artifacts on the Hugging Face hub: the card of a data set, a preview, and one commit of both."""
