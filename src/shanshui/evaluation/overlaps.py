"""Which images lie in whose balls: precision, recall, density, coverage and realism, with their standard errors.

All of it is arithmetic on squared distances (`pairs`); `manifolds` decides what is computed when and kept.
"""

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shanshui.evaluation.estimates import Float64, jackknife_error
from shanshui.evaluation.pairs import Float32, Tile, smallest

SPREAD_GROUPS = 10
"""Groups of a side that the jackknife leaves out, one at a time."""

_NOWHERE = np.float32(-1.0)
"""The squared radius of an image that is left out: a ball that holds nothing, not even a copy of its centre."""


class Figures(NamedTuple):
    """One number for each of the four measures."""

    precision: float
    recall: float
    density: float
    coverage: float


class Overlap(NamedTuple):
    """What one pass over the pairs of real and generated images gives.

    Attributes:
        figures: of the whole sets.
        realism: (N,) of each generated image.
    """

    figures: Figures
    realism: Float64


def overlap(tiles: Iterable[Tile], real_radii: Float32, fake_radii: Float32, k: int) -> Overlap:
    """Figures from squared distances of real images (rows) to generated ones (columns).

    Args:
        tiles: every pair once.
        real_radii: (M,) squared distance of each real image to its k-th neighbour among the real ones.
        fake_radii: (N,) the same among the generated ones.
        k: the number of neighbours.
    """
    balls = np.zeros(len(fake_radii), np.int64)
    reached = np.zeros(len(real_radii), np.bool_)
    closest = np.full(len(real_radii), np.inf, np.float32)
    depth = np.zeros(len(fake_radii), np.float32)
    small_radii = np.where(real_radii <= np.median(real_radii), real_radii, np.float32(0.0))
    for rows, columns, squared in tiles:
        balls[columns] += _balls_around(squared, real_radii[rows])
        reached[rows] |= (squared < fake_radii[columns]).any(axis=1)
        closest[rows] = np.minimum(closest[rows], squared.min(axis=1))
        ratios = np.full(squared.shape, np.inf, np.float32)
        with np.errstate(over="ignore"):  # a copy but for rounding is infinitely typical, too
            np.divide(small_radii[rows, None], squared, out=ratios, where=squared > 0.0)
        depth[columns] = np.maximum(depth[columns], ratios.max(axis=0))
    figures = Figures(
        precision=float((balls > 0).mean()),
        recall=float(reached.mean()),
        density=float(balls.mean()) / k,
        coverage=float((closest < real_radii).mean()),
    )
    return Overlap(figures, np.sqrt(depth, dtype=np.float64))


class Sample(NamedTuple):
    """Squared distances among at most a few thousand images a side, in the order of `estimates.content_order`.

    Attributes:
        real: (M, M), infinite on the diagonal.
        fake: (N, N), infinite on the diagonal.
        across: (M, N).
    """

    real: Float32
    fake: Float32
    across: Float32


def standard_errors(sample: Sample, k: int, *, reals: int, fakes: int) -> Figures | None:
    """Standard errors of the figures of `reals` real and `fakes` generated images, estimated from a sample of them.

    The delete-group jackknife of each side; its variance is divided by how many times more images there are than in
    the sample. None where a side without one of its groups has no k-th neighbours.
    """
    if any(_fewest_left(len(side)) <= k for side in (sample.real, sample.fake)):
        return None
    part_of_real, part_of_fake = len(sample.real) / reals, len(sample.fake) / fakes
    return Figures(
        *(
            math.hypot(jackknife_error(real) * math.sqrt(part_of_real), jackknife_error(fake) * math.sqrt(part_of_fake))
            for real, fake in zip(_without_real(sample, k), _without_fake(sample, k), strict=True)
        )
    )


def _without_real(sample: Sample, k: int) -> Float64:
    """The four figures (4, groups) without each group of real images."""
    groups = _groups(len(sample.real))
    reached = np.any(sample.across < _radii(sample.fake, k), axis=1)
    closest = sample.across.min(axis=1)
    figures = []
    for group, radii in zip(groups, _radii_without(sample.real, groups, k), strict=True):
        radii[group] = _NOWHERE
        balls = _balls_around(sample.across, radii)
        left = np.delete(np.arange(len(radii)), group)
        covered = closest[left] < radii[left]
        figures.append(((balls > 0).mean(), reached[left].mean(), balls.mean() / k, covered.mean()))
    return np.array(figures).T


def _without_fake(sample: Sample, k: int) -> Float64:
    """The four figures (4, groups) without each group of generated images."""
    groups = _groups(len(sample.fake))
    real_radii = _radii(sample.real, k)
    balls = _balls_around(sample.across, real_radii)
    closest = np.stack([sample.across[:, group].min(axis=1) for group in groups])
    figures = []
    for index, (group, radii) in enumerate(zip(groups, _radii_without(sample.fake, groups, k), strict=True)):
        radii[group] = _NOWHERE
        reached = (sample.across < radii).any(axis=1)
        left = np.delete(balls, group)
        covered = np.delete(closest, index, axis=0).min(axis=0) < real_radii
        figures.append(((left > 0).mean(), reached.mean(), left.mean() / k, covered.mean()))
    return np.array(figures).T


def _balls_around(squared: Float32, radii: Float32) -> NDArray[np.int64]:
    """In how many of the balls about the rows each column lies."""
    counts: NDArray[np.int64] = np.sum(squared < radii[:, None], axis=0, dtype=np.int64)
    return counts


def _radii(squared: Float32, k: int) -> Float32:
    result: Float32 = np.partition(squared, k - 1, axis=1)[:, k - 1]
    return result


def _radii_without(squared: Float32, groups: list[slice], k: int) -> list[Float32]:
    """For each group the squared radius of every row among the columns outside the group.

    The k nearest outside a group are among the k nearest within each of the others.
    """
    near = [smallest(squared[:, group], k)[0] for group in groups]
    return [_radii(np.concatenate(near[:index] + near[index + 1 :], axis=1), k) for index in range(len(groups))]


def _groups(count: int) -> list[slice]:
    groups = min(SPREAD_GROUPS, count)
    borders = [index * count // groups for index in range(groups + 1)]
    return [slice(low, high) for low, high in pairwise(borders)]


def _fewest_left(count: int) -> int:
    return min(count - len(range(count)[group]) for group in _groups(count))
