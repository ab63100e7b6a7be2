"""Distances between two sets of features by a kernel over all pairs: unbiased at any number of images.

Pairs are taken a tile at a time and each pair once, so that memory is bounded at any number of images, and features may
lie on disk (`numpy.memmap`). Time grows with the number of pairs: 2 D (M + N)^2 / 2 floating-point operations and
(M + N)^2 / 2 kernel values, for 50,000 against 50,000 images at D = 2048 about ten minutes on one core of 2024.
"""

import math
from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from shanshui.errors import ConfigError, DataError
from shanshui.evaluation.estimates import (
    Estimate,
    Features,
    Float64,
    content_order,
    jackknife_error,
    require_pair,
)

Kernel: TypeAlias = Callable[[Float64, Float64], Float64]
"""(A, D) and (B, D) rows -> (A, B) kernel values."""

TILE_ROWS = 1024
"""Side of the tiles of pairs: at D = 2048 two blocks of rows and a few tiles, about 64 MiB."""

BANDWIDTH_ROWS = 1000
"""Rows among which the median distance is taken: half a million pairs."""


def kid(real: Features, fake: Features) -> Estimate:
    """Kernel inception distance: squared MMD under the cubic kernel k(x, y) = (x.y / D + 1)^3.

    The full unbiased U-statistic of Gretton et al. 2012 (JMLR 13, lemma 6) with the kernel of Binkowski et al. 2018
    ("Demystifying MMD GANs", section 4). Departure from the paper: one estimate over all pairs instead of the mean over
    random subsets, which has the same expectation, a smaller variance, and needs no seed. It may be negative.

    The standard error is the delete-one jackknife of both samples (Efron and Stein 1981, "The jackknife estimate of
    variance"); their inequality makes it too wide rather than too narrow, most of all near zero.

    Args:
        real: (M, D) features, M >= 3; scaled by the caller or not, the same on both sides.
        fake: (N, D) features, N >= 3.

    Raises:
        DataError: too few rows, or sides with different D.
    """
    require_pair(real, fake, at_least=3, name="KID")
    return _squared_mmd(real, fake, _cubic)


def mmd(real: Features, fake: Features, bandwidth: float | None = None) -> Estimate:
    """Squared MMD under the Gaussian kernel k(x, y) = exp(-|x - y|^2 / (2 bandwidth^2)), between about 0 and 2.

    Unbiased and with a standard error as in `kid`, which takes the bandwidth as given: with the median of other real
    images the figure would vary more, by up to a third where the distributions differ much. Unlike the cubic kernel
    this one is characteristic: in expectation the figure is zero only where the distributions are equal.

    Departures: Gretton et al. 2012 take the median distance within both samples together, and we within the
    real one alone, so that the generated images do not choose the scale that they are measured on. CMMD (Jayasumana et
    al. 2024, "Rethinking FID") is this figure times 1000 at the bandwidth 10 on CLIP vectors of unit length, where all
    distances lie under 2, and its published code lets each row be its own neighbour, which biases it upwards.

    Args:
        real: (M, D) features, M >= 3.
        fake: (N, D) features, N >= 3.
        bandwidth: in units of the features; None for `median_distance(real)`, which makes the figure independent of the
            scale of the features.

    Raises:
        ConfigError: a bandwidth that is not positive.
        DataError: too few rows, sides with different D, or real rows that are mostly copies of one.
    """
    require_pair(real, fake, at_least=3, name="MMD")
    return _squared_mmd(real, fake, _gaussian(median_distance(real) if bandwidth is None else bandwidth))


def median_distance(features: Features) -> float:
    """Median Euclidean distance between two different rows of `features` (N, D), N >= 2.

    Of many rows `BANDWIDTH_ROWS` are taken, chosen by their contents (see `content_order`).

    Raises:
        DataError: the median is zero, because most rows are equal.
    """
    chosen = np.sort(content_order(features)[:BANDWIDTH_ROWS])
    rows = np.asarray(features[chosen], dtype=np.float64)
    pairs = np.triu_indices(len(rows), k=1)
    median = float(np.median(np.sqrt(_squared_distances(rows, rows)[pairs])))
    if median == 0.0:
        raise DataError("Most real images have the same features: compare with images that differ from each other.")
    return median


