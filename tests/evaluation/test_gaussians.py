"""Distances of Gaussians mean what they claim: known values, honest errors, no trace of order or of blocks."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanshui.errors import DataError
from shanshui.evaluation import estimates
from shanshui.evaluation.estimates import Estimate, Features, Float64, row_groups
from shanshui.evaluation.gaussians import (
    GROUPS,
    PARTS,
    Moments,
    accumulate,
    frechet,
    frechet_at_infinity,
    frechet_of_moments,
    moments,
)

Measure = Callable[[Features, Features], Estimate]

MEASURES: tuple[Measure, ...] = (frechet, frechet_at_infinity)


def normal(seed: int, count: int, size: int, *, shift: float = 0.0) -> Float64:
    return np.random.default_rng(seed).normal(shift, 1.0, (count, size))


def slanted(seed: int, count: int, size: int, *, shift: float = 0.0) -> Float64:
    """Independent normals whose deviations fall off as those of network features do."""
    return normal(seed, count, size) / np.arange(1, size + 1) + shift


def by_matrix_root(real: Float64, fake: Float64) -> float:
    """The formula as Heusel et al. 2017 print it."""
    linalg = pytest.importorskip("scipy.linalg")
    first, second = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    gap = real.mean(axis=0) - fake.mean(axis=0)
    return float(gap @ gap + np.trace(first + second - 2 * np.real(linalg.sqrtm(first @ second))))


def by_nuclear_norm(real: Float64, fake: Float64) -> float:
    """The same without a root: the trace of the root is the nuclear norm of the product of the centred features."""
    gap = real.mean(axis=0) - fake.mean(axis=0)
    product = (real - real.mean(axis=0)) @ (fake - fake.mean(axis=0)).T / math.sqrt((len(real) - 1) * (len(fake) - 1))
    traces = real.var(axis=0, ddof=1).sum() + fake.var(axis=0, ddof=1).sum()
    return float(gap @ gap + traces - 2 * np.linalg.norm(product, "nuc"))


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


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (3.0, 0.0), (1.0, 2.0), (0.2, -5.0)])
def test_frechet_equals_the_matrix_root(scale: float, shift: float) -> None:
    real, fake = normal(0, 40, 6) @ normal(5, 6, 6), scale * normal(1, 50, 6) @ normal(6, 6, 6) + shift
    expected = by_matrix_root(real, fake)
    assert frechet(real, fake).value == pytest.approx(expected, rel=1e-8)
    assert frechet_of_moments(moments(real), moments(fake)) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(("reals", "fakes"), [(12, 9), (12, 90), (64, 65), (90, 12), (90, 80)])
def test_frechet_needs_no_more_images_than_features(reals: int, fakes: int) -> None:
    real, fake = normal(0, reals, 64), normal(1, fakes, 64, shift=0.1)
    expected = by_nuclear_norm(real, fake)
    assert frechet(real, fake).value == pytest.approx(expected, rel=1e-6)
    assert frechet(fake, real).value == pytest.approx(expected, rel=1e-6)
    assert frechet_of_moments(moments(real), moments(fake)) == pytest.approx(expected, rel=1e-6)


def test_frechet_of_a_set_with_itself_is_zero() -> None:
    for rows in (normal(0, 300, 16), normal(0, 10, 64), 1e3 * normal(0, 10, 64)):
        assert frechet(rows, rows).value == pytest.approx(0.0, abs=1e-6 * float(np.square(rows).sum(1).mean()))


def test_a_collapsed_set_is_far_away() -> None:
    """All images alike: the distance is the whole spread of the real images, and nothing divides by zero."""
    real = normal(0, 200, 8)
    collapsed = np.repeat(real.mean(axis=0, keepdims=True), 200, axis=0)
    spread = float(np.trace(moments(real).covariance))
    for measure in MEASURES:
        assert measure(real, collapsed).value == pytest.approx(spread, rel=0.02)
        assert measure(collapsed, real).value == pytest.approx(spread, rel=0.02)
    assert frechet(real, collapsed).value == pytest.approx(spread, rel=1e-6)


def test_figures_scale_with_the_square_of_the_features() -> None:
    real, fake = normal(0, 60, 5), normal(1, 50, 5, shift=0.3)
    for measure in MEASURES:
        once, scaled = measure(real, fake), measure(16 * real, 16 * fake)
        assert scaled.value == pytest.approx(256 * once.value, rel=1e-9)
        assert scaled.standard_error == pytest.approx(256 * (once.standard_error or 0.0), rel=1e-9)


@pytest.mark.parametrize(("reals", "fakes", "size"), [(40, 30, 5), (40, 30, 35), (40, 30, 64)])
def test_the_jackknife_is_the_one_by_brute_force(reals: int, fakes: int, size: int) -> None:
    real, fake = normal(0, reals, size), normal(1, fakes, size, shift=0.5)
    without_real = [by_nuclear_norm(np.delete(real, rows, 0), fake) for rows in row_groups(real, GROUPS)]
    without_fake = [by_nuclear_norm(real, np.delete(fake, rows, 0)) for rows in row_groups(fake, GROUPS)]
    variance = (GROUPS - 1) * (np.var(without_real) + np.var(without_fake))
    assert frechet(real, fake).standard_error == pytest.approx(math.sqrt(variance), rel=1e-5)


def test_few_images_are_left_out_one_by_one() -> None:
    real, fake = normal(0, 5, 2), normal(1, 4, 2)
    without_real = [by_nuclear_norm(np.delete(real, i, 0), fake) for i in range(5)]
    without_fake = [by_nuclear_norm(real, np.delete(fake, i, 0)) for i in range(4)]
    variance = 4 * np.var(without_real) + 3 * np.var(without_fake)
    assert frechet(real, fake).standard_error == pytest.approx(math.sqrt(variance), rel=1e-6)


@pytest.mark.parametrize("size", [6, 40])
def test_the_standard_error_is_the_spread_of_repeated_measurements(size: int) -> None:
    """Right where distributions differ; where they are equal the jackknife is too wide, never too narrow."""
    for measure in MEASURES:
        for shift, low, high in ((0.5, 0.75, 1.6), (0.0, 1.0, 2.8)):
            draws = [measure(slanted(2 * s, 72, size), slanted(2 * s + 1, 48, size, shift=shift)) for s in range(40)]
            spread = float(np.std([draw.value for draw in draws]))
            claimed = float(np.mean([draw.standard_error or 0.0 for draw in draws]))
            assert low < claimed / spread < high


def test_the_bias_falls_like_one_over_the_count_and_infinity_is_nearly_free_of_it() -> None:
    """Equal Gaussians, whose true distance is zero."""

    def mean_of(measure: Measure, count: int) -> float:
        pairs = ((normal(2 * s, count, 8), normal(2 * s + 1, count, 8)) for s in range(20))
        return float(np.mean([measure(*pair).value for pair in pairs]))

    biased = {count: mean_of(frechet, count) for count in (50, 100, 200, 400)}
    for count in (50, 100, 200):
        assert biased[count] / biased[2 * count] == pytest.approx(2.0, rel=0.15)
    for count in (100, 200, 400):
        assert abs(mean_of(frechet_at_infinity, count)) < 0.15 * biased[count]


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.5), (2.0, 0.0), (0.5, 1.0)])
def test_infinity_is_the_distance_of_the_distributions(scale: float, shift: float) -> None:
    size, count = 6, 200
    expected = size * (shift**2 + (scale - 1) ** 2)
    pairs = [(normal(2 * s, count, size), scale * normal(2 * s + 1, count, size) + shift) for s in range(30)]
    free = np.array([frechet_at_infinity(*pair).value for pair in pairs])
    biased = np.array([frechet(*pair).value for pair in pairs])
    assert free.mean() == pytest.approx(expected, abs=4 * free.std() / math.sqrt(len(pairs)))
    assert abs(free.mean() - expected) < abs(biased.mean() - expected)


def test_with_fewer_images_than_features_infinity_is_nearer_to_the_truth() -> None:
    real, fake = normal(0, 96, 128), normal(1, 96, 128)
    assert 0.0 < frechet_at_infinity(real, fake).value < 0.65 * frechet(real, fake).value


def test_infinity_is_the_intercept_of_a_line_through_parts() -> None:
    real, fake = normal(0, 120, 5), normal(1, 84, 5, shift=0.2)
    real_groups, fake_groups = row_groups(real, GROUPS), row_groups(fake, GROUPS)
    heights = []
    for parts in PARTS:
        pairs = zip(np.split(np.arange(GROUPS), parts), np.split(np.arange(GROUPS), parts), strict=True)
        heights.append(
            np.mean(
                [
                    by_nuclear_norm(
                        real[np.concatenate([real_groups[i] for i in first])],
                        fake[np.concatenate([fake_groups[i] for i in second])],
                    )
                    for first, second in pairs
                ]
            )
        )
    intercept = np.polyfit(PARTS, heights, 1)[1]
    assert frechet_at_infinity(real, fake).value == pytest.approx(float(intercept), rel=1e-8)


def test_covariance_divides_by_one_less() -> None:
    rows = normal(0, 5, 3)
    assert moments(rows).covariance == pytest.approx(np.cov(rows, rowvar=False))
    assert moments(rows.astype(np.float32)).covariance.dtype == np.float64


def assert_same(found: Moments, expected: Moments) -> None:
    assert found.count == expected.count
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.covariance, expected.covariance, rtol=1e-9, atol=1e-11)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16), cuts=st.lists(st.integers(0, 30), max_size=6))
def test_moments_by_batches_and_by_merging_are_those_of_all_rows(seed: int, cuts: list[int]) -> None:
    rows = normal(seed, 30, 4, shift=3.0)
    batches = np.split(rows, sorted(cuts))
    expected = Moments(count=30, mean=rows.mean(axis=0), covariance=np.cov(rows, rowvar=False))
    assert_same(accumulate(batches), expected)
    assert_same(accumulate(iter(rows[:, np.newaxis])), expected)
    assert_same(moments(rows[:12]).merge(moments(rows[12:])), expected)
    assert_same(moments(rows[12:]).merge(moments(rows[:12])), expected)


def test_moments_survive_a_mean_far_larger_than_the_spread() -> None:
    """Sums of squares would lose every digit of the covariance here."""
    rows = normal(0, 400, 3)
    far = accumulate(np.split(rows + 1e8, 40))
    np.testing.assert_allclose(far.covariance, np.cov(rows, rowvar=False), atol=1e-6)


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    for size in (5, 64):
        real, fake = normal(0, 50, size), normal(1, 37, size, shift=0.2)
        for measure in MEASURES:
            whole = measure(real, fake)
            with monkeypatch.context() as patch:
                patch.setattr(estimates, "BLOCK_ENTRIES", 3 * size)
                blockwise = measure(real, fake)
            assert blockwise.value == pytest.approx(whole.value, rel=1e-9)
            assert blockwise.standard_error == pytest.approx(whole.standard_error, rel=1e-6)


def test_features_on_disk_are_features(tmp_path: Path) -> None:
    real, fake = normal(0, 50, 6).astype(np.float32), normal(1, 37, 6, shift=0.2).astype(np.float32)
    np.save(tmp_path / "real.npy", real)
    on_disk = np.load(tmp_path / "real.npy", mmap_mode="r")
    assert_same(moments(on_disk), moments(real))
    for measure in MEASURES:
        assert measure(on_disk, fake) == measure(real, fake)


def test_features_are_left_as_they_were() -> None:
    real, fake = normal(0, 50, 6), normal(1, 37, 6)
    before = real.copy(), fake.copy()
    for measure in MEASURES:
        measure(real, fake)
    np.testing.assert_array_equal(real, before[0])
    np.testing.assert_array_equal(fake, before[1])


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**16), size=st.sampled_from([6, 40]))
def test_order_does_not_matter(seed: int, size: int) -> None:
    real, fake = normal(seed, 30, size), normal(seed + 1, 26, size)
    random = np.random.default_rng(seed)
    shuffled_real, shuffled_fake = random.permutation(real), random.permutation(fake)
    for measure in MEASURES:
        expected, found = measure(real, fake), measure(shuffled_real, shuffled_fake)
        assert found.value == pytest.approx(expected.value, rel=1e-7, abs=1e-7)
        assert found.standard_error == pytest.approx(expected.standard_error, rel=1e-6)
        assert measure(fake, real).value == pytest.approx(expected.value, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_images_are_one_sentence(count: int) -> None:
    enough, few = normal(0, 30, 4), normal(1, count, 4)
    with pytest.raises(DataError, match=f"at least 3 images and the generated side has {count}"):
        frechet(enough, few)
    with pytest.raises(DataError, match=f"at infinity needs at least 24 images and the real side has {count}"):
        frechet_at_infinity(few, enough)
    with pytest.raises(DataError, match="at least 2"):
        moments(few)
    with pytest.raises(DataError, match="at least 2"):
        accumulate([few])


def test_features_of_different_extractors_are_one_sentence() -> None:
    for measure in MEASURES:
        with pytest.raises(DataError, match="Real features have 4 numbers and generated ones 3: use one extractor"):
            measure(normal(0, 30, 4), normal(0, 30, 3))
    with pytest.raises(DataError, match="Real features have 4 numbers and generated ones 3: use one extractor"):
        frechet_of_moments(moments(normal(0, 30, 4)), moments(normal(0, 30, 3)))
    with pytest.raises(DataError, match="Moments of 4 features cannot be merged with those of 3: use one extractor"):
        moments(normal(0, 30, 4)).merge(moments(normal(0, 30, 3)))
