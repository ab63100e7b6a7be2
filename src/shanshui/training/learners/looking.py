"""How learners look at pictures through frozen encoders."""

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from shanshui.together import own, whole
from shanshui.training.randomness import generator_at

GRID = 8
"""Pixels between neighbours at a stylizer's and the encoder's coarsest resolutions."""


def window(images: Tensor, seed: int, images_seen: int) -> Tensor:
    """Most of `images` (N, C, H, W), from an offset that is random but the same for all that are looked at together.

    Network and encoder both work on grids, and a pattern that pleases the encoder only where the two coincide (a weave
    of threads) must not pay.
    """
    random = generator_at(seed, images_seen, "window")
    top, left = torch.randint(GRID, (2,), generator=random).tolist()
    height, width = images.shape[2:]
    return images[:, :, top : top + height - GRID, left : left + width - GRID]


def dithered(images: Tensor, seed: int, images_seen: int) -> Tensor:
    """`images` (N, C, H, W) in [-1, 1] with noise of one step of eight bits, uniform, as if they had not been rounded.

    A crop of black or white sky is exactly flat. Instance normalisation then multiplies gradients by some 300 at each
    layer, and a dozen layers leave the range of floating point.
    """
    random = generator_at(seed, images_seen, "dither")
    drawn = own(torch.rand(whole(len(images)), *images.shape[1:], generator=random))
    return images + ((drawn - 0.5) * (2 / 255)).to(images)


def fixed_part(eye: nn.Module) -> dict[str, Tensor]:
    """All of a discriminator's eye that is not an installed encoder: a torch release may draw other numbers."""
    return {name: tensor for name, tensor in eye.state_dict().items() if not name.startswith("encoder.")}


def dtype_of_autocast(fabric: Fabric) -> torch.dtype:
    """The format that Fabric's precision computes in: a frozen encoder is kept in it, not cast at every step."""
    kind = fabric.device.type
    with fabric.autocast():
        return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else torch.float32
