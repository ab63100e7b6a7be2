"""Neighbours tell quality from variety: known examples, brute force, and what each figure is fooled by and is not."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import hadamard
from sklearn.metrics import pairwise_distances

from shanshui.errors import ConfigError, DataError
from shanshui.evaluation import manifolds, pairs
from shanshui.evaluation.estimates import Estimate, Float64, content_order
from shanshui.evaluation.manifolds import Comparison

FIGURES: tuple[Callable[[Comparison, int], Estimate], ...] = (
    Comparison.precision,
    Comparison.recall,
    Comparison.density,
    Comparison.coverage,
)

MEASURES: tuple[Callable[[Comparison], Estimate], ...] = (
    Comparison.precision,
    Comparison.recall,
    Comparison.density,
    Comparison.coverage,
    Comparison.variety,
    Comparison.distinctness,
)


def normal(seed: int, count: int, size: int = 8, *, scale: float = 1.0) -> Float64:
    return np.random.default_rng(seed).normal(0.0, scale, (count, size))


def line(*places: float) -> Float64:
    return np.array(places, dtype=np.float64)[:, None]


def values(comparison: Comparison, k: int = 5) -> list[float]:
    return [figure(comparison, k).value for figure in FIGURES]


def errors(comparison: Comparison, k: int = 5) -> list[float | None]:
    return [figure(comparison, k).standard_error for figure in FIGURES]


def by_definition(real: Float64, fake: Float64, k: int) -> list[float]:
    """The formulas of both papers, written down without any thrift."""
    across = pairwise_distances(real, fake)
    real_radii = np.sort(pairwise_distances(real), axis=1)[:, k]
    fake_radii = np.sort(pairwise_distances(fake), axis=1)[:, k]
    in_real_ball, in_fake_ball = across < real_radii[:, None], across < fake_radii[None, :]
    return [
        in_real_ball.any(axis=0).mean(),
        in_fake_ball.any(axis=1).mean(),
        in_real_ball.sum(axis=0).mean() / k,
        in_real_ball.any(axis=1).mean(),
    ]


# Known values


def test_an_example_counted_by_hand() -> None:
    """Balls about real images: (-1, 1), (0, 2), (6, 14), (10, 18); generated: (-.5, 1.5), (-1.5, .5), (.5, 20.5)."""
    comparison = Comparison(line(0, 1, 10, 14), line(0.5, -0.5, 10.5))
    assert comparison.precision(1).value == 1.0
    assert comparison.density(1).value == pytest.approx((2 + 1 + 2) / 3)
    assert comparison.coverage(1).value == 1.0
    assert comparison.recall(1).value == 1.0


def test_coverage_and_density_differ_from_recall_and_precision() -> None:
    """Three real images; generated ones at 0.4 and far away. Balls of k = 1: (-1, 1), (0, 2), (1, 3) and |40| each."""
    comparison = Comparison(line(0, 1, 2), line(0.4, 40.4))
    assert comparison.precision(1).value == 0.5
    assert comparison.density(1).value == 1.0  # two balls around the first, none around the second
    assert comparison.coverage(1).value == pytest.approx(2 / 3)
    assert comparison.recall(1).value == 1.0  # the far image makes both generated balls huge


def test_the_border_is_outside_and_nobody_is_his_own_neighbour() -> None:
    assert values(Comparison(line(0, 1), line(2, 2)), 1) == [0.0, 0.0, 0.0, 0.0]
    assert values(Comparison(line(0, 1), line(2, 3)), 1) == [0.0, 0.0, 0.0, 0.0]


def test_realism_counted_by_hand() -> None:
    """Radii of k = 1 are 1, 1, 2, 6, their median 1.5: the balls about 0 and 1 count, with radius 1."""
    realism = Comparison(line(0, 1, 3, 9), line(1.25, 3.5, 8.9)).realism(1)
    assert realism == pytest.approx([1 / 0.25, 1 / 2.5, 1 / 7.9], rel=1e-6)


def test_realism_of_copies_is_infinite_and_sorts() -> None:
    realism = Comparison(line(0, 0, 1, 9), line(0, 9, 0.5, 100)).realism(1)
    assert np.isinf(realism[:2]).all()
    assert np.isfinite(realism[2:]).all()
    assert realism[2] >= realism[3] >= 0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16), k=st.integers(1, 7), size=st.integers(1, 12))
def test_figures_are_those_of_the_definitions(seed: int, k: int, size: int) -> None:
    real, fake = normal(seed, 31, size), normal(seed + 1, 24, size, scale=1.2) + 0.2
    assert values(Comparison(real, fake), k) == pytest.approx(by_definition(real, fake, k), rel=1e-12)


def test_features_far_from_the_origin_give_the_same_figures() -> None:
    """Products of float32 rows so far out have no correct digit of their distances."""
    real, fake = normal(0, 60), normal(1, 50)
    moved_real, moved_fake = ((3000 + rows).astype(np.float32) for rows in (real, fake))
    expected = by_definition(moved_real.astype(np.float64) - 3000, moved_fake.astype(np.float64) - 3000, 5)
    assert values(Comparison(moved_real, moved_fake)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kept", [0, 1 << 20])
def test_copies_of_all_real_images_score_like_real_ones(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each copy lies in the balls of its original and of those whose first k - 1 neighbours include it: k on average.

    The k-th neighbour lies on the border: were it inside by rounding, density would be too high by up to 1 / k.
    """
    monkeypatch.setattr(pairs, "TILE_ROWS", 77)
    monkeypatch.setattr(pairs, "KEPT_ENTRIES", kept)
    real = normal(0, 300, 40).astype(np.float32)
    copies = np.random.default_rng(1).permutation(real)
    assert values(Comparison(real, copies)) == [1.0, 1.0, 1.0, 1.0]


