"""Randomness as a function of position: nothing to save, nothing to restore."""

import hashlib

import torch


def generator_at(seed: int, images_seen: int, purpose: str) -> torch.Generator:
    """A CPU generator that depends on its arguments alone; streams of different purposes are independent."""
    digest = hashlib.sha256(f"{purpose}/{seed}/{images_seen}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
