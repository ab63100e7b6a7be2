"""Kernel distances mean what they claim: no bias, no dependence on order or on how memory is divided."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanshui.errors import ConfigError, DataError
from shanshui.evaluation import kernels
from shanshui.evaluation.estimates import Float64
from shanshui.evaluation.kernels import kid, median_distance, mmd


def normal(seed: int, count: int, size: int, *, shift: float = 0.0) -> Float64:
    return np.random.default_rng(seed).normal(shift, 1.0, (count, size))


def cubic(x: Float64, y: Float64) -> float:
    return float((x @ y / len(x) + 1) ** 3)


def gaussian(x: Float64, y: Float64) -> float:
    """Of bandwidth 2."""
    return math.exp(-float(np.sum((x - y) ** 2)) / 8)


def by_definition(real: Float64, fake: Float64, kernel: Callable[[Float64, Float64], float]) -> float:
    """Pair by pair, as lemma 6 of Gretton et al. 2012 is written."""
    within_real = [kernel(x, y) for i, x in enumerate(real) for j, y in enumerate(real) if i != j]
    within_fake = [kernel(x, y) for i, x in enumerate(fake) for j, y in enumerate(fake) if i != j]
    across = [kernel(x, y) for x in real for y in fake]
    return float(np.mean(within_real) + np.mean(within_fake) - 2 * np.mean(across))


def test_figures_are_means_over_pairs() -> None:
    real, fake = normal(0, 7, 5), normal(1, 9, 5, shift=0.3)
    assert kid(real, fake).value == pytest.approx(by_definition(real, fake, cubic), rel=1e-12)
    assert mmd(real, fake, bandwidth=2.0).value == pytest.approx(by_definition(real, fake, gaussian), rel=1e-12)


def test_kid_of_one_distribution_is_zero_on_average_and_sometimes_negative() -> None:
    draws = np.array([kid(normal(2 * seed, 20, 8), normal(2 * seed + 1, 15, 8)).value for seed in range(400)])
    sampling_error = draws.std() / math.sqrt(len(draws))
    assert abs(draws.mean()) < 4 * sampling_error
    assert draws.min() < 0 < draws.max()
    # A biased estimator, which counts each image as its own neighbour, would stand far outside that band.
    own = np.mean([cubic(row, row) for row in normal(0, 200, 8)]) - np.mean(
        [cubic(x, y) for x, y in zip(normal(1, 200, 8), normal(2, 200, 8), strict=True)]
    )
    assert own * (1 / 20 + 1 / 15) > 20 * sampling_error


def test_kid_grows_with_the_difference() -> None:
    real = normal(0, 200, 8)
    values = [kid(real, normal(1, 200, 8, shift=shift)).value for shift in (0.0, 0.5, 1.0, 2.0)]
    assert values == sorted(values)


def test_mmd_of_one_distribution_is_zero_on_average() -> None:
    draws = np.array([mmd(normal(2 * seed, 20, 8), normal(2 * seed + 1, 15, 8)).value for seed in range(300)])
    assert abs(draws.mean()) < 4 * draws.std() / math.sqrt(len(draws))


def test_mmd_of_shifted_gaussians_is_the_analytic_value() -> None:
    """With s = bandwidth^2: E k = (s / (s + 2))^(D/2) exp(-gap^2 / (2 (s + 2))) for unit normals that far apart."""
    bandwidth, size, shift = 2.0, 4, 0.8
    draws = [
        mmd(normal(2 * seed, 150, size), normal(2 * seed + 1, 150, size, shift=shift), bandwidth).value
        for seed in range(20)
    ]
    spread = bandwidth**2 + 2
    expected = 2 * (bandwidth**2 / spread) ** (size / 2) * (1 - math.exp(-size * shift**2 / (2 * spread)))
    assert np.mean(draws) == pytest.approx(expected, abs=4 * float(np.std(draws)) / math.sqrt(len(draws)))


def test_mmd_sees_what_the_mean_and_covariance_do_not() -> None:
    """Signs against normals: equal moments up to the third."""
    signs = np.sign(normal(0, 300, 2))
    estimate = mmd(normal(1, 300, 2), signs, bandwidth=0.5)
    assert estimate.standard_error is not None
    assert estimate.value > 5 * estimate.standard_error


def test_the_median_distance_is_that_of_all_pairs() -> None:
    distance = pytest.importorskip("scipy.spatial.distance")
    rows = 30 + normal(0, 41, 5)
    assert median_distance(rows) == pytest.approx(float(np.median(distance.pdist(rows))), rel=1e-9)


def test_the_median_distance_of_many_rows_is_near_that_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = normal(0, 600, 5)
    whole = median_distance(rows)
    monkeypatch.setattr(kernels, "BANDWIDTH_ROWS", 150)
    some = median_distance(rows)
    assert some == pytest.approx(whole, rel=0.05)
    assert some != whole
    assert median_distance(np.random.default_rng(1).permutation(rows)) == pytest.approx(some, rel=1e-12)


def test_mmd_at_the_median_does_not_depend_on_scale() -> None:
    real, fake = normal(0, 30, 5), normal(1, 30, 5, shift=0.4)
    assert mmd(40 * real, 40 * fake).value == pytest.approx(mmd(real, fake).value, rel=1e-9)
    assert mmd(real, fake).value == mmd(real, fake, median_distance(real)).value


@pytest.mark.parametrize("bandwidth", [0.0, -1.0, math.nan])
def test_a_bandwidth_is_positive(bandwidth: float) -> None:
    with pytest.raises(ConfigError, match="positive"):
        mmd(normal(0, 5, 4), normal(1, 5, 4), bandwidth)


def test_real_images_that_are_all_alike_have_no_scale() -> None:
    with pytest.raises(DataError, match="differ from each other"):
        mmd(np.ones((9, 4)), normal(0, 9, 4))


@pytest.mark.parametrize("kernel", [cubic, gaussian])
def test_the_jackknife_is_the_one_by_brute_force(kernel: Callable[[Float64, Float64], float]) -> None:
    real, fake = normal(0, 6, 4), normal(1, 5, 4, shift=0.5)
    without_real = [by_definition(np.delete(real, i, 0), fake, kernel) for i in range(len(real))]
    without_fake = [by_definition(real, np.delete(fake, i, 0), kernel) for i in range(len(fake))]
    variance = 5 * float(np.var(without_real)) + 4 * float(np.var(without_fake))
    estimate = kid(real, fake) if kernel is cubic else mmd(real, fake, bandwidth=2.0)
    assert estimate.standard_error == pytest.approx(math.sqrt(variance), rel=1e-9)


@pytest.mark.parametrize("bandwidth", [None, 3.0])
def test_the_standard_error_is_the_spread_of_repeated_measurements(bandwidth: float | None) -> None:
    sides = ((normal(2 * s, 40, 8), normal(2 * s + 1, 30, 8, shift=0.5)) for s in range(200))
    estimates = [mmd(*pair, bandwidth) if bandwidth else kid(*pair) for pair in sides]
    spread = float(np.std([estimate.value for estimate in estimates]))
    claimed = float(np.mean([estimate.standard_error for estimate in estimates if estimate.standard_error]))
    assert claimed == pytest.approx(spread, rel=0.2)


@pytest.mark.parametrize("tile", [1, 8, 49])
def test_memory_tiles_do_not_show(monkeypatch: pytest.MonkeyPatch, tile: int) -> None:
    real, fake = normal(0, 50, 6), normal(1, 37, 6, shift=0.2)
    for measure in (kid, mmd):
        whole = measure(real, fake)
        with monkeypatch.context() as patch:
            patch.setattr(kernels, "TILE_ROWS", tile)
            tiled = measure(real, fake)
        assert tiled.value == pytest.approx(whole.value, rel=1e-10)
        assert tiled.standard_error == pytest.approx(whole.standard_error, rel=1e-10)


def test_features_on_disk_are_features(tmp_path: Path) -> None:
    real, fake = normal(0, 50, 6).astype(np.float32), normal(1, 37, 6, shift=0.2).astype(np.float32)
    np.save(tmp_path / "real.npy", real)
    on_disk = np.load(tmp_path / "real.npy", mmap_mode="r")
    for measure in (kid, mmd):
        assert measure(on_disk, fake) == measure(real, fake)


def test_a_collapsed_set_is_far_away() -> None:
    real = normal(0, 200, 8)
    assert kid(real, np.repeat(real[:1], 200, axis=0)).value > 10 * abs(kid(real, normal(1, 200, 8)).value)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_order_does_not_matter(seed: int) -> None:
    real, fake = normal(seed, 12, 6), normal(seed + 1, 10, 6)
    random = np.random.default_rng(seed)
    shuffled_real, shuffled_fake = random.permutation(real), random.permutation(fake)
    for measure in (kid, mmd):
        expected, found = measure(real, fake), measure(shuffled_real, shuffled_fake)
        assert found.value == pytest.approx(expected.value, rel=1e-9, abs=1e-9)
        assert found.standard_error == pytest.approx(expected.standard_error, rel=1e-9)
    assert kid(fake, real).value == pytest.approx(kid(real, fake).value, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_images_are_one_sentence(count: int) -> None:
    with pytest.raises(DataError, match=f"at least 3 images and the real side has {count}"):
        kid(normal(1, count, 4), normal(0, 5, 4))


def test_sides_from_different_extractors_are_refused() -> None:
    with pytest.raises(DataError, match="one extractor"):
        kid(normal(0, 5, 4), normal(0, 5, 3))
