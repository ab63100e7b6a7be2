"""Discriminators: image -> logits."""
