"""What a measure returns, and what every measure asks of its rows of features: one image a row."""

from dataclasses import dataclass
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from shanshui.errors import DataError

Features: TypeAlias = NDArray[np.float32] | NDArray[np.float64]
Float64: TypeAlias = NDArray[np.float64]


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


def checked_pair(real: Features, fake: Features, *, at_least: int, name: str) -> tuple[Float64, Float64]:
    """Both sides in float64; DataError when one has fewer than `at_least` rows or their widths differ."""
    for side, rows in (("real", real), ("generated", fake)):
        require_rows(rows, at_least=at_least, name=name, side=side)
    if real.shape[1] != fake.shape[1]:
        raise DataError(
            f"Real features have {real.shape[1]} numbers and generated ones {fake.shape[1]}: use one extractor."
        )
    return np.asarray(real, dtype=np.float64), np.asarray(fake, dtype=np.float64)


def require_rows(rows: Features, *, at_least: int, name: str, side: str) -> None:
    """DataError unless `rows` is a matrix of at least `at_least` rows."""
    if rows.ndim != 2 or len(rows) < at_least:
        count = len(rows) if rows.ndim else 0
        raise DataError(f"The {name} needs at least {at_least} images and the {side} side has {count}: add images.")
