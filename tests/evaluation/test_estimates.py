"""What a measure returns and what it asks of its rows."""

import numpy as np
import pytest

from shanshui.errors import DataError
from shanshui.evaluation.estimates import Estimate, Float64, unit_rms_scale


def normal(seed: int, count: int, size: int, *, shift: float = 0.0) -> Float64:
    return np.random.default_rng(seed).normal(shift, 1.0, (count, size))


def test_interval_is_symmetric_and_absent_without_a_standard_error() -> None:
    interval = Estimate(value=1.0, standard_error=0.5).interval()
    assert interval == pytest.approx((1 - 0.98, 1 + 0.98), abs=1e-3)
    assert Estimate(value=1.0).interval() is None


def test_unit_rms() -> None:
    rows = 40 * normal(0, 10, 6)
    assert np.sqrt(np.mean((rows * unit_rms_scale(rows)) ** 2)) == pytest.approx(1.0)
    with pytest.raises(DataError, match="zero"):
        unit_rms_scale(np.zeros((3, 4)))
