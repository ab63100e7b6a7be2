"""WEIGHTS: resumable training states, snapshots for use, and where to find them."""
