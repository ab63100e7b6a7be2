"""Distances between all pairs of two sets of features, a tile at a time: bounded memory at any number of images.

Everything that asks "which is nearer" rests on this arithmetic, so equal distances have to compare equal: an exact
copy of an image lies at distance 0, and a copy lies as far from everything else as its original. Products of rows are
therefore taken in float64 about the mean of the reference set, what lies below their rounding is set to zero, and the
results are compared as float32, where the remaining rounding (about 1e-15 of the squared size) does not show. Two
distances that differ by less than 1e-7 of themselves may thus count as a tie.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shanshui.evaluation.estimates import Features, Float64

Float32: TypeAlias = NDArray[np.float32]
Indices: TypeAlias = NDArray[np.intp]

TILE_ROWS = 2048
"""Rows and columns of the largest tile: 32 MiB of float64."""

TILE_NUMBERS = 1 << 22
"""Features held in float64 at once for each side of a tile: wide features make smaller tiles."""

KEPT_ENTRIES = 1 << 24
"""Up to this many pairs (64 MiB), squared distances are kept for the next measure; beyond it they are recomputed."""

COPY_RESOLUTION = 1e-13
"""Squared distances below this part of the squared sizes are zero: above float64's rounding in sums of thousands of
products, and below what one unit in the last place of float32 features makes."""

_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Where and on which scale distances are computed: results differ by rounding only, in a bad frame by much of it.

    Attributes:
        origin: (D,) what is subtracted from every row.
        unit: the length that counts as one.
    """

    origin: Float64
    unit: float

    @classmethod
    def of(cls, reference: Features) -> "Frame":
        """Mean and root mean square size of `reference` (N, D); the unit is 1 when all its rows are equal."""
        total = sum(np.sum(reference[rows], axis=0, dtype=np.float64) for rows in _slices(*reference.shape))
        origin = np.asarray(total / len(reference))
        square = sum(
            float(np.square(reference[rows] - origin, dtype=np.float64).sum()) for rows in _slices(*reference.shape)
        )
        return cls(origin=origin, unit=float(np.sqrt(square / len(reference))) or 1.0)

    def place(self, rows: Features) -> Float64:
        """`rows` (n, D) in this frame."""
        result: Float64 = np.subtract(rows, self.origin, dtype=np.float64)
        result /= self.unit
        return result


class Tile(NamedTuple):
    """A rectangle of the matrix of squared distances, in squared units of the frame."""

    rows: slice
    columns: slice
    squared: Float32


class Pairs:
    """Squared distances between `rows` (M, D) and `columns` (N, D), or among `rows` where no columns are given.

    Within one set the distance of a row to itself is infinite: no image is its own neighbour.
    """

    def __init__(self, rows: Features, columns: Features | None = None, *, frame: Frame) -> None:
        self.rows = rows
        self.columns = rows if columns is None else columns
        self.frame = frame
        self._within = columns is None

    def tiles(self) -> Iterator[Tile]:
        """Every pair once, in tiles that no caller may change."""
        whole = self._whole
        if whole is None:
            yield from self._computed()
            return
        for rows in _slices(*self.rows.shape):
            for columns in _slices(*self.columns.shape):
                yield Tile(rows, columns, whole[rows, columns])

    def among(self, rows: Indices, columns: Indices) -> Float32:
        """The squared distances between some rows (m,) and some columns (n,): (m, n), to be small."""
        if self._whole is not None:
            return self._whole[np.ix_(rows, columns)]
        squared = _squared(self.frame.place(self.rows[rows]), self.frame.place(self.columns[columns]))
        if self._within:
            squared[rows[:, None] == columns] = np.inf
        return squared

    @cached_property
    def _whole(self) -> Float32 | None:
        shape = (len(self.rows), len(self.columns))
        if shape[0] * shape[1] > KEPT_ENTRIES:
            return None
        whole = np.empty(shape, np.float32)
        for rows, columns, squared in self._computed():
            whole[rows, columns] = squared
        return whole

    def _computed(self) -> Iterator[Tile]:
        for rows in _slices(*self.rows.shape):
            placed = self.frame.place(self.rows[rows])
            for columns in _slices(*self.columns.shape):
                if self._within and columns.start < rows.start:
                    continue  # came as the mirror image of an earlier tile
                if self._within and columns == rows:
                    squared = _squared(placed, placed)
                    np.fill_diagonal(squared, np.inf)
                    yield Tile(rows, columns, squared)
                    continue
                squared = _squared(placed, self.frame.place(self.columns[columns]))
                yield Tile(rows, columns, squared)
                if self._within:
                    yield Tile(columns, rows, squared.T)


