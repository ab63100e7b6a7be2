"""The colour of adaptive augmentation: brightness, contrast, luma flip, hue and saturation as one matrix per image."""

import math

import torch
from torch import Tensor

from shanshui.scenes.draws import Draws

_BRIGHTNESS = 0.2  # in units of [-1, 1]
_CONTRAST = 0.5  # octaves
_SATURATION = 1.0  # octaves
_GREY = torch.full((3, 3), 1 / 3)  # projects a colour onto the axis of greys
_CROSS = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / math.sqrt(3)  # product with that axis


def recolor(images: Tensor, probability: float, draws: Draws) -> Tensor:
    """Colour transformations (Karras et al. 2020b, appendix B).

    Args:
        images: (N, 3, H, W) in [-1, 1].
        probability: of each transformation, for each image.
        draws: for a batch of N.

    Returns:
        (N, 3, H, W), differentiable; values may leave [-1, 1]. Images that are not chosen are not touched at all.
    """
    matrices, offsets = _maps(probability, draws)
    changed = (matrices != torch.eye(3)).flatten(1).any(1) | (offsets != 0).flatten(1).any(1)
    (chosen,) = changed.nonzero(as_tuple=True)
    if len(chosen) == 0:
        return images
    places = chosen.to(images.device)
    pixels = images[places].flatten(2)
    recolored = torch.baddbmm(offsets[chosen].to(pixels), matrices[chosen].to(pixels), pixels)
    return images.index_copy(0, places, recolored.unflatten(2, images.shape[2:]))


def _maps(probability: float, draws: Draws) -> tuple[Tensor, Tensor]:
    """Matrices (N, 3, 3) and offsets (N, 3, 1); a colour c becomes matrix @ c + offset.

    In order: brightness moves and contrast scales a colour, the luma flip mirrors it on the plane of no grey, hue turns
    it around the axis of greys, saturation scales its distance from that axis.
    """
    (brightness,) = draws.normal(_BRIGHTNESS, probability)
    contrast = draws.factor(_CONTRAST, probability)
    flip = draws.choice(2, probability)
    (hue,) = draws.uniform(math.pi, probability)
    saturation = draws.factor(_SATURATION, probability)

    one = torch.eye(3)
    brightness, contrast, flip, hue, saturation = (
        value.view(-1, 1, 1) for value in (brightness, contrast, flip, hue, saturation)
    )
    mirrored = one - 2 * flip * _GREY
    turned = one + (1 - hue.cos()) * (_GREY - one) + hue.sin() * _CROSS
    faded = one + (1 - saturation) * (_GREY - one)
    matrices = contrast * (faded @ turned @ mirrored)
    return matrices, brightness * matrices.sum(2, keepdim=True)