def _squared_mmd(real: Features, fake: Features, kernel: Kernel) -> Estimate:
    """The unbiased U-statistic and its delete-one jackknife."""
    within_real, within_fake = _sums_within(real, kernel), _sums_within(fake, kernel)
    across_real, across_fake = _sums_across(real, fake, kernel)
    value = _unbiased(within_real.sum(), within_fake.sum(), across_real.sum(), len(real), len(fake))
    without_real = _unbiased(
        within_real.sum() - 2 * within_real,
        within_fake.sum(),
        across_real.sum() - across_real,
        len(real) - 1,
        len(fake),
    )
    without_fake = _unbiased(
        within_real.sum(),
        within_fake.sum() - 2 * within_fake,
        across_fake.sum() - across_fake,
        len(real),
        len(fake) - 1,
    )
    error = math.hypot(jackknife_error(without_real), jackknife_error(without_fake))
    return Estimate(value=float(value), standard_error=error)


def _unbiased(within_real: Float64, within_fake: Float64, across: Float64, reals: int, fakes: int) -> Float64:
    """The squared MMD from sums of kernel values over ordered pairs."""
    result: Float64 = (
        within_real / (reals * (reals - 1)) + within_fake / (fakes * (fakes - 1)) - 2.0 * across / (reals * fakes)
    )
    return result


def _sums_within(rows: Features, kernel: Kernel) -> Float64:
    """For each row the sum of its kernel values with all other rows."""
    sums = np.zeros(len(rows))
    for first, start in _tiles(rows):
        own = kernel(start, start)
        np.fill_diagonal(own, 0.0)
        sums[first] += own.sum(axis=1)
        for second, end in _tiles(rows, after=first.stop):
            values = kernel(start, end)
            sums[first] += values.sum(axis=1)
            sums[second] += values.sum(axis=0)
    return sums


def _sums_across(rows: Features, columns: Features, kernel: Kernel) -> tuple[Float64, Float64]:
    """For each row the sum of its kernel values with all columns, and for each column that with all rows."""
    of_rows, of_columns = np.zeros(len(rows)), np.zeros(len(columns))
    for first, start in _tiles(rows):
        for second, end in _tiles(columns):
            values = kernel(start, end)
            of_rows[first] += values.sum(axis=1)
            of_columns[second] += values.sum(axis=0)
    return of_rows, of_columns


def _tiles(rows: Features, after: int = 0) -> Iterator[tuple[slice, Float64]]:
    for start in range(after, len(rows), TILE_ROWS):
        where = slice(start, min(start + TILE_ROWS, len(rows)))
        yield where, np.asarray(rows[where], dtype=np.float64)


def _cubic(rows: Float64, columns: Float64) -> Float64:
    base = rows @ columns.T
    base /= rows.shape[1]
    base += 1.0
    return base * base * base  # a general power takes many times as long


def _gaussian(bandwidth: float) -> Kernel:
    if not bandwidth > 0.0:
        raise ConfigError(f"The bandwidth of a Gaussian kernel is {bandwidth}: give a positive number.")

    def kernel(rows: Float64, columns: Float64) -> Float64:
        exponents = _squared_distances(rows, columns)
        exponents /= -2.0 * bandwidth**2
        return np.exp(exponents, out=exponents)

    return kernel


def _squared_distances(rows: Float64, columns: Float64) -> Float64:
    distances = rows @ columns.T
    distances *= -2.0
    distances += np.square(rows).sum(axis=1)[:, np.newaxis]
    distances += np.square(columns).sum(axis=1)
    return np.maximum(distances, 0.0, out=distances)  # rounding makes those of equal rows slightly negative
