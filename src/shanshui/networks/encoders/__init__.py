"""Frozen, pretrained feature networks: they normalise their own input and never learn."""
