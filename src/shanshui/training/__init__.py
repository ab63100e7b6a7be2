"""UPDATES: the run folder, the one training loop, and the learners that it drives."""
