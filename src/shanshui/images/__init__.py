"""Pixels: picture files, the one conversion between pixels and tensors, resizing, colour, grids."""
