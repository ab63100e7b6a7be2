"""Does a generator repeat its training images? Distances to them, against the distances of real images it never saw.

A model that has learnt the distribution comes as near to its training images as other real images do, no nearer. So
held-out images of the same kind say what "near" is, at whatever scale the features have.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from shanshui.errors import DataError
from shanshui.evaluation.estimates import Estimate, Features, Float64, require_pair, require_rows
from shanshui.evaluation.pairs import Frame, Indices, Pairs, nearest

NEARER_THAN = 0.99
"""A generated image is suspect when it lies nearer to a training image than this share of the held-out ones does."""

FEWEST_HELDOUT = 10
"""Fewer held-out images cannot say what distance is usual."""

SURROUNDINGS = 50
"""Training images around an image that its nearest is measured against."""

SAME_IMAGE = 1e-3
"""Relative distance up to which two rows of features come from one image: batches change features by less."""


@dataclass(frozen=True, kw_only=True)
class Memorization:
    """How near N generated images come to the training images.

    Attributes:
        share: of the generated images, those whose `ratio` is below that of 99 % of the held-out images.
        expected: what `share` would be for images that are neither copied nor avoided: 0.01, or 1 / (H + 1) where fewer
            than 99 held-out images cannot show one in a hundred.
        preference: probability that a generated image lies nearer to its nearest training image than a held-out one to
            its own: 0.5 is expected, 1 when everything is copied, towards 0 when the images resemble no real ones.
        z: the same as the test of Meehan et al. 2020 gives it, in standard deviations: far below 0 (say -3) copied.
        nearest: distances (N,) to the nearest training image, in the units of the features, and its row (N,).
        baseline: the same distances (H,) of the held-out images.
        leaked: held-out images that are training images, too; they are not in `baseline`.
        ratio: (N,) distance to the nearest training image over the mean distance to those around it; see `suspects`.
    """

    share: Estimate
    expected: float
    preference: Estimate
    z: float
    nearest: tuple[Float64, Indices]
    baseline: Float64
    leaked: int
    ratio: Float64 = field(repr=False)

    def suspects(self, count: int) -> Indices:
        """Rows of the `count` generated images (all, if fewer) that look most like copies, the most suspicious first.

        Sorted by `ratio`, which unlike the distance does not suspect images for being plain: an image without detail
        is near to many others. The relative distance of Carlini et al. 2023, "Extracting Training Data from Diffusion
        Models", section 5, up to its constant factor.
        """
        return suspects(self.ratio, count)


def suspects(ratio: Float64, count: int) -> Indices:
    """The rows of the `count` lowest of `ratio` (N,), the lowest first: see `Memorization.suspects`."""
    return np.argsort(ratio, kind="stable")[:count]


def memorization(fake: Features, train: Features, heldout: Features) -> Memorization:
    """Compare distances to the nearest training image: of generated images, and of held-out real ones.

    `share` counts relative distances (`Memorization.ratio`) strictly below the quantile of the held-out ones that one
    in a hundred undercuts: plain distances would call images copies that lie where all images lie densely, as blurred
    ones and those of a timid generator do. The quantile is estimated at rank (H + 1) / 100 with interpolation, so that
    the expectation is right at small H, too. The standard error adds the binomial one, of (copies + 1) / (N + 2) so
    that none among few is no certainty, to that of the quantile (Maritz and Jarrett 1978, "A note on estimating the
    variance of the sample median").

    `preference` is the Mann-Whitney statistic divided by the number of pairs, ties counting half; standard error of
    DeLong et al. 1988. `z` is Z_U of Meehan, Chaudhuri and Dasgupta 2020, "A Non-Parametric Test to Detect Data-Copying
    in Generative Models", section 3, whose C_T averages it over cells of the feature space. Departures: one cell, and
    a variance corrected for ties. A generator that is poor in one place can hide copies in another from it; `share`
    sees them.

    Held-out images that are among the training images (the same but for rounding) were not held out, and are left out.

    Args:
        fake: (N, D) features, N >= 2.
        train: (M, D) features of the images that the generator saw, M >= 2.
        heldout: (H, D) features of images of the same kind that it did not see, at least `FEWEST_HELDOUT`.

    Raises:
        DataError: too few rows, or sides with different D.
    """
    require_pair(train, fake, at_least=2, name="memorisation test")
    require_rows(heldout, at_least=FEWEST_HELDOUT, name="memorisation test", side="held-out")
    require_pair(train, heldout, at_least=2, name="memorisation test")
    frame = Frame.of(train)
    around, places = nearest(Pairs(fake, train, frame=frame), min(SURROUNDINGS, len(train)))
    distances = around[:, 0]
    usual = _held_out(nearest(Pairs(heldout, train, frame=frame), min(SURROUNDINGS, len(train)))[0])
    baseline, ratio = usual[:, 0], _relative(around)
    expected = _expected(baseline)
    preference, z = _preference(distances, baseline)
    return Memorization(
        share=_share(ratio, _relative(usual), expected),
        expected=expected,
        preference=preference,
        z=z,
        nearest=(distances, places[:, 0]),
        baseline=baseline,
        leaked=len(heldout) - len(baseline),
        ratio=ratio,
    )


def copied(to_real: Float64, spacing: Float64) -> Estimate:
    """Share of generated images that lie as near to one real image as 99 % of real ones do not lie to another.

    Near is relative to the distances of the real images around, as for `Memorization.share`. Tells a set that holds the
    very images it is compared with; 0.01 is expected (as for `Memorization.expected`). Standard error as of
    `Memorization.share`. Real images that have a copy among the real ones say nothing about what is usual, and are left
    out.

    Args:
        to_real: (N, K) distances of each generated image to the nearest real ones, the nearest first.
        spacing: (M, K) the same of each real image to the nearest other ones, at least `FEWEST_HELDOUT` above zero.

    Raises:
        DataError: too few real images.
    """
    distinct = _relative(spacing[spacing[:, 0] > 0.0])
    if len(distinct) < FEWEST_HELDOUT:
        raise DataError(
            f"The search for copies needs at least {FEWEST_HELDOUT} real images that differ and has {len(distinct)}: "
            "add images."
        )
    return _share(_relative(to_real), distinct, _expected(distinct))


def expected_share(spacing: Float64) -> float:
    """What `copied` would give for images that are neither copied nor avoided; `spacing` as there."""
    return _expected(spacing[spacing[:, 0] > 0.0])


def _held_out(around: Float64) -> Float64:
    """The rows of those images that were held out indeed: their distances to the nearest training images."""
    usual: Float64 = around[_relative(around) > SAME_IMAGE]
    if len(usual) < FEWEST_HELDOUT:
        raise DataError(
            f"{len(around) - len(usual)} of {len(around)} held-out images are among the training images, which "
            f"leaves fewer than {FEWEST_HELDOUT} to compare with: hold out other images."
        )
    return usual


def _expected(baseline: Float64) -> float:
    return max(1.0 - NEARER_THAN, 1.0 / (len(baseline) + 1))


def _share(distances: Float64, baseline: Float64, expected: float) -> Estimate:
    threshold = float(np.quantile(baseline, expected, method="weibull"))
    copies = int(np.count_nonzero(distances < threshold))
    likely = (copies + 1) / (len(distances) + 2)
    variance = likely * (1.0 - likely) / len(distances) + _variance_of_threshold(distances, baseline, expected)
    return Estimate(value=copies / len(distances), standard_error=math.sqrt(variance))


def _variance_of_threshold(distances: Float64, baseline: Float64, expected: float) -> float:
    """Variance of the share of `distances` below a quantile of `baseline` due to the draw of the baseline.

    In resamples of the baseline the quantile falls on its i-th value with the probability that a Beta variable gives to
    the i-th of as many equal parts of the unit interval, here by the middle of the part.
    """
    count = len(baseline)
    middles = (np.arange(count) + 0.5) / count
    rank = expected * (count + 1)
    logarithms = (rank - 1.0) * np.log(middles) + (count - rank) * np.log1p(-middles)
    weights = np.exp(logarithms - logarithms.max())
    weights /= weights.sum()
    shares = np.searchsorted(np.sort(distances), np.sort(baseline), side="left") / len(distances)
    return float(weights @ np.square(shares - weights @ shares))


def _preference(distances: Float64, baseline: Float64) -> tuple[Estimate, float]:
    """Probability that a value of `distances` is below one of `baseline`, and the rank test's z (negative: below)."""
    fakes, reals = len(distances), len(baseline)
    above = 1.0 - _share_below(distances, baseline)
    below = _share_below(baseline, distances)
    value = float(above.mean())
    error = math.sqrt(above.var(ddof=1) / fakes + below.var(ddof=1) / reals)
    _, ties = np.unique(np.concatenate([distances, baseline]), return_counts=True)
    total = fakes + reals
    spread = (total + 1 - (ties**3.0 - ties).sum() / (total * (total - 1))) / (12 * fakes * reals)
    z = (0.5 - value) / math.sqrt(spread) if spread > 0.0 else 0.0
    return Estimate(value=value, standard_error=error), z


def _share_below(values: Float64, others: Float64) -> Float64:
    """For each of `values` the share of `others` below it, those equal to it counting half."""
    ordered = np.sort(others)
    sides = np.searchsorted(ordered, values, side="left") + np.searchsorted(ordered, values, side="right")
    result: Float64 = sides / (2.0 * len(ordered))
    return result


def _relative(around: Float64) -> Float64:
    """The first distance of each row over their mean; 0 for a copy even where all of them are 0."""
    means: Float64 = around.mean(axis=1)
    means[means == 0.0] = 1.0
    return around[:, 0] / means
