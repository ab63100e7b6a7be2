"""Copies of training images are found, at any scale and among fresh images, and fresh images are not called copies."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import mannwhitneyu
from sklearn.metrics import pairwise_distances

from shanshui.errors import DataError
from shanshui.evaluation import pairs
from shanshui.evaluation.estimates import Estimate, Float64
from shanshui.evaluation.memorization import copied, memorization

SIZE = 12


def normal(seed: int, count: int, size: int = SIZE) -> Float64:
    return np.random.default_rng(seed).normal(size=(count, size))


TRAIN, HELDOUT = normal(100, 300), normal(101, 200)


def covers(estimate: Estimate, value: float) -> bool:
    low, high = estimate.interval(0.99) or (math.nan, math.nan)
    return low <= value <= high


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize("noise", [0.0, 1e-6, 1e-2])
def test_copies_are_found(noise: float, scale: float) -> None:
    """Exact ones and near ones: training images lie about 2 apart."""
    fake = TRAIN[:150] + noise * normal(1, 150)
    found = memorization(scale * fake, scale * TRAIN, scale * HELDOUT)
    assert found.share.value == 1.0
    assert found.preference.value == 1.0
    assert found.z < -10
    np.testing.assert_array_equal(found.nearest[1], np.arange(150))
    assert found.nearest[0] == pytest.approx(scale * np.linalg.norm(fake - TRAIN[:150], axis=1), rel=1e-6)


def test_fresh_draws_of_the_same_distribution_are_not_called_copies() -> None:
    found = memorization(normal(2, 400), TRAIN, HELDOUT)
    assert covers(found.share, found.expected)
    assert covers(found.preference, 0.5)
    assert abs(found.z) < 3
    assert found.share.value < 0.05


def test_half_copies_give_a_share_of_a_half() -> None:
    found = memorization(np.concatenate([TRAIN[:200], normal(3, 200)]), TRAIN, HELDOUT)
    assert found.share.value == pytest.approx(0.5, abs=0.03)
    assert covers(found.share, 0.5 * (1 + found.expected))
    assert found.preference.value == pytest.approx(0.75, abs=0.05)
    assert set(found.suspects(200)) == set(range(200))


def test_copies_among_poor_images_are_still_found_by_their_share() -> None:
    """The rank test alone is balanced by rubbish as far away as the copies are near."""
    found = memorization(np.concatenate([TRAIN[:100], 5 * normal(3, 100)]), TRAIN, HELDOUT)
    assert abs(found.z) < 3
    assert found.share.value == pytest.approx(0.5, abs=0.03)


def test_images_that_resemble_no_real_one_are_not_called_copies() -> None:
    found = memorization(5 * normal(3, 100), TRAIN, HELDOUT)
    assert found.share.value == 0.0
    assert found.preference.value < 0.01
    assert found.z > 10


def test_distances_are_those_of_brute_force() -> None:
    fake = normal(4, 50)
    found = memorization(fake, TRAIN, HELDOUT)
    expected = pairwise_distances(fake, TRAIN)
    assert found.nearest[0] == pytest.approx(expected.min(axis=1), rel=1e-9)
    np.testing.assert_array_equal(found.nearest[1], expected.argmin(axis=1))
    assert found.baseline == pytest.approx(pairwise_distances(HELDOUT, TRAIN).min(axis=1), rel=1e-9)
    assert found.ratio == pytest.approx(expected.min(axis=1) / np.sort(expected, axis=1)[:, :50].mean(axis=1), rel=1e-9)


def test_z_and_preference_are_those_of_the_rank_test() -> None:
    """With ties: some generated images are repeated."""
    fake = np.concatenate([normal(5, 60) * 0.9, np.repeat(normal(6, 3), 10, axis=0)])
    found = memorization(fake, TRAIN, HELDOUT)
    test = mannwhitneyu(found.nearest[0], found.baseline, alternative="less", method="asymptotic", use_continuity=False)
    assert found.preference.value == pytest.approx(1 - test.statistic / (90 * 200), rel=1e-12)
    assert found.z == pytest.approx(NormalDist().inv_cdf(test.pvalue), rel=1e-6)


def test_suspects_are_copies_first_and_plain_images_are_none() -> None:
    """Plain images lie near to many others: nearer than anything to its nearest, but never a copy."""
    plain = 0.01 * normal(7, 60)
    train = np.concatenate([TRAIN, plain[:50]])
    fake = np.concatenate([normal(8, 20), plain[50:], TRAIN[[17, 4]] + 0.02 * normal(9, 2)])
    found = memorization(fake, train, HELDOUT)
    assert set(found.suspects(2)) == {30, 31}
    assert found.nearest[0][20:30].max() < found.nearest[0][30:].min()
    assert len(found.suspects(1000)) == len(fake)


@pytest.mark.parametrize("noise", [0.0, 1e-5])
def test_held_out_images_that_were_trained_on_do_not_hide_copies(noise: float) -> None:
    """Left in, one in twenty of them would set the threshold to zero. Rounding of another batch makes no difference."""
    leaky = np.concatenate([HELDOUT, TRAIN[:10] + noise * normal(1, 10)])
    found = memorization(TRAIN[50:150] + noise * normal(2, 100), TRAIN, leaky)
    assert found.leaked == 10
    assert len(found.baseline) == len(HELDOUT)
    assert found.share.value == 1.0


def test_few_held_out_images_raise_what_is_expected() -> None:
    found = memorization(normal(2, 400), TRAIN, HELDOUT[:24])
    assert found.expected == pytest.approx(1 / 25)
    assert memorization(normal(2, 400), TRAIN, HELDOUT).expected == pytest.approx(0.01)
    assert memorization(TRAIN[:50], TRAIN, HELDOUT[:10]).share.value == 1.0


@pytest.mark.parametrize("heldout", [24, 150])
def test_the_expected_share_is_right_on_average(heldout: int) -> None:
    draws = [
        memorization(normal(3 * s, 60, 3), normal(3 * s + 1, 60, 3), normal(3 * s + 2, heldout, 3)) for s in range(150)
    ]
    shares = np.array([draw.share.value for draw in draws])
    assert abs(shares.mean() - draws[0].expected) < 4 * shares.std() / math.sqrt(len(shares))


@pytest.mark.parametrize(("heldout", "copies"), [(30, 0.0), (150, 0.0), (150, 0.3)])
def test_standard_errors_are_the_spread_of_repeated_measurements(heldout: int, copies: float) -> None:
    """A share of one or two images is called less certain than it is, by up to a factor of two; nothing is more so."""
    train, draws = normal(0, 120, 4), []
    for seed in range(120):
        fake, random = normal(2 * seed + 1, 100, 4), np.random.default_rng(seed)
        fake = np.where(random.random((100, 1)) < copies, train[random.integers(0, 120, 100)], fake)
        draws.append(memorization(fake, train, normal(2 * seed + 2, heldout, 4)))
    for figures in ([draw.share for draw in draws], [draw.preference for draw in draws]):
        spread = np.std([figure.value for figure in figures])
        claimed = np.sqrt(np.mean([(figure.standard_error or 0.0) ** 2 for figure in figures]))
        assert spread / 1.2 < claimed < 2 * spread


def test_neither_order_nor_tiles_show(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = normal(4, 90)
    random, places = np.random.default_rng(0), np.random.default_rng(1).permutation(90)
    whole = memorization(fake, TRAIN, HELDOUT)
    monkeypatch.setattr(pairs, "TILE_ROWS", 32)
    monkeypatch.setattr(pairs, "KEPT_ENTRIES", 0)
    other = memorization(fake[places], random.permutation(TRAIN), random.permutation(HELDOUT))
    assert other.share == whole.share
    assert other.preference.value == pytest.approx(whole.preference.value, rel=1e-12)
    assert other.z == pytest.approx(whole.z, rel=1e-12)
    assert other.nearest[0] == pytest.approx(whole.nearest[0][places], rel=1e-12)


# Without held-out images


def test_images_among_those_they_are_compared_with_are_found() -> None:
    real = np.concatenate([TRAIN, TRAIN[:20]])
    distances = np.sort(pairwise_distances(real), axis=1)[:, 1:11]
    spacing = np.where(distances < 1e-6, 0.0, distances)
    mixed, fresh = (
        copied(np.sort(pairwise_distances(fake, real), axis=1)[:, :10], spacing)
        for fake in (np.concatenate([normal(1, 150), TRAIN[100:150]]), normal(2, 200))
    )
    assert mixed.value == pytest.approx(0.25, abs=0.03)
    assert covers(fresh, 0.01)


def test_a_crowd_in_the_middle_is_no_set_of_copies() -> None:
    """Images without anything unusual lie nearer to real ones than real ones do, and are copies of none."""
    crowd = 0.3 * normal(3, 200)
    found = memorization(crowd, TRAIN, HELDOUT)
    assert (found.nearest[0] < np.quantile(found.baseline, 0.01)).mean() > 0.3
    assert found.share.value < 0.05


# What cannot be tested


def test_what_cannot_be_tested_is_one_sentence() -> None:
    with pytest.raises(DataError, match="at least 10 images and the held-out side has 9"):
        memorization(TRAIN, TRAIN, HELDOUT[:9])
    with pytest.raises(DataError, match="195 of 200 held-out images are among the training images"):
        memorization(normal(1, 20), TRAIN, np.concatenate([TRAIN[:195], HELDOUT[:5]]))
    with pytest.raises(DataError, match="one extractor"):
        memorization(TRAIN[:, :3], TRAIN, HELDOUT)
    with pytest.raises(DataError, match="one extractor"):
        memorization(TRAIN, TRAIN, HELDOUT[:, :3])
    with pytest.raises(DataError, match="at least 10 real images that differ and has 2"):
        copied(np.ones((20, 3)), np.array([[0.0] * 3] * 20 + [[1.0] * 3] * 2))
