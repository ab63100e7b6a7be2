"""What a measure returns, and that rows are taken in an order of their own."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanshui.errors import DataError
from shanshui.evaluation import estimates
from shanshui.evaluation.estimates import (
    Estimate,
    Float64,
    blocks,
    checked_pair,
    content_order,
    jackknife_error,
    require_pair,
    row_groups,
    unit_rms_scale,
)


def normal(seed: int, count: int, size: int) -> Float64:
    return np.random.default_rng(seed).normal(0.0, 1.0, (count, size))


def test_interval_is_symmetric_and_absent_without_a_standard_error() -> None:
    interval = Estimate(value=1.0, standard_error=0.5).interval()
    assert interval == pytest.approx((1 - 0.98, 1 + 0.98), abs=1e-3)
    assert Estimate(value=1.0).interval() is None


def test_the_jackknife_of_a_mean_is_its_textbook_error() -> None:
    values = normal(0, 50, 1)[:, 0]
    without = [np.delete(values, i).mean() for i in range(len(values))]
    assert jackknife_error(without) == pytest.approx(values.std(ddof=1) / math.sqrt(len(values)))


def test_the_jackknife_over_groups_of_a_mean_is_the_error_of_the_mean_of_group_means() -> None:
    groups = normal(0, 12, 5)
    without = [np.delete(groups, i, axis=0).mean() for i in range(len(groups))]
    assert jackknife_error(without) == pytest.approx(groups.mean(axis=1).std(ddof=1) / math.sqrt(len(groups)))


def test_unit_rms(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = 40 * normal(0, 10, 6)
    assert np.sqrt(np.mean((rows * unit_rms_scale(rows)) ** 2)) == pytest.approx(1.0)
    whole = unit_rms_scale(rows)
    monkeypatch.setattr(estimates, "BLOCK_ENTRIES", 13)
    assert unit_rms_scale(rows) == pytest.approx(whole, rel=1e-12)
    with pytest.raises(DataError, match="zero"):
        unit_rms_scale(np.zeros((3, 4)))


@pytest.mark.parametrize("entries", [1, 12, 19, 1000])
def test_blocks_are_the_rows_in_float64_and_small(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, entries: int
) -> None:
    monkeypatch.setattr(estimates, "BLOCK_ENTRIES", entries)
    rows = normal(0, 10, 6).astype(np.float32)
    np.save(tmp_path / "rows.npy", rows)
    on_disk = np.load(tmp_path / "rows.npy", mmap_mode="r")
    chosen = np.array([1, 5, 8])
    for expected, found in ((rows, list(blocks(on_disk))), (rows[chosen], list(blocks(on_disk, chosen)))):
        assert all(block.dtype == np.float64 and block.size <= max(entries, 6) for block in found)
        np.testing.assert_array_equal(np.concatenate(found), expected)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16), count=st.integers(0, 40))
def test_the_order_follows_from_the_rows_not_from_where_they_stand(seed: int, count: int) -> None:
    rows = normal(seed, count, 5)
    shuffled = np.random.default_rng(seed).permutation(rows)
    np.testing.assert_array_equal(shuffled[content_order(shuffled)], rows[content_order(rows)])
    assert sorted(content_order(rows)) == list(range(count))


def test_groups_divide_the_rows_evenly() -> None:
    groups = row_groups(normal(0, 50, 5), 12)
    assert sorted(np.concatenate(groups)) == list(range(50))
    assert {len(group) for group in groups} == {4, 5}
    assert all(np.all(np.diff(group) > 0) for group in groups)


def test_groups_are_as_mixed_as_random_samples() -> None:
    """Along every feature, one of which dominates, group means scatter as the means of random samples do."""
    scatter = []
    for seed in range(30):
        rows = normal(seed, 240, 6) * np.array([100.0, 10, 1, 1, 0.1, 0.01])
        means = np.array([rows[group].mean(axis=0) for group in row_groups(rows, 12)])
        scatter.append(means.var(axis=0, ddof=1) * 20 / rows.var(axis=0, ddof=1))
    # A mean of 30 draws of chi-squared over its 11 degrees of freedom has the deviation sqrt(2 / 11 / 30) = 0.08.
    np.testing.assert_allclose(np.mean(scatter, axis=0), 1.0, atol=0.32)


def test_rounding_moves_few_rows_between_groups() -> None:
    rows = np.maximum(normal(0, 600, 32), 0.0)
    rounded = rows * (1 + 1e-5 * normal(1, 600, 32))
    moved = sum(
        len(set(before) - set(after))
        for before, after in zip(row_groups(rows, 12), row_groups(rounded, 12), strict=True)
    )
    assert moved < 20


def test_copies_stay_together() -> None:
    rows = np.repeat(normal(0, 20, 4), 3, axis=0)
    order = content_order(rows) // 3
    assert np.count_nonzero(np.diff(order)) == 19


def test_sides_that_cannot_be_compared_are_one_sentence() -> None:
    with pytest.raises(DataError, match="The KID needs at least 3 images and the generated side has 2: add images"):
        require_pair(normal(0, 5, 4), normal(0, 2, 4), at_least=3, name="KID")
    with pytest.raises(DataError, match="Real features have 4 numbers and generated ones 3: use one extractor"):
        require_pair(normal(0, 5, 4), normal(0, 5, 3), at_least=3, name="KID")
    with pytest.raises(DataError, match="one extractor"):
        checked_pair(normal(0, 5, 4), normal(0, 5, 3), at_least=3, name="KID")


def test_a_checked_pair_is_in_float64() -> None:
    real, fake = checked_pair(np.ones((2, 1), np.float32), np.ones((3, 1), np.float32), at_least=2, name="KID")
    assert real.dtype == fake.dtype == np.float64
