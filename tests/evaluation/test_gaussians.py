"""Distances of Gaussians mean what they claim: known values, whatever the order and the number of rows."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanshui.errors import DataError
from shanshui.evaluation.estimates import Float64
from shanshui.evaluation.gaussians import Moments, frechet, frechet_of_moments, moments


def normal(seed: int, count: int, size: int, *, shift: float = 0.0) -> Float64:
    return np.random.default_rng(seed).normal(shift, 1.0, (count, size))


def test_frechet_of_two_gaussians_is_the_analytic_value() -> None:
    """For covariances that commute: |m1 - m2|^2 + sum (s1 - s2)^2."""
    turn = np.linalg.qr(normal(0, 6, 6))[0]
    first, second = np.array([1.0, 2, 3, 4, 5, 6]), np.array([2.0, 2, 1, 0.5, 7, 6])
    shift = np.arange(6.0)
    value = frechet_of_moments(
        Moments(count=100, mean=np.zeros(6), covariance=turn @ np.diag(first**2) @ turn.T),
        Moments(count=100, mean=shift, covariance=turn @ np.diag(second**2) @ turn.T),
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


def test_covariance_divides_by_one_less() -> None:
    rows = normal(0, 5, 3)
    assert moments(rows).covariance == pytest.approx(np.cov(rows, rowvar=False))
    assert moments(rows.astype(np.float32)).covariance.dtype == np.float64


def test_a_collapsed_set_is_far_away() -> None:
    """All images alike: the distance is the whole spread of the real images, and nothing divides by zero."""
    real = normal(0, 200, 8)
    collapsed = np.repeat(real.mean(axis=0, keepdims=True), 200, axis=0)
    spread = float(np.trace(moments(real).covariance))
    assert frechet(real, collapsed).value == pytest.approx(spread, rel=1e-6)
    assert frechet(collapsed, real).value == pytest.approx(spread, rel=1e-6)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_order_does_not_matter(seed: int) -> None:
    real, fake = normal(seed, 12, 6), normal(seed + 1, 10, 6)
    random = np.random.default_rng(seed)
    shuffled_real, shuffled_fake = random.permutation(real), random.permutation(fake)
    expected = frechet(real, fake).value
    assert frechet(shuffled_real, shuffled_fake).value == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert frechet(fake, real).value == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_images_are_one_sentence(count: int) -> None:
    enough, few = normal(0, 5, 4), normal(1, count, 4)
    with pytest.raises(DataError, match=f"at least 3 images and the generated side has {count}"):
        frechet(enough, few)
    with pytest.raises(DataError, match="at least 2"):
        moments(few)
