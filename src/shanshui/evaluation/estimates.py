"""What a measure returns, and what every measure needs of its rows of features: one image a row, in any order.

Features may be a `numpy.memmap`: everything here reads them a block at a time.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from shanshui.errors import DataError

Features: TypeAlias = NDArray[np.float32] | NDArray[np.float64]
"""(N, D): one image a row."""

Float64: TypeAlias = NDArray[np.float64]

RowNumbers: TypeAlias = NDArray[np.intp]

BLOCK_ENTRIES = 1 << 22
"""Features converted to float64 at once (32 MiB): bounds the memory of every pass over the rows."""

FOLDS = 10 * math.pi
"""Times that `content_order` folds the middle half of its projections: finer than any shape of the features, and so
coarse that features which differ by the rounding of float32 alone are ordered alike but for a few neighbours. It is
irrational, because both ends of the middle half are often rows themselves, which must not fold onto each other."""


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


def jackknife_error(without: Sequence[float] | Float64) -> float:
    """Standard error of an estimate from its G values `without` one of G groups of equal size each.

    sqrt((G - 1) mean((w - mean(w))^2)): Efron and Stein 1981, "The jackknife estimate of variance", with groups in
    the place of single observations. Errors of independent samples add as `math.hypot`.
    """
    replicates = np.asarray(without, dtype=np.float64)
    return float(np.sqrt((len(replicates) - 1) * np.mean(np.square(replicates - replicates.mean()))))


def unit_rms_scale(reference: Features) -> float:
    """The factor that brings the root mean square over all entries of `reference` (N, D) to one.

    Applied to both sides it makes figures comparable between layers whose activations differ in size.

    Raises:
        DataError: every feature is zero, so that no factor exists.
    """
    squares = sum(float(np.sum(np.square(block))) for block in blocks(reference))
    if squares == 0.0:
        raise DataError("Every feature of the reference images is zero: compare with images that are not blank.")
    return float(np.sqrt(reference.size / squares))


def blocks(features: Features, rows: RowNumbers | None = None) -> Iterator[Float64]:
    """The `rows` of `features` (N, D), or all of them, as float64 matrices of at most `BLOCK_ENTRIES` entries."""
    step = max(1, BLOCK_ENTRIES // max(1, features.shape[1]))
    for start in range(0, len(features) if rows is None else len(rows), step):
        chosen = slice(start, start + step) if rows is None else rows[start : start + step]
        yield np.asarray(features[chosen], dtype=np.float64)


def content_order(features: Features) -> RowNumbers:
    """Row numbers of `features` (N, D) in an order that looks drawn at random but follows from the rows alone.

    Shuffled rows come in the same order again, and no seed is needed. Each row is projected onto one fixed irregular
    direction, the projections are measured in units of their middle half over `FOLDS`, and rows are sorted by what
    remains after the whole units: rows far apart become neighbours, so that a run of the order is as mixed as a random
    sample. A hash of the rows would mix them too, but another batch size, which changes features by rounding, would
    then change everything. Rows that are copies of each other stay together.
    """
    if len(features) == 0:
        return np.empty(0, dtype=np.intp)
    # Multiples of the golden ratio modulo one: irregular, never periodic, of mean zero.
    direction = np.modf((np.arange(features.shape[1]) + 1) * (np.sqrt(5.0) - 1) / 2)[0] - 0.5
    projections = np.concatenate([block @ direction for block in blocks(features)])
    low, high = np.quantile(projections, [0.25, 0.75])
    unit = (high - low) / FOLDS or 1.0
    # Half a unit keeps the row that lies at the lower end away from the place where fractions begin anew.
    return np.argsort(np.mod((projections - low) / unit + 0.5, 1.0), kind="stable")


def row_groups(features: Features, count: int) -> list[RowNumbers]:
    """`count` groups of row numbers whose sizes differ by one at the most: each as mixed as a random sample.

    Which rows share a group follows from their contents, not from their order (see `content_order`). Every group is
    sorted, so that reading it from disk goes forward.
    """
    return [np.sort(group) for group in np.array_split(content_order(features), count)]


def require_pair(real: Features, fake: Features, *, at_least: int, name: str) -> None:
    """DataError unless both sides are matrices of at least `at_least` rows, of one width."""
    require_rows(real, at_least=at_least, name=name, side="real")
    require_rows(fake, at_least=at_least, name=name, side="generated")
    if real.shape[1] != fake.shape[1]:
        raise DataError(
            f"Real features have {real.shape[1]} numbers and generated ones {fake.shape[1]}: use one extractor."
        )


def checked_pair(real: Features, fake: Features, *, at_least: int, name: str) -> tuple[Float64, Float64]:
    """Both sides whole in float64, for features of a few numbers an image; DataError as in `require_pair`."""
    require_pair(real, fake, at_least=at_least, name=name)
    return np.asarray(real, dtype=np.float64), np.asarray(fake, dtype=np.float64)


def require_rows(rows: Features, *, at_least: int, name: str, side: str) -> None:
    """DataError unless `rows` is a matrix of at least `at_least` rows."""
    if rows.ndim != 2 or len(rows) < at_least:
        count = len(rows) if rows.ndim else 0
        raise DataError(f"The {name} needs at least {at_least} images and the {side} side has {count}: add images.")
