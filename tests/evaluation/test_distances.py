"""Distances mean what they claim: known values, no bias, no dependence on order or on how memory is divided."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanshui.errors import DataError
from shanshui.evaluation import distances
from shanshui.evaluation.distances import Estimate, Float64, frechet, frechet_of_moments, kid, moments, unit_rms_scale


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
    monkeypatch.setattr(distances, "KERNEL_ENTRIES", 40)
    blocks = kid(real, fake)
    assert blocks.value == pytest.approx(whole.value, rel=1e-10)
    assert blocks.standard_error == pytest.approx(whole.standard_error, rel=1e-10)


def test_interval_is_symmetric_and_absent_without_a_standard_error() -> None:
    interval = Estimate(value=1.0, standard_error=0.5).interval()
    assert interval == pytest.approx((1 - 0.98, 1 + 0.98), abs=1e-3)
    assert Estimate(value=1.0).interval() is None


def test_frechet_of_two_gaussians_is_the_analytic_value() -> None:
    """For covariances that commute: |m1 - m2|^2 + sum (s1 - s2)^2."""
    turn = np.linalg.qr(normal(0, 6, 6))[0]
    first, second = np.array([1.0, 2, 3, 4, 5, 6]), np.array([2.0, 2, 1, 0.5, 7, 6])
    shift = np.arange(6.0)
    value = frechet_of_moments(
        distances.Moments(count=100, mean=np.zeros(6), covariance=turn @ np.diag(first**2) @ turn.T),
        distances.Moments(count=100, mean=shift, covariance=turn @ np.diag(second**2) @ turn.T),
    )
    assert value == pytest.approx(float(shift @ shift + np.sum((first - second) ** 2)), rel=1e-10)


def test_frechet_equals_the_matrix_square_root() -> None:
    linalg = pytest.importorskip("scipy.linalg")
    real, fake = normal(0, 40, 6) @ normal(5, 6, 6), normal(1, 50, 6) @ normal(6, 6, 6) + 1
    first, second = moments(real), moments(fake)
    root = np.real(linalg.sqrtm(first.covariance @ second.covariance))
    gap = first.mean - second.mean
    expected = gap @ gap + np.trace(first.covariance + second.covariance - 2 * root)
    assert frechet(real, fake).value == pytest.approx(expected, rel=1e-8)


def test_frechet_survives_fewer_images_than_features() -> None:
    """Against the nuclear norm of the product of centred features, which needs no square root."""
    real, fake = normal(0, 12, 64), normal(1, 9, 64, shift=0.1)
    first, second = moments(real), moments(fake)
    product = (real - first.mean) @ (fake - second.mean).T / math.sqrt(11 * 8)
    gap = first.mean - second.mean
    expected = gap @ gap + np.trace(first.covariance + second.covariance) - 2 * np.linalg.norm(product, "nuc")
    assert frechet(real, fake).value == pytest.approx(expected, rel=1e-6)
    assert frechet(fake, real).value == pytest.approx(expected, rel=1e-6)


def test_frechet_of_a_set_with_itself_is_zero() -> None:
    for rows in (normal(0, 300, 16), normal(0, 10, 64), 1e3 * normal(0, 10, 64)):
        assert frechet(rows, rows).value == pytest.approx(0.0, abs=1e-6 * float(np.square(rows).sum(1).mean()))


def test_a_collapsed_set_is_far_away() -> None:
    """All images alike: the distance is the whole spread of the real images, and nothing divides by zero."""
    real = normal(0, 200, 8)
    collapsed = np.repeat(real.mean(axis=0, keepdims=True), 200, axis=0)
    spread = float(np.trace(moments(real).covariance))
    assert frechet(real, collapsed).value == pytest.approx(spread, rel=1e-6)
    assert frechet(collapsed, real).value == pytest.approx(spread, rel=1e-6)
    assert kid(real, np.repeat(real[:1], 200, axis=0)).value > 10 * abs(kid(real, normal(1, 200, 8)).value)


def test_covariance_divides_by_one_less() -> None:
    rows = normal(0, 5, 3)
    assert moments(rows).covariance == pytest.approx(np.cov(rows, rowvar=False))
    assert moments(rows.astype(np.float32)).covariance.dtype == np.float64


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_order_does_not_matter(seed: int) -> None:
    real, fake = normal(seed, 12, 6), normal(seed + 1, 10, 6)
    random = np.random.default_rng(seed)
    shuffled_real, shuffled_fake = random.permutation(real), random.permutation(fake)
    for measure in (kid, frechet):
        expected = measure(real, fake).value
        assert measure(shuffled_real, shuffled_fake).value == pytest.approx(expected, rel=1e-9, abs=1e-9)
        assert measure(fake, real).value == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_unit_rms() -> None:
    rows = 40 * normal(0, 10, 6)
    assert np.sqrt(np.mean((rows * unit_rms_scale(rows)) ** 2)) == pytest.approx(1.0)
    with pytest.raises(DataError, match="zero"):
        unit_rms_scale(np.zeros((3, 4)))


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_images_are_one_sentence(count: int) -> None:
    enough, few = normal(0, 5, 4), normal(1, count, 4)
    with pytest.raises(DataError, match=f"at least 2 images and the generated side has {count}"):
        frechet(enough, few)
    with pytest.raises(DataError, match=f"at least 3 images and the real side has {count}"):
        kid(few, enough)
    with pytest.raises(DataError, match="at least 2"):
        moments(few)


def test_sides_from_different_extractors_are_refused() -> None:
    with pytest.raises(DataError, match="one extractor"):
        kid(normal(0, 5, 4), normal(0, 5, 3))