class NearestColumns:
    """The `count` nearest columns of each of `rows` rows, gathered from tiles in any order."""

    def __init__(self, rows: int, count: int) -> None:
        self._squared = np.full((rows, count), np.inf, np.float32)
        self._indices = np.zeros((rows, count), np.intp)

    def add(self, tile: Tile) -> None:
        """Take the nearer ones among the columns of `tile`."""
        count = self._squared.shape[1]
        found, places = smallest(tile.squared, count)
        squared = np.concatenate([self._squared[tile.rows], found], axis=1)
        indices = np.concatenate([self._indices[tile.rows], places + tile.columns.start], axis=1)
        self._squared[tile.rows], kept = smallest(squared, count)
        self._indices[tile.rows] = np.take_along_axis(indices, kept, axis=1)

    def sorted(self) -> tuple[Float32, Indices]:
        """Squared distances (rows, count) and indices of the columns (rows, count), the nearest first."""
        order = np.argsort(self._squared, axis=1, kind="stable")
        return np.take_along_axis(self._squared, order, axis=1), np.take_along_axis(self._indices, order, axis=1)


def nearest(pairs: Pairs, count: int) -> tuple[Float64, Indices]:
    """Distances (M, count) and indices (M, count) of the `count` nearest columns of each row, the nearest first.

    The distances are computed anew from differences of the rows, in the units of the features: they hold to float64's
    precision however small they are. `count` is at most the number of other columns.
    """
    table = NearestColumns(len(pairs.rows), count)
    for tile in pairs.tiles():
        table.add(tile)
    _, indices = table.sorted()
    distances = np.empty(indices.shape)
    for rows in _slices(len(pairs.rows), pairs.rows.shape[1] * count):
        gaps = np.subtract(pairs.columns[indices[rows]], pairs.rows[rows][:, None], dtype=np.float64)
        distances[rows] = np.linalg.norm(gaps, axis=2)
    order = np.argsort(distances, axis=1, kind="stable")
    return np.take_along_axis(distances, order, axis=1), np.take_along_axis(indices, order, axis=1)


def smallest(values: Float32, count: int) -> tuple[Float32, Indices]:
    """The `count` smallest values of each row (all, if there are fewer) and where they stand; in no order."""
    if values.shape[1] <= count:
        return values, np.broadcast_to(np.arange(values.shape[1]), values.shape)
    places = np.argpartition(values, count - 1, axis=1)[:, :count]
    return np.take_along_axis(values, places, axis=1), places


def _squared(rows: Float64, columns: Float64) -> Float32:
    row_sizes, column_sizes = np.einsum("ij,ij->i", rows, rows), np.einsum("ij,ij->i", columns, columns)
    squared = rows @ columns.T
    squared *= -2.0
    sizes = row_sizes[:, None] + column_sizes
    squared += sizes
    sizes *= COPY_RESOLUTION
    squared[squared < sizes] = 0.0
    return np.minimum(squared, _LARGEST, out=squared).astype(np.float32)


def _slices(count: int, width: int) -> Iterator[slice]:
    """`count` rows of `width` numbers in slices that fit a tile."""
    step = max(1, min(TILE_ROWS, TILE_NUMBERS // max(1, width)))
    return (slice(start, min(start + step, count)) for start in range(0, count, step))
