"""How two sets of features overlap, from distances to nearest neighbours: quality and variety as separate figures.

A set of images is seen as a union of balls, one around each image, that reach to its k-th nearest neighbour.
"""

import math
from collections.abc import Mapping
from functools import cached_property

import numpy as np

from shanshui.errors import ConfigError, DataError
from shanshui.evaluation.estimates import (
    Estimate,
    Features,
    Float64,
    content_order,
    jackknife_error,
    require_pair,
    require_rows,
)
from shanshui.evaluation.overlaps import Overlap, Sample, overlap, standard_errors
from shanshui.evaluation.pairs import Float32, Frame, Indices, NearestColumns, Pairs, nearest

NEIGHBOURS_KEPT = 10
"""Neighbours found in the first pass over a set: any k up to it costs no second pass."""

SPREAD_ROWS = 2000
"""Images of a side that standard errors are computed from; for more images they are scaled."""


class Comparison:
    """What the measures of nearest neighbours share about real features (M, D) and generated ones (N, D).

    Figures do not depend on the order of the rows. Everything is computed when it is first asked for: one pass over
    the pairs within each set, and one between the sets for each k. At most `pairs.KEPT_ENTRIES` distances of each kind
    are kept, so that memory stays bounded at any number of images; features may be memory maps.

    Definitions are those of the package `prdc` 0.2: an image is not its own neighbour, and the border of a ball does
    not belong to it. Departure: distances that agree to seven digits count as equal (see `pairs`).

    Standard errors come from halves of each side in turn (`overlaps.standard_errors`). With more than `SPREAD_ROWS`
    images on a side they are estimated from so many of them, and the variance due to that side is divided by the ratio
    of the counts. Figures of a few images, whose halves have no k-th neighbours, have none.

    Measures with a `k` raise DataError where a side has fewer than k + 1 images, ConfigError for k < 1.

    Raises:
        DataError: fewer than two images on a side, or sides with different D.
    """

    def __init__(self, real: Features, fake: Features) -> None:
        require_pair(real, fake, at_least=2, name="comparison of nearest neighbours")
        frame = Frame.of(real)
        self._real = _Manifold(real, frame, side="real")
        self._fake = _Manifold(fake, frame, side="generated")
        self._across = Pairs(real, fake, frame=frame)
        self._nearest = np.empty((len(fake), 0)), np.empty((len(fake), 0), np.intp)
        self._overlaps: dict[int, Overlap] = {}
        self._estimates: dict[int, Mapping[str, Estimate]] = {}

    def precision(self, k: int = 5) -> Estimate:
        """Share of the generated images that lie in the ball of a real one: 1 is best, 0 worst.

        Kynkaanniemi et al. 2019, "Improved Precision and Recall Metric for Assessing Generative Models", section 2,
        with k = 3 there.
        """
        return self._figures(k)["precision"]

    def recall(self, k: int = 5) -> Estimate:
        """Share of the real images that lie in the ball of a generated one: 1 is best, 0 worst (as `precision`)."""
        return self._figures(k)["recall"]

    def density(self, k: int = 5) -> Estimate:
        """How many real balls a generated image lies in on average, divided by k: about 1 is best, 0 worst.

        Unlike precision it cannot be bought with the one large ball of an outlier; it exceeds 1 where generated images
        crowd into the densest places. Naeem et al. 2020, "Reliable Fidelity and Diversity Metrics for Generative
        Models", section 3.
        """
        return self._figures(k)["density"]

    def coverage(self, k: int = 5) -> Estimate:
        """Share of the real images whose ball holds a generated one: 1 is best, 0 worst (Naeem et al. 2020, section 3).

        Unlike recall it cannot be bought with the large balls of a few generated images far from all others.
        """
        return self._figures(k)["coverage"]

    def realism(self, k: int = 5) -> Float64:
        """How deep each generated image lies in the real manifold: (N,); above 1 is inside, and more is more typical.

        The largest ratio of a real ball's radius to the distance from its centre, over the half of the balls with the
        smaller radii (Kynkaanniemi et al. 2019, section 4). Departure: infinite for a copy of any real image, whichever
        half it is in.
        """
        return self._overlap(k).realism

    def nearest(self, count: int) -> tuple[Float64, Indices]:
        """The `count` real images nearest to each generated one, the nearest first.

        Returns:
            Distances (N, count) in the units of the features, and rows of the real features (N, count).

        Raises:
            DataError: fewer than `count` real images.
        """
        require_rows(self._real.rows, at_least=count, name=f"search for {count} nearest images", side="real")
        if self._nearest[0].shape[1] < count:
            self._nearest = nearest(Pairs(self._fake.rows, self._real.rows, frame=self._across.frame), count)
        distances, indices = self._nearest
        return distances[:, :count], indices[:, :count]

    def spacing(self) -> Float64:
        """The distance (M,) of each real image to the nearest other one, in the units of the features."""
        return np.sqrt(self._real.squared_radii(1), dtype=np.float64) * self._across.frame.unit

    def surroundings(self, count: int) -> Float64:
        """The distances (M, count) of each real image to the other ones nearest to it, in the units of the features."""
        squared = [self._real.squared_radii(k) for k in range(1, count + 1)]
        return np.sqrt(np.stack(squared, axis=1), dtype=np.float64) * self._across.frame.unit

    def variety(self) -> Estimate:
        """Mean distance within the generated set divided by that within the real one: 1 as varied, near 0 collapsed.

        The standard error is that of the ratio to first order, each mean's by the delete-one jackknife over all images.

        Raises:
            DataError: fewer than three images on a side, or real images that are all alike.
        """
        real, fake = self._real.summed_distances(), self._fake.summed_distances()
        if not real.any():
            raise DataError("All real images are alike, so nothing can be as varied as they are: compare with others.")
        value = _mean_over_pairs(fake) / _mean_over_pairs(real)
        error = math.hypot(_error_of_mean(fake), value * _error_of_mean(real)) / _mean_over_pairs(real)
        return Estimate(value=value, standard_error=error)

    def distinctness(self) -> Estimate:
        """Mean distance of a generated image to the generated one nearest to it, over the same among real images.

        1 when the generated images are as different from each other as real ones are, near 0 when few are repeated; at
        unequal counts it is a little lower for the larger set. The standard error takes the distances as independent.

        Raises:
            DataError: real images that are all copies of each other.
        """
        real, fake = (np.sqrt(side.squared_radii(1), dtype=np.float64) for side in (self._real, self._fake))
        if not real.any():
            raise DataError("Each real image has its copy, so none is as distinct as they are: compare with others.")
        value = fake.mean() / real.mean()
        error = math.hypot(fake.std() / math.sqrt(len(fake)), value * real.std() / math.sqrt(len(real))) / real.mean()
        return Estimate(value=float(value), standard_error=float(error))

    def _overlap(self, k: int) -> Overlap:
        if k not in self._overlaps:
            radii = self._real.squared_radii(k), self._fake.squared_radii(k)
            self._overlaps[k] = overlap(self._across.tiles(), *radii, k)
        return self._overlaps[k]

    def _figures(self, k: int) -> Mapping[str, Estimate]:
        if k not in self._estimates:
            values = self._overlap(k).figures
            reals, fakes = len(self._real.rows), len(self._fake.rows)
            errors = standard_errors(self._sample, k, reals=reals, fakes=fakes)
            counted = {"precision": fakes, "recall": reals, "density": fakes, "coverage": reals}
            self._estimates[k] = {
                name: Estimate(
                    value=value,
                    # One image's share where no half differs from another: none among few is no certainty.
                    standard_error=None if errors is None else getattr(errors, name) or 1 / counted[name],
                )
                for name, value in values._asdict().items()
            }
        return self._estimates[k]

    @cached_property
    def _sample(self) -> Sample:
        real, fake = (content_order(side.rows)[:SPREAD_ROWS] for side in (self._real, self._fake))
        return Sample(
            real=self._real.pairs.among(real, real),
            fake=self._fake.pairs.among(fake, fake),
            across=self._across.among(real, fake),
        )


