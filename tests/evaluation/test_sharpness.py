"""Sharpness: ratios of energies that are known, with an error that is the spread of repeated measurements."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from shanshui.errors import DataError
from shanshui.evaluation.estimates import Estimate, Float64
from shanshui.evaluation.sharpness import contrast, detail, sharpness


def log_energies(seed: int, count: int, *, mean: float = -5.0, deviation: float = 1.0) -> Float64:
    return np.random.default_rng(seed).normal(mean, deviation, (count, 5))


def test_the_ratio_of_geometric_means() -> None:
    real, fake = np.log([[1.0, 8.0], [4.0, 2.0]]), np.log([[9.0, 1.0], [1.0, 1.0], [3.0, 1.0]])
    assert [estimate.value for estimate in detail(real, fake)] == pytest.approx([3 / 2, 1 / 4])
    assert contrast(real, fake).value == pytest.approx(1 / 4)
    assert sharpness(real, fake).value == pytest.approx(6)


def test_weak_contrast_is_not_blur() -> None:
    real = log_energies(0, 200)
    foggy, blurred = real - 1.0, real - np.array([1.0, 0, 0, 0, 0])
    assert sharpness(real, foggy).value == pytest.approx(1.0)
    assert contrast(real, foggy).value == pytest.approx(math.exp(-1))
    assert sharpness(real, blurred).value == pytest.approx(math.exp(-1))
    assert contrast(real, blurred).value == pytest.approx(1.0)


def test_a_set_beside_itself_is_one_and_sides_are_reciprocal() -> None:
    real, fake = log_energies(0, 30), log_energies(1, 20, mean=-6.0)
    assert sharpness(real, real).value == pytest.approx(1.0)
    assert sharpness(real, fake).value * sharpness(fake, real).value == pytest.approx(1.0)


@pytest.mark.parametrize(("measure", "bands"), [(sharpness, 2), (contrast, 1)])
def test_the_standard_error_is_the_spread_of_repeated_measurements(
    measure: Callable[[Float64, Float64], Estimate], bands: int
) -> None:
    """Independent bands of unit deviation: a difference of two of them has twice the variance."""
    estimates = [measure(log_energies(2 * seed, 90), log_energies(2 * seed + 1, 60)) for seed in range(200)]
    claimed = float(np.mean([estimate.standard_error for estimate in estimates if estimate.standard_error]))
    assert float(np.std([estimate.value for estimate in estimates])) == pytest.approx(claimed, rel=0.15)
    assert claimed == pytest.approx(math.sqrt(bands * (1 / 90 + 1 / 60)), rel=0.1)


def test_one_image_or_other_bands_are_refused() -> None:
    with pytest.raises(DataError, match="at least 2 images and the generated side has 1"):
        sharpness(log_energies(0, 5), log_energies(1, 1))
    with pytest.raises(DataError, match="one extractor"):
        sharpness(log_energies(0, 5), log_energies(1, 5)[:, :4])
