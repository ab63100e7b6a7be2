"""Batches: photographs in folders and archives become an endless, reproducible stream of training images."""
