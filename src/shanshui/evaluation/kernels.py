"""Distances between two sets of features by a kernel over all pairs: unbiased at any number of images."""

import numpy as np

from shanshui.evaluation.estimates import Estimate, Features, Float64, checked_pair

KERNEL_ENTRIES = 1 << 22
"""Kernel values held in memory at once (32 MiB): bounds the memory of `kid` at any number of images."""


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
    real, fake = checked_pair(real, fake, at_least=3, name="KID")
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
