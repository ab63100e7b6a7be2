"""Distances between two sets of feature vectors: float64 arithmetic, nothing about images or networks.

Every function takes rows of features, one image a row, and does not depend on the order of the rows.
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from shanshui.errors import DataError

Features: TypeAlias = NDArray[np.float32] | NDArray[np.float64]
Float64: TypeAlias = NDArray[np.float64]

KERNEL_ENTRIES = 1 << 22
"""Kernel values held in memory at once (32 MiB): bounds the memory of `kid` at any number of images."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A measured figure and, where the estimator has one, its standard error over the draw of the images."""

    value: float
    standard_error: float | None = None

    def interval(self, confidence: float = 0.95) -> tuple[float, float] | None:
        """Normal interval (low, high) that holds the true figure with `confidence`; None without a standard error."""
        if self.standard_error is None:
            return None
        reach = NormalDist().inv_cdf(0.5 + confidence / 2) * self.standard_error
        return self.value - reach, self.value + reach


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Mean (D,) and covariance (D, D; divided by `count` - 1) of `count` feature vectors, float64."""

    count: int
    mean: Float64
    covariance: Float64


def unit_rms_scale(reference: Features) -> float:
    """The factor that brings the root mean square over all entries of `reference` (N, D) to one.

    Applied to both sides it makes figures comparable between layers whose activations differ in size.

    Raises:
        DataError: every feature is zero, so that no factor exists.
    """
    rms = float(np.sqrt(np.mean(np.square(reference, dtype=np.float64))))
    if rms == 0.0:
        raise DataError("Every feature of the reference images is zero: compare with images that are not blank.")
    return 1.0 / rms


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
    real, fake = _checked(real, fake, at_least=3, name="KID")
    within_real, within_fake = _peer_sums(real), _peer_sums(fake)
    across_real, across_fake = _kernel_row_sums(real, fake), _kernel_row_sums(fake, real)
    value = _mmd2(within_real.sum(), within_fake.sum(), across_real.sum(), len(real), len(fake))
    without_real = _mmd2(
        within_real.sum() - 2 * within_real,
        within_fake.sum(),
        across_real.sum() - across_real,
        len(real) - 1,
        len(fake),
    )
    without_fake = _mmd2(
        within_real.sum(),
        within_fake.sum() - 2 * within_fake,
        across_fake.sum() - across_fake,
        len(real),
        len(fake) - 1,
    )
    variance = _jackknife_variance(without_real) + _jackknife_variance(without_fake)
    return Estimate(value=float(value), standard_error=float(np.sqrt(variance)))


def moments(features: Features) -> Moments:
    """Mean and covariance of `features` (N, D) in float64.

    Raises:
        DataError: fewer than two rows, which have no covariance.
    """
    _require_rows(features, at_least=2, name="Frechet distance", side="one")
    rows = np.asarray(features, dtype=np.float64)
    mean = rows.mean(axis=0)
    centred = rows - mean
    return Moments(count=len(rows), mean=mean, covariance=centred.T @ centred / (len(rows) - 1))


def frechet(real: Features, fake: Features) -> Estimate:
    """Frechet distance of Gaussians fitted to `real` (M, D) and `fake` (N, D); biased upwards at small M and N.

    Raises:
        DataError: fewer than two rows on a side, or sides with different D.
    """
    real, fake = _checked(real, fake, at_least=2, name="Frechet distance")
    return Estimate(value=frechet_of_moments(moments(real), moments(fake)))


def frechet_of_moments(first: Moments, second: Moments) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2): Dowson and Landau 1982; Heusel et al. 2017, equation 6.

    The trace of the root is the sum of the roots of the eigenvalues of a symmetric matrix, taken inside the range of
    C1: nothing is inverted and nothing becomes complex, so fewer images than features need no special case.
    """
    shift = first.mean - second.mean
    values, vectors = np.linalg.eigh(first.covariance)
    kept = values > values[-1] * len(values) * np.finfo(np.float64).eps
    root = vectors[:, kept] * np.sqrt(values[kept])
    shared = np.linalg.eigvalsh(root.T @ second.covariance @ root)
    overlap = np.sqrt(np.maximum(shared, 0.0)).sum()
    distance = shift @ shift + np.trace(first.covariance) + np.trace(second.covariance) - 2.0 * overlap
    return float(max(distance, 0.0))


def _mmd2(within_real: Float64, within_fake: Float64, across: Float64, reals: int, fakes: int) -> Float64:
    """The unbiased squared MMD from sums of kernel values over ordered pairs."""
    result: Float64 = (
        within_real / (reals * (reals - 1)) + within_fake / (fakes * (fakes - 1)) - 2.0 * across / (reals * fakes)
    )
    return result


def _jackknife_variance(without: Float64) -> float:
    """Variance from the estimates that leave out one row each."""
    return float((len(without) - 1) * np.mean(np.square(without - without.mean())))


def _peer_sums(rows: Float64) -> Float64:
    """For each row the sum of its kernel values with all other rows."""
    itself = (np.square(rows).sum(axis=1) / rows.shape[1] + 1.0) ** 3
    result: Float64 = _kernel_row_sums(rows, rows) - itself
    return result


def _kernel_row_sums(rows: Float64, columns: Float64) -> Float64:
    """For each row the sum of its kernel values with all `columns`, a bounded block at a time."""
    block = max(1, KERNEL_ENTRIES // len(columns))
    sums = np.empty(len(rows))
    for start in range(0, len(rows), block):
        kernel = (rows[start : start + block] @ columns.T / rows.shape[1] + 1.0) ** 3
        sums[start : start + block] = kernel.sum(axis=1)
    return sums


def _checked(real: Features, fake: Features, *, at_least: int, name: str) -> tuple[Float64, Float64]:
    for side, rows in (("real", real), ("generated", fake)):
        _require_rows(rows, at_least=at_least, name=name, side=side)
    if real.shape[1] != fake.shape[1]:
        raise DataError(
            f"Real features have {real.shape[1]} numbers and generated ones {fake.shape[1]}: use one extractor."
        )
    return np.asarray(real, dtype=np.float64), np.asarray(fake, dtype=np.float64)


def _require_rows(rows: Features, *, at_least: int, name: str, side: str) -> None:
    if rows.ndim != 2 or len(rows) < at_least:
        count = len(rows) if rows.ndim else 0
        raise DataError(f"The {name} needs at least {at_least} images and the {side} side has {count}: add images.")
