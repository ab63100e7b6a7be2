"""SCALARS: pure functions from tensors to named scalar losses; networks arrive as callables."""