class _Manifold:
    """Distances within one set of features, from one pass over its pairs (another one where k exceeds what is kept)."""

    def __init__(self, rows: Features, frame: Frame, *, side: str) -> None:
        self.rows = rows
        self.pairs = Pairs(rows, frame=frame)
        self._side = side
        self._neighbours = np.empty((len(rows), 0), np.float32)
        self._sums = np.empty(0)

    def squared_radii(self, k: int) -> Float32:
        """The squared distance (M,) of each row to its k-th nearest other row, in squared units of the frame."""
        if k < 1:
            raise ConfigError(f"The {k}-th nearest neighbour does not exist: ask for the first or a later one.")
        require_rows(self.rows, at_least=k + 1, name=f"search for {k} nearest neighbours", side=self._side)
        if self._neighbours.shape[1] < k:
            self._measure(k)
        return self._neighbours[:, k - 1]

    def summed_distances(self) -> Float64:
        """The sum (M,) of the distances of each row to all others, in units of the frame."""
        require_rows(self.rows, at_least=3, name="variety", side=self._side)
        if not len(self._sums):
            self._measure(1)
        return self._sums

    def _measure(self, k: int) -> None:
        count = min(max(k, NEIGHBOURS_KEPT), len(self.rows) - 1)
        table, sums = NearestColumns(len(self.rows), count), np.zeros(len(self.rows))
        for tile in self.pairs.tiles():
            table.add(tile)
            sums[tile.rows] += np.sqrt(tile.squared).sum(axis=1, dtype=np.float64, where=np.isfinite(tile.squared))
        self._neighbours, _ = table.sorted()
        self._sums = sums


def _mean_over_pairs(sums: Float64) -> float:
    return float(sums.sum() / (len(sums) * (len(sums) - 1)))


def _error_of_mean(sums: Float64) -> float:
    """Standard error of the mean over pairs from the distances of each image to all others."""
    return jackknife_error((sums.sum() - 2.0 * sums) / ((len(sums) - 1) * (len(sums) - 2)))
