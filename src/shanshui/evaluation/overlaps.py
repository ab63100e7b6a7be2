"""Which images lie in whose balls: precision, recall, density, coverage and realism, with their standard errors.

All of it is arithmetic on squared distances (`pairs`); `manifolds` decides what is computed when and kept.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shanshui.evaluation.estimates import Float64
from shanshui.evaluation.pairs import Float32, Tile

GROUPS = 16
"""Groups of a side that half-samples are made of: a power of two, so that `_halves` is balanced."""


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

    Balanced half-samples (McCarthy 1969, "Pseudo-replication: half samples"): each side in turn is split into halves,
    and a quarter of the squared difference between the figures of both halves is averaged over the splits. The
    jackknife, which leaves out little, gives up to twice the true error: what leaves a ball when one image is gone
    depends on which others are gone. The variance of a side is divided by how many times more images there are than in
    the sample. None where a half would have no k-th neighbours.
    """
    if any(len(side) // GROUPS * (GROUPS // 2) <= k for side in (sample.real, sample.fake)):
        return None
    due_to_real = _variances(_halves_of_real(sample, k)) * len(sample.real) / reals
    due_to_fake = _variances(_halves_of_fake(sample, k)) * len(sample.fake) / fakes
    return Figures(*map(float, np.sqrt(due_to_real + due_to_fake)))


def _halves_of_real(sample: Sample, k: int) -> Iterator[tuple[Figures, Figures]]:
    """The figures with either half of the real images, for each split."""
    groups = _groups(len(sample.real))
    reached = np.any(sample.across < _radii(sample.fake, k), axis=1)
    closest = sample.across.min(axis=1)
    near = _near_by_group(sample.real, groups, k)

    def figures(half: NDArray[np.bool_]) -> Figures:
        rows = half[groups]
        radii = _radii(near[rows][:, half].reshape(int(rows.sum()), -1), k)
        balls = _balls_around(sample.across[rows], radii)
        return Figures(
            precision=float(np.mean(balls > 0)),
            recall=float(np.mean(reached[rows])),
            density=float(np.mean(balls)) / k,
            coverage=float(np.mean(closest[rows] < radii)),
        )

    return ((figures(half), figures(~half)) for half in _halves())


def _halves_of_fake(sample: Sample, k: int) -> Iterator[tuple[Figures, Figures]]:
    """The figures with either half of the generated images, for each split."""
    groups = _groups(len(sample.fake))
    real_radii = _radii(sample.real, k)
    balls = _balls_around(sample.across, real_radii)
    closest = np.stack([part.min(axis=1) for part in _split(sample.across, groups)], axis=1)
    near = _near_by_group(sample.fake, groups, k)

    def figures(half: NDArray[np.bool_]) -> Figures:
        columns = half[groups]
        radii = _radii(near[columns][:, half].reshape(int(columns.sum()), -1), k)
        return Figures(
            precision=float(np.mean(balls[columns] > 0)),
            recall=float(np.mean(np.any(sample.across[:, columns] < radii, axis=1))),
            density=float(np.mean(balls[columns])) / k,
            coverage=float(np.mean(closest[:, half].min(axis=1) < real_radii)),
        )

    return ((figures(half), figures(~half)) for half in _halves())


def _variances(splits: Iterator[tuple[Figures, Figures]]) -> Float64:
    differences = np.array([np.subtract(first, second) for first, second in splits])
    result: Float64 = np.square(differences).mean(axis=0) / 4.0
    return result


def _halves() -> list[NDArray[np.bool_]]:
    """The groups in the first half for each of `GROUPS` - 1 splits: any two groups part in just over half of them.

    Signs of a Hadamard matrix after Sylvester, whose rows are orthogonal, so that no two splits tell the same.
    """
    return [
        np.array([(split & group).bit_count() % 2 == 0 for group in range(GROUPS)], np.bool_)
        for split in range(1, GROUPS)
    ]


def _groups(count: int) -> NDArray[np.intp]:
    """The group of each of `count` rows in content order."""
    return np.arange(count) * GROUPS // count


def _near_by_group(squared: Float32, groups: NDArray[np.intp], k: int) -> Float32:
    """For each row the k smallest values in each group of columns: (rows, groups, k), infinite where it has fewer.

    The k-th smallest among the columns of some groups is the k-th smallest of these.
    """
    near = np.full((len(squared), GROUPS, k), np.inf, np.float32)
    for group, part in enumerate(_split(squared, groups)):
        count = min(k, part.shape[1])
        near[:, group, :count] = np.partition(part, count - 1, axis=1)[:, :count]
    return near


def _split(squared: Float32, groups: NDArray[np.intp]) -> list[Float32]:
    """The columns of each group."""
    return np.split(squared, np.searchsorted(groups, np.arange(1, GROUPS)), axis=1)


def _radii(squared: Float32, k: int) -> Float32:
    result: Float32 = np.partition(squared, k - 1, axis=1)[:, k - 1]
    return result


def _balls_around(squared: Float32, radii: Float32) -> NDArray[np.int64]:
    """In how many of the balls about the rows each column lies."""
    counts: NDArray[np.int64] = np.sum(squared < radii[:, None], axis=0, dtype=np.int64)
    return counts
