"""Distances between all pairs: float64's accuracy, copies at distance zero, ties that tie, tiles that do not show."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from shanshui.evaluation import pairs
from shanshui.evaluation.estimates import Float64
from shanshui.evaluation.pairs import Frame, Pairs, nearest


def normal(seed: int, count: int, size: int) -> Float64:
    return np.random.default_rng(seed).normal(size=(count, size))


def brute(rows: NDArray[np.floating], columns: NDArray[np.floating]) -> Float64:
    """Distances from differences, row by row."""
    return np.array([np.linalg.norm(columns.astype(np.float64) - row.astype(np.float64), axis=1) for row in rows])


def gathered(measured: Pairs) -> Float64:
    """Distances from all tiles, in the units of the features."""
    squared = np.full((len(measured.rows), len(measured.columns)), np.nan)
    for tile in measured.tiles():
        assert np.isnan(squared[tile.rows, tile.columns]).all()
        squared[tile.rows, tile.columns] = tile.squared
    distances: Float64 = np.sqrt(squared) * measured.frame.unit
    return distances


@pytest.fixture(params=["kept", "computed anew"])
def small_tiles(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "TILE_ROWS", 7)
    if request.param == "computed anew":
        monkeypatch.setattr(pairs, "KEPT_ENTRIES", 0)


@pytest.mark.usefixtures("small_tiles")
def test_tiles_hold_every_pair_once() -> None:
    rows, columns = normal(0, 23, 5), normal(1, 31, 5) + 1
    frame = Frame.of(rows)
    assert gathered(Pairs(rows, columns, frame=frame)) == pytest.approx(brute(rows, columns), rel=1e-7)
    within = brute(rows, rows)
    np.fill_diagonal(within, np.inf)
    assert gathered(Pairs(rows, frame=frame)) == pytest.approx(within, rel=1e-7)


@pytest.mark.usefixtures("small_tiles")
def test_some_pairs_are_the_same_as_among_all() -> None:
    rows, columns = normal(0, 23, 5), normal(1, 31, 5)
    frame, some, others = Frame.of(rows), np.array([20, 3, 7]), np.array([30, 0])
    across = np.sqrt(Pairs(rows, columns, frame=frame).among(some, others)) * frame.unit
    assert across == pytest.approx(brute(rows[some], columns[others]), rel=1e-7)
    within = np.sqrt(Pairs(rows, frame=frame).among(some, some)) * frame.unit
    assert np.isinf(np.diag(within)).all()
    assert within[0, 1] == pytest.approx(brute(rows[[20]], rows[[3]])[0, 0], rel=1e-7)


@pytest.mark.usefixtures("small_tiles")
def test_the_nearest_are_those_of_brute_force() -> None:
    rows, columns = normal(0, 23, 4), normal(1, 31, 4)
    distances, indices = nearest(Pairs(rows, columns, frame=Frame.of(columns)), 9)
    expected = brute(rows, columns)
    np.testing.assert_array_equal(indices, np.argsort(expected, axis=1)[:, :9])
    assert distances == pytest.approx(np.sort(expected, axis=1)[:, :9], rel=1e-14)


@pytest.mark.parametrize("scale", [1e-15, 1.0, 1e15])
@pytest.mark.parametrize("offset", [0.0, 300.0])
def test_copies_are_at_distance_zero_and_as_far_from_others_as_their_originals(scale: float, offset: float) -> None:
    """At hundreds of times their spread from the origin |x|^2 + |y|^2 - 2 x.y of float32 would be noise."""
    rows = (scale * (normal(0, 40, 600) + offset)).astype(np.float32)
    measured = gathered(Pairs(rows, rows.copy(), frame=Frame.of(rows)))
    within = gathered(Pairs(rows, frame=Frame.of(rows)))
    np.testing.assert_array_equal(np.diag(measured), 0.0)
    apart = ~np.eye(40, dtype=bool)
    assert (measured[apart] > 0).all()
    np.testing.assert_array_equal(measured[apart], within[apart])


def test_a_million_times_their_spread_from_the_origin_distances_are_right() -> None:
    """Without the frame's origin even float64 would keep four digits of them."""
    rows, columns = normal(0, 20, 30) + 1e6, normal(1, 25, 30) + 1e6
    assert gathered(Pairs(rows, columns, frame=Frame.of(rows))) == pytest.approx(brute(rows, columns), rel=1e-7)


def test_nearly_copies_keep_their_distances() -> None:
    rows = normal(0, 50, 100)
    near = rows + 1e-6 * normal(1, 50, 100)
    distances, indices = nearest(Pairs(near, rows, frame=Frame.of(rows)), 1)
    np.testing.assert_array_equal(indices[:, 0], np.arange(50))
    assert distances[:, 0] == pytest.approx(np.linalg.norm(near - rows, axis=1), rel=1e-12)


def test_a_wide_gap_between_the_sets_overflows_nothing() -> None:
    rows = 1e-3 * normal(0, 5, 3)
    measured = gathered(Pairs(rows, rows + 1e30, frame=Frame.of(rows)))
    assert np.isfinite(measured).all()
    assert (measured > 1e9).all()


def test_features_on_disk_are_read_like_those_in_memory(tmp_path: Path) -> None:
    rows = normal(0, 30, 6).astype(np.float32)
    rows.tofile(tmp_path / "rows")
    mapped = np.memmap(tmp_path / "rows", np.float32, "r", shape=(30, 6))
    np.testing.assert_array_equal(
        gathered(Pairs(mapped, frame=Frame.of(mapped))), gathered(Pairs(rows, frame=Frame.of(rows)))
    )
