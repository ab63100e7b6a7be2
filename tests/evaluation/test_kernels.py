"""Kernel distances mean what they claim: no bias, no dependence on order or on how memory is divided."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanshui.errors import DataError
from shanshui.evaluation import kernels
from shanshui.evaluation.estimates import Float64
from shanshui.evaluation.kernels import kid


def normal(seed: int, count: int, size: int, *, shift: float = 0.0) -> Float64:
    return np.random.default_rng(seed).normal(shift, 1.0, (count, size))


def kernel(x: Float64, y: Float64) -> float:
    return float((x @ y / len(x) + 1) ** 3)


def kid_by_definition(real: Float64, fake: Float64) -> float:
    """Pair by pair, as lemma 6 of Gretton et al. 2012 is written."""
    within_real = [kernel(x, y) for i, x in enumerate(real) for j, y in enumerate(real) if i != j]
    within_fake = [kernel(x, y) for i, x in enumerate(fake) for j, y in enumerate(fake) if i != j]
    across = [kernel(x, y) for x in real for y in fake]
    return float(np.mean(within_real) + np.mean(within_fake) - 2 * np.mean(across))


def test_kid_is_the_mean_over_pairs() -> None:
    real, fake = normal(0, 7, 5), normal(1, 9, 5, shift=0.3)
    assert kid(real, fake).value == pytest.approx(kid_by_definition(real, fake), rel=1e-12)


def test_kid_of_one_distribution_is_zero_on_average_and_sometimes_negative() -> None:
    draws = np.array([kid(normal(2 * seed, 20, 8), normal(2 * seed + 1, 15, 8)).value for seed in range(400)])
    sampling_error = draws.std() / math.sqrt(len(draws))
    assert abs(draws.mean()) < 4 * sampling_error
    assert draws.min() < 0 < draws.max()
    # A biased estimator, which counts each image as its own neighbour, would stand far outside that band.
    own = np.mean([kernel(row, row) for row in normal(0, 200, 8)]) - np.mean(
        [kernel(x, y) for x, y in zip(normal(1, 200, 8), normal(2, 200, 8), strict=True)]
    )
    assert own * (1 / 20 + 1 / 15) > 20 * sampling_error


def test_kid_grows_with_the_difference() -> None:
    real = normal(0, 200, 8)
    values = [kid(real, normal(1, 200, 8, shift=shift)).value for shift in (0.0, 0.5, 1.0, 2.0)]
    assert values == sorted(values)


def test_the_jackknife_is_the_one_by_brute_force() -> None:
    real, fake = normal(0, 6, 4), normal(1, 5, 4, shift=0.5)
    variance = 0.0
    for side, rows in ((0, real), (1, fake)):
        without = [
            kid_by_definition(*((np.delete(real, i, 0), fake) if side == 0 else (real, np.delete(fake, i, 0))))
            for i in range(len(rows))
        ]
        variance += (len(rows) - 1) * float(np.var(without))
    assert kid(real, fake).standard_error == pytest.approx(math.sqrt(variance), rel=1e-9)


def test_the_standard_error_is_the_spread_of_repeated_measurements() -> None:
    estimates = [kid(normal(2 * s, 40, 8), normal(2 * s + 1, 30, 8, shift=0.5)) for s in range(200)]
    spread = float(np.std([estimate.value for estimate in estimates]))
    claimed = float(np.mean([estimate.standard_error for estimate in estimates if estimate.standard_error]))
    assert claimed == pytest.approx(spread, rel=0.2)


def test_memory_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fake = normal(0, 50, 6), normal(1, 37, 6, shift=0.2)
    whole = kid(real, fake)
    monkeypatch.setattr(kernels, "TILE_ROWS", 8)
    blocks = kid(real, fake)
    assert blocks.value == pytest.approx(whole.value, rel=1e-10)
    assert blocks.standard_error == pytest.approx(whole.standard_error, rel=1e-10)


def test_a_collapsed_set_is_far_away() -> None:
    real = normal(0, 200, 8)
    assert kid(real, np.repeat(real[:1], 200, axis=0)).value > 10 * abs(kid(real, normal(1, 200, 8)).value)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_order_does_not_matter(seed: int) -> None:
    real, fake = normal(seed, 12, 6), normal(seed + 1, 10, 6)
    random = np.random.default_rng(seed)
    shuffled_real, shuffled_fake = random.permutation(real), random.permutation(fake)
    expected = kid(real, fake).value
    assert kid(shuffled_real, shuffled_fake).value == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert kid(fake, real).value == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_images_are_one_sentence(count: int) -> None:
    with pytest.raises(DataError, match=f"at least 3 images and the real side has {count}"):
        kid(normal(1, count, 4), normal(0, 5, 4))


def test_sides_from_different_extractors_are_refused() -> None:
    with pytest.raises(DataError, match="one extractor"):
        kid(normal(0, 5, 4), normal(0, 5, 3))