# Meaning


def test_a_collapsed_generator_has_precision_without_recall() -> None:
    real = normal(0, 300)
    comparison = Comparison(real, real[7] + 1e-3 * normal(1, 300))
    precision, recall, _, coverage = values(comparison)
    assert precision == 1.0
    assert recall < 0.02
    assert coverage < 0.1
    assert comparison.variety().value < 0.01
    assert comparison.distinctness().value < 0.01


def test_everything_plus_rubbish_has_recall_without_precision() -> None:
    real = normal(0, 300)
    rubbish = normal(2, 900, scale=10.0)
    precision, recall, density, coverage = values(Comparison(real, np.concatenate([normal(1, 300), rubbish])))
    assert precision < 0.4
    assert density < 0.4
    assert recall > 0.9
    assert coverage > 0.9


def test_one_outlier_inflates_precision_but_not_density() -> None:
    """A few real images far away have balls that hold everything in between."""
    real, fake = normal(0, 200), normal(1, 200) + 4.0
    outliers = np.full((1, 8), 12.0)
    before, after = Comparison(real, fake), Comparison(np.concatenate([real, outliers]), fake)
    assert before.precision().value < 0.1
    assert after.precision().value > 0.9
    assert after.density().value - before.density().value <= 1 / 5


def test_two_halves_of_one_set_are_as_varied() -> None:
    variety = Comparison(normal(0, 200), normal(1, 200)).variety()
    low, high = variety.interval(0.999) or (0.0, 0.0)
    assert low < 1 < high
    assert high - low < 0.2


def test_typical_images_come_before_odd_ones() -> None:
    fake = np.concatenate([normal(1, 5), normal(2, 5, scale=20.0)])
    assert set(np.argsort(Comparison(normal(0, 300), fake).realism())[:5]) == {5, 6, 7, 8, 9}


# Neighbours, spacing, variety


def test_neighbours_and_spacing_are_those_of_brute_force() -> None:
    real, fake = normal(0, 40), normal(1, 30)
    distances, indices = Comparison(real, fake).nearest(3)
    expected = pairwise_distances(fake, real)
    np.testing.assert_array_equal(indices, np.argsort(expected, axis=1)[:, :3])
    assert distances == pytest.approx(np.sort(expected, axis=1)[:, :3], rel=1e-9)
    assert Comparison(real, fake).spacing() == pytest.approx(np.sort(pairwise_distances(real), axis=1)[:, 1], rel=1e-6)


def test_variety_is_the_ratio_of_mean_distances() -> None:
    real, fake = normal(0, 40), normal(1, 30, scale=0.5)
    expected = pairwise_distances(fake).sum() / (30 * 29) / (pairwise_distances(real).sum() / (40 * 39))
    assert Comparison(real, fake).variety().value == pytest.approx(expected, rel=1e-6)
    assert Comparison(real, np.repeat(fake[:1], 5, axis=0)).variety().value == 0.0


def test_distinctness_sees_repetition_that_variety_does_not() -> None:
    real, few = normal(0, 300), normal(1, 30)
    repeated = Comparison(real, np.repeat(few, 10, axis=0) + 1e-3 * normal(2, 300))
    assert repeated.variety().value > 0.8
    assert repeated.distinctness().value < 0.01
    assert Comparison(real, normal(3, 300)).distinctness().value == pytest.approx(1.0, abs=0.1)


# Nothing but the images counts


def test_the_order_of_images_does_not_matter() -> None:
    real, fake = normal(0, 90), normal(1, 70, scale=1.1)
    random = np.random.default_rng(5)
    places = random.permutation(70)
    first, second = Comparison(real, fake), Comparison(random.permutation(real), fake[places])
    assert values(second) == pytest.approx(values(first), rel=1e-12)
    assert errors(second) == pytest.approx(errors(first), rel=1e-9)
    assert second.variety().standard_error == pytest.approx(first.variety().standard_error, rel=1e-6)
    assert second.realism() == pytest.approx(first.realism()[places], rel=1e-6)


