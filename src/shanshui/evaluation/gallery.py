"""Which images of a judged set explain its figures."""

from collections.abc import Iterable

import numpy as np

from shanshui.evaluation.assessment import Distribution, Gallery, Neighbours
from shanshui.evaluation.collection import Collection
from shanshui.evaluation.memorization import Memorization
from shanshui.evaluation.pairing import Pairing

SHOWN = 32
EXTREMES = 8
NEIGHBOURS = 3
BALLS = 3
"""Nearest neighbours that a real image's ball reaches to, as in precision3."""


def gallery(pairing: Pairing, feature: str) -> Gallery:
    """Images of `pairing.judged` to look at, chosen by `feature`.

    Raises:
        DataError: too few images to have neighbours.
    """
    real, judged = pairing.real, pairing.judged
    overlap = pairing.sides(feature).overlap
    by_realism = np.argsort(overlap.realism(min(BALLS, len(real) - 1)), kind="stable")
    distances, rows = overlap.nearest(min(NEIGHBOURS, len(real)))
    spacing = overlap.spacing()
    usual = float(spacing.mean()) or 1.0
    memorization = pairing.memorization(feature) if pairing.train is not None else None
    return Gallery(
        shown=[judged.image(row) for row in spread(len(judged), SHOWN)],
        most_typical=[judged.image(int(row)) for row in by_realism[::-1][:EXTREMES]],
        least_typical=[judged.image(int(row)) for row in by_realism[:EXTREMES]],
        neighbours=[
            _neighbours(judged, row, real, rows[row], distances[row] / usual) for row in spread(len(judged), EXTREMES)
        ],
        copies=_copies(pairing, memorization) if memorization is not None else (),
        distributions=[
            Distribution(
                title="Distance to the nearest real image",
                axis=_axis(feature),
                groups={"judged": distances[:, 0] / usual, "real": spacing / usual},
            ),
            *([_to_training(feature, memorization)] if memorization is not None else []),
            *([_fine_detail(real, judged)] if "spectrum" in judged.features and "spectrum" in real.features else []),
        ],
    )


def _copies(pairing: Pairing, memorization: Memorization) -> list[Neighbours]:
    assert pairing.train is not None
    distances, rows = memorization.nearest
    usual = memorization.baseline.mean()
    suspected = round(memorization.share.value * len(pairing.judged))
    return [
        _neighbours(pairing.judged, row, pairing.train, rows[row : row + 1], distances[row : row + 1] / usual)
        for row in map(int, memorization.suspects(min(suspected, EXTREMES)))
    ]


def _neighbours(
    judged: Collection, row: int, others: Collection, rows: Iterable[int], distances: Iterable[float]
) -> Neighbours:
    return Neighbours(
        image=judged.image(row),
        nearest=[others.image(int(other)) for other in rows],
        distances=[float(distance) for distance in distances],
    )


def _to_training(feature: str, memorization: Memorization) -> Distribution:
    usual = memorization.baseline.mean()
    return Distribution(
        title="Distance to the nearest training image",
        axis=_axis(feature),
        groups={"judged": memorization.nearest[0] / usual, "held-out": memorization.baseline / usual},
    )


def _axis(feature: str) -> str:
    return f"distance in {feature}; 1 is the mean of real images"


def _fine_detail(real: Collection, judged: Collection) -> Distribution:
    return Distribution(
        title="Fine detail",
        axis="logarithm of the energy of the finest details",
        groups={
            "judged": judged.features["spectrum"].values[:, 0].astype(np.float64),
            "real": real.features["spectrum"].values[:, 0].astype(np.float64),
        },
    )


def spread(total: int, count: int) -> list[int]:
    """At most `count` of `total` rows, evenly spread."""
    count = min(total, count)
    return [index * total // count for index in range(count)]
