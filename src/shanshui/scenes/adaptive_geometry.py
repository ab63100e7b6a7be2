"""The geometry of adaptive augmentation: flips, turns, shifts, scales and rotations as one affine map per image."""

import math

import torch
from torch import Tensor

from shanshui.scenes.draws import Draws

_SHIFT = 0.125  # of each side
_SCALE = 0.2  # octaves
_COSINES, _SINES = torch.tensor([1.0, 0.0, -1.0, 0.0]), torch.tensor([0.0, 1.0, 0.0, -1.0])  # of quarter turns


def move(images: Tensor, probability: float, draws: Draws) -> Tensor:
    """Pixel blitting and general geometric transformations (Karras et al. 2020b, appendix B).

    Two departures, both for the sake of speed: what the maps meet between the pixels is interpolated bilinearly, not
    by a wavelet's filter at twice the resolution, and the image's mirror images go on without end, not only to the
    margin of the filter. Exact permutations of pixels (flips, quarter turns of squares) stay exact.

    Args:
        images: (N, C, H, W), sides of at least 2 pixels.
        probability: of each transformation, for each image.
        draws: for a batch of N.

    Returns:
        (N, C, H, W), differentiable any number of times; images that are not chosen are not touched at all.
    """
    height, width = images.shape[2:]
    maps = _maps(height, width, probability, draws)
    (chosen,) = (maps != torch.eye(3)).flatten(1).any(1).nonzero(as_tuple=True)
    if len(chosen) == 0:
        return images
    places = chosen.to(images.device)
    return images.index_copy(0, places, _warp(images[places], maps[chosen].to(images.device)))


def _maps(height: int, width: int, probability: float, draws: Draws) -> Tensor:
    """(N, 3, 3) from places (x, y, 1) of the result to those of the image it is made from, in pixels from the centre.

    Each step is the inverse of a transformation, and the last transformation comes first.
    """
    flips, turns = draws.choice(2, probability), draws.choice(4, probability)
    across, down = draws.uniform(_SHIFT, probability, values=2)
    maps = _scaling(1.0 - 2 * flips, torch.ones(draws.count)) @ _rotation(_COSINES[turns], _SINES[turns])
    maps = maps @ _translation((across * width).round(), (down * height).round())

    # Two rotations, of which none happens in a share 1 - probability of the images.
    half = 1 - math.sqrt(1 - probability)
    scale = draws.factor(_SCALE, probability)
    maps = maps @ _scaling(scale, scale) @ _turning(draws, half)
    stretch = draws.factor(_SCALE, probability)
    maps = maps @ _scaling(stretch, 1 / stretch) @ _turning(draws, half)
    across, down = draws.normal(_SHIFT, probability, values=2)
    return maps @ _translation(across * width, down * height)


def _warp(images: Tensor, maps: Tensor) -> Tensor:
    """`images` (N, C, H, W) looked up at the places that `maps` (N, 3, 3) say.

    By gathering, because `grid_sample` is not everywhere differentiable twice, which gradient penalties need.
    """
    count, channels, height, width = images.shape
    columns = torch.arange(width, device=images.device) - (width - 1) / 2
    rows = torch.arange(height, device=images.device) - (height - 1) / 2
    places = torch.stack([columns.repeat(height), rows.repeat_interleave(width)])
    x, y = (maps[:, :2, :2] @ places + maps[:, :2, 2:]).unbind(1)
    x, y = _mirrored(x + (width - 1) / 2, width), _mirrored(y + (height - 1) / 2, height)
    left, top = x.floor().long(), y.floor().long()
    right, bottom = (left + 1).clamp(max=width - 1), (top + 1).clamp(max=height - 1)
    flat = images.flatten(2)

    def pixels(row: Tensor, column: Tensor) -> Tensor:
        return flat.gather(2, (row * width + column)[:, None].expand(-1, channels, -1))

    beside, below = (x - left)[:, None].to(images.dtype), (y - top)[:, None].to(images.dtype)
    upper = torch.lerp(pixels(top, left), pixels(top, right), beside)
    lower = torch.lerp(pixels(bottom, left), pixels(bottom, right), beside)
    return torch.lerp(upper, lower, below).view(count, channels, height, width)


def _mirrored(places: Tensor, size: int) -> Tensor:
    """Anywhere on a line -> 0 to size - 1, as if the image lay between two mirrors on its outermost pixels."""
    last = size - 1
    return last - (places.remainder(2 * last) - last).abs()


def _turning(draws: Draws, probability: float) -> Tensor:
    (angles,) = draws.uniform(math.pi, probability)
    return _rotation(angles.cos(), angles.sin())


def _rotation(cosine: Tensor, sine: Tensor) -> Tensor:
    zero, one = torch.zeros_like(cosine), torch.ones_like(cosine)
    return _matrices((cosine, -sine, zero), (sine, cosine, zero), (zero, zero, one))


def _scaling(across: Tensor, down: Tensor) -> Tensor:
    """The inverse of an enlargement by these factors."""
    zero, one = torch.zeros_like(across), torch.ones_like(across)
    return _matrices((1 / across, zero, zero), (zero, 1 / down, zero), (zero, zero, one))


def _translation(across: Tensor, down: Tensor) -> Tensor:
    zero, one = torch.zeros_like(across), torch.ones_like(across)
    return _matrices((one, zero, -across), (zero, one, -down), (zero, zero, one))


def _matrices(*rows: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """(N, 3, 3) of nine entries (N,)."""
    return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)
