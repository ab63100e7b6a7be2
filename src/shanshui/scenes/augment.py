"""Differentiable augmentation: the same random changes, per image, to what is real and what is generated.

Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training" (https://arxiv.org/abs/2006.10738).
The discriminator never sees an unchanged photograph, so it cannot learn the few there are by heart; gradients flow
through every change to the generator.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from shanshui.together import own, whole

_BRIGHTNESS = 0.5
_SATURATION = 1.0
_CONTRAST = 0.5
_SHIFT = 0.125
_CUT = 0.2


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Colour, translation and cutout, drawn per image.

    Args:
        images: (N, 3, H, W), any range around 0; [-1, 1] in this project.
        generator: source of randomness, on the CPU whatever the images' device.

    Returns:
        (N, 3, H, W), differentiable with respect to `images`; values may leave the input range.
    """
    return _cut(_translate(_recolour(images, generator), generator), generator)


def _recolour(images: Tensor, generator: torch.Generator) -> Tensor:
    """Brightness + U(-.5, .5), saturation x U(0, 2), contrast x U(.5, 1.5).

    All three are affine in the pixel, its grey value and the image's mean, so they are applied in one expression.
    """
    brightness = _uniform(images, generator, -_BRIGHTNESS, _BRIGHTNESS)
    saturation = _uniform(images, generator, 1 - _SATURATION, 1 + _SATURATION)
    contrast = _uniform(images, generator, 1 - _CONTRAST, 1 + _CONTRAST)
    grey = images.mean(dim=1, keepdim=True)
    mean = grey.mean(dim=(2, 3), keepdim=True)
    return (
        images * (saturation * contrast)
        + grey * (contrast - saturation * contrast)
        + (mean * (1 - contrast) + brightness)
    )


def _translate(images: Tensor, generator: torch.Generator) -> Tensor:
    """Shift by up to 12.5 % of each side; what enters is a mirror image.

    The paper lets grey enter. Then a generated image with a grey rim looks like a photograph shifted one pixel
    further, the discriminator cannot object, and every scene gets such a rim.
    """
    count, _, height, width = images.shape
    reach_y, reach_x = round(height * _SHIFT), round(width * _SHIFT)
    padded = F.pad(images, (reach_x, reach_x, reach_y, reach_y), mode="reflect")
    tops = own(torch.randint(2 * reach_y + 1, (whole(count),), generator=generator)).tolist()
    lefts = own(torch.randint(2 * reach_x + 1, (whole(count),), generator=generator)).tolist()
    windows = [
        image[:, top : top + height, left : left + width] for image, top, left in zip(padded, tops, lefts, strict=True)
    ]
    return torch.stack(windows)


def _cut(images: Tensor, generator: torch.Generator) -> Tensor:
    """A mid-grey rectangle of 20 % of each side, anywhere, also half outside."""
    count, _, height, width = images.shape
    kept_y = _outside(height, own(torch.rand(whole(count), generator=generator)))
    kept_x = _outside(width, own(torch.rand(whole(count), generator=generator)))
    kept = kept_y[:, None, :, None] | kept_x[:, None, None, :]
    return images * kept.to(images.device, images.dtype)


def _outside(size: int, centres: Tensor) -> Tensor:
    """(N, size) True where a pixel is outside the cut around each centre in [0, 1]."""
    positions = (torch.arange(size) + 0.5) / size
    return (positions[None] - centres[:, None]).abs() > _CUT / 2


def _uniform(images: Tensor, generator: torch.Generator, low: float, high: float) -> Tensor:
    drawn = own(torch.rand(whole(len(images)), 1, 1, 1, generator=generator)) * (high - low) + low
    return drawn.to(images.device)
