"""Distances between Gaussians fitted to two sets of features: float64 arithmetic, nothing about images or networks."""

from dataclasses import dataclass

import numpy as np

from shanshui.evaluation.estimates import Estimate, Features, Float64, checked_pair, require_rows


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Mean (D,) and covariance (D, D; divided by `count` - 1) of `count` feature vectors, float64."""

    count: int
    mean: Float64
    covariance: Float64


def moments(features: Features) -> Moments:
    """Mean and covariance of `features` (N, D) in float64.

    Raises:
        DataError: fewer than two rows, which have no covariance.
    """
    require_rows(features, at_least=2, name="Frechet distance", side="one")
    rows = np.asarray(features, dtype=np.float64)
    mean = rows.mean(axis=0)
    centred = rows - mean
    return Moments(count=len(rows), mean=mean, covariance=centred.T @ centred / (len(rows) - 1))


def frechet(real: Features, fake: Features) -> Estimate:
    """Frechet distance of Gaussians fitted to `real` (M, D) and `fake` (N, D); biased upwards at small M and N.

    Raises:
        DataError: fewer than two rows on a side, or sides with different D.
    """
    real, fake = checked_pair(real, fake, at_least=2, name="Frechet distance")
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
