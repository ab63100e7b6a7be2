"""Sharpness: ratios of energies that are known, with an error that is the spread of repeated measurements."""

import math

import numpy as np
import pytest

from shanshui.errors import DataError
from shanshui.evaluation.estimates import Float64
from shanshui.evaluation.sharpness import detail, sharpness


def log_energies(seed: int, count: int, *, mean: float = -5.0, deviation: float = 1.0) -> Float64:
    return np.random.default_rng(seed).normal(mean, deviation, (count, 5))


def test_the_ratio_of_geometric_means() -> None:
    real, fake = np.log([[1.0, 8.0], [4.0, 2.0]]), np.log([[9.0, 1.0], [1.0, 1.0], [3.0, 1.0]])
    assert [estimate.value for estimate in detail(real, fake)] == pytest.approx([3 / 2, 1 / 4])
    assert sharpness(real, fake) == detail(real, fake)[0]


def test_a_set_beside_itself_is_one_and_sides_are_reciprocal() -> None:
    real, fake = log_energies(0, 30), log_energies(1, 20, mean=-6.0)
    assert sharpness(real, real).value == pytest.approx(1.0)
    assert sharpness(real, fake).value * sharpness(fake, real).value == pytest.approx(1.0)


def test_the_standard_error_is_the_spread_of_repeated_measurements() -> None:
    estimates = [
        sharpness(log_energies(2 * seed, 90), log_energies(2 * seed + 1, 60, mean=-6.0)) for seed in range(200)
    ]
    claimed = float(np.mean([estimate.standard_error for estimate in estimates if estimate.standard_error]))
    assert float(np.std([estimate.value for estimate in estimates])) == pytest.approx(claimed, rel=0.15)
    assert claimed == pytest.approx(math.exp(-1) * math.sqrt(1 / 90 + 1 / 60), rel=0.1)


def test_one_image_or_other_bands_are_refused() -> None:
    with pytest.raises(DataError, match="at least 2 images and the generated side has 1"):
        sharpness(log_energies(0, 5), log_energies(1, 1))
    with pytest.raises(DataError, match="one extractor"):
        sharpness(log_energies(0, 5), log_energies(1, 5)[:, :4])
