"""Learners: each owns its networks and optimisers and takes one step a batch."""