@pytest.mark.parametrize("kept", [0, 1 << 20])
def test_tiles_do_not_show(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real, fake = normal(0, 90), normal(1, 70, scale=1.1)
    whole = Comparison(real, fake)
    expected = values(whole), errors(whole), whole.realism(), whole.variety()
    monkeypatch.setattr(pairs, "TILE_ROWS", 16)
    monkeypatch.setattr(pairs, "KEPT_ENTRIES", kept)
    tiled = Comparison(real, fake)
    assert values(tiled) == pytest.approx(expected[0], rel=1e-12)
    assert errors(tiled) == pytest.approx(expected[1], rel=1e-12)
    assert tiled.realism() == pytest.approx(expected[2], rel=1e-6)
    assert tiled.variety().value == pytest.approx(expected[3].value, rel=1e-6)
    assert tiled.variety().standard_error == pytest.approx(expected[3].standard_error, rel=1e-6)


def test_more_neighbours_than_were_kept_are_found_in_another_pass() -> None:
    real, fake = normal(0, 60), normal(1, 50)
    comparison = Comparison(real, fake)
    for k in (3, manifolds.NEIGHBOURS_KEPT + 5, 4):
        assert values(comparison, k) == pytest.approx(by_definition(real, fake, k), rel=1e-12)


# Standard errors


def test_standard_errors_are_those_of_half_samples_by_brute_force() -> None:
    """A quarter of the mean squared difference between halves, which are made of 16 groups in content order."""
    real, fake, k = normal(0, 43), normal(1, 38, scale=1.1), 4
    variance = np.zeros(4)
    for rows, figures in (
        (real, partial(by_definition, fake=fake, k=k)),
        (fake, partial(by_definition, real, k=k)),
    ):
        ordered = rows[content_order(rows)]
        groups = np.arange(len(rows)) * 16 // len(rows)
        for signs in hadamard(16)[1:]:
            first, second = (np.array(figures(ordered[signs[groups] == sign])) for sign in (1, -1))
            variance += np.square(first - second) / 4 / 15
    assert errors(Comparison(real, fake), k) == pytest.approx(np.sqrt(variance), rel=1e-9)


@pytest.mark.parametrize("scale", [0.7, 1.2])
def test_standard_errors_are_the_spread_of_repeated_measurements(scale: float) -> None:
    """Within a factor of 1.5: neighbours are no smooth function of the images, and halves of them lie farther apart."""
    draws = [Comparison(normal(2 * s, 150, 4), normal(2 * s + 1, 120, 4, scale=scale)) for s in range(60)]
    measured = [[*map(figure_of, draws)] for figure_of in MEASURES]
    for estimates in measured:
        spread = np.std([estimate.value for estimate in estimates])
        claimed = np.sqrt(np.mean([(estimate.standard_error or 0.0) ** 2 for estimate in estimates]))
        assert spread / 1.5 < claimed < 1.5 * spread


def test_standard_errors_of_many_images_come_from_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = [(normal(2 * s, 400), normal(2 * s + 1, 400) + 0.5) for s in range(5)]
    full = np.array([errors(Comparison(*draw)) for draw in draws], dtype=float)
    monkeypatch.setattr(manifolds, "SPREAD_ROWS", 200)
    sampled = np.array([errors(Comparison(*draw)) for draw in draws], dtype=float)
    assert (sampled != full).all()
    ratio = sampled.mean(axis=0) / full.mean(axis=0)
    assert ((ratio > 0.75) & (ratio < 1.33)).all()


def test_few_images_have_figures_without_standard_errors() -> None:
    comparison = Comparison(normal(0, 6), normal(1, 6))
    assert comparison.precision(5).standard_error is None
    assert Comparison(normal(0, 32), normal(1, 31)).precision(8).standard_error is None
    assert Comparison(normal(0, 32), normal(1, 32)).precision(8).standard_error is not None


# What cannot be measured


def test_what_cannot_be_measured_is_one_sentence() -> None:
    comparison = Comparison(normal(0, 5), normal(1, 4))
    with pytest.raises(DataError, match="at least 5 images and the generated side has 4"):
        comparison.precision(4)
    with pytest.raises(DataError, match="at least 6 images and the real side has 5"):
        comparison.nearest(6)
    with pytest.raises(ConfigError, match="0-th"):
        comparison.recall(0)
    with pytest.raises(DataError, match="one extractor"):
        Comparison(normal(0, 5), normal(1, 5, 3))
    with pytest.raises(DataError, match="at least 2 images and the real side has 1"):
        Comparison(normal(0, 1), normal(1, 5))
    with pytest.raises(DataError, match="at least 3"):
        Comparison(normal(0, 5), normal(1, 2)).variety()
    with pytest.raises(DataError, match="alike"):
        Comparison(np.ones((4, 2)), normal(1, 4, 2)).variety()
    with pytest.raises(DataError, match="copy"):
        Comparison(np.ones((4, 2)), normal(1, 4, 2)).distinctness()


def test_none_among_few_is_no_certainty() -> None:
    real, far = normal(0, 40), normal(1, 50) + 100
    recall, precision = Comparison(real, far).recall(3), Comparison(real, far).precision(3)
    assert (recall.value, recall.standard_error) == (0.0, 1 / 40)
    assert (precision.value, precision.standard_error) == (0.0, 1 / 50)
