"""What one pass over generated images tells besides figures: variety, movement, and copies of training photographs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from shanshui.errors import DataError
from shanshui.evaluation.estimates import Features, Float64
from shanshui.evaluation.features import Image
from shanshui.evaluation.manifolds import Comparison
from shanshui.evaluation.memorization import copied, expected_share, memorization, suspects

SURROUNDINGS = 10
"""Real images around an image that its nearest is measured against."""

NEIGHBOURS = 3
"""Reach of the balls that recall is counted with, as in recall3."""

PAIRS_SHOWN = 8


class Copies(NamedTuple):
    """How many generated images lie suspiciously near to one training photograph.

    Attributes:
        share: of the generated images.
        expected: what it would be for photographs of the same kind that were never trained on.
        error: standard error of `share`.
        pairs: (generated image, training photograph) by number, the most suspicious first; at most `PAIRS_SHOWN`.
    """

    share: float
    expected: float
    error: float
    pairs: Sequence[tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What a judge says of a learner's images.

    Attributes:
        figures: full name -> value, the preferred first.
        errors: full name -> standard error, of those figures that have one.
        variety: mean distance between two generated images over that between two real ones.
        recall: share of the real images that lie among the generated ones.
        movement: mean distance of each image from what the same latent gave before, over the mean distance of a real
            image to the one nearest to it; None the first time.
        copies: of training photographs; None where too few of them differ.
        trace: (K, D) features of the first images, to be handed back at the next examination.
        evidence: generated image, its nearest training photograph, the next image, and so on (HWC uint8).
    """

    figures: dict[str, float]
    errors: dict[str, float]
    variety: float
    recall: float
    movement: float | None
    copies: Copies | None
    trace: Features = field(repr=False)
    evidence: Sequence[Image] = field(default=(), repr=False)


def movement(now: Features, before: Features | None, spacing: Float64) -> float | None:
    """Mean distance between the same rows of `now` and `before` (K, D), over the mean of `spacing`; 0 stands still."""
    if before is None or not spacing.any():
        return None
    rows = min(len(now), len(before))
    return float(np.linalg.norm(now[:rows] - before[:rows], axis=1).mean() / spacing.mean())


def copies(comparison: Comparison, real: Features, fake: Features, heldout: Features | None) -> Copies | None:
    """Generated images that lie nearer to a training photograph than photographs of the same kind do.

    "Near" is learned from held-out photographs (`memorization`) or, without any, from how the training photographs lie
    to each other, each left out in turn (`copied`).

    Args:
        comparison: of `real` and `fake`.
        real: (M, D) features of training photographs.
        fake: (N, D) features of generated images.
        heldout: (H, D) features of photographs that were not trained on; None where there are none.

    Returns:
        None where fewer than `memorization.FEWEST_HELDOUT` photographs differ, so that nothing says what is usual.
    """
    if heldout is not None:
        found = memorization(fake, real, heldout)
        share, expected, ratio, nearest = found.share, found.expected, found.ratio, found.nearest[1]
    else:
        around = min(SURROUNDINGS, len(real) - 1)
        distances, places = comparison.nearest(around)
        spacing = comparison.surroundings(around)
        try:
            share = copied(distances, spacing)
        except DataError:
            return None
        expected, nearest = expected_share(spacing), places[:, 0]
        ratio = distances[:, 0] / np.maximum(distances.mean(axis=1), np.finfo(np.float64).tiny)
    rows = suspects(ratio, min(PAIRS_SHOWN, round(share.value * len(fake))))
    return Copies(
        share=share.value,
        expected=expected,
        error=share.standard_error or 0.0,
        pairs=[(int(row), int(nearest[row])) for row in rows],
    )
