"""Stylised pictures: how far each went from its photo, and how near all of them came to the paintings."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from shanshui.errors import DataError
from shanshui.evaluation.diversity import PairDistance
from shanshui.evaluation.estimates import Estimate
from shanshui.evaluation.features import Image, framed
from shanshui.images.pixels import to_tensor

PAIRS_AT_ONCE = 8


def with_changes(
    pictures: Iterable[Image],
    photos: Iterable[Image],
    distances: Mapping[str, PairDistance],
    changes: Mapping[str, list[float]],
    *,
    height: int,
    width: int,
) -> Iterator[Image]:
    """`pictures` as they are, while the distance of each to its photo is added to `changes`.

    Args:
        pictures: HWC uint8, any sizes.
        photos: in the same order, what each picture was made from.
        distances: name -> distance between images, called on pairs brought to height x width.
        changes: name -> list that grows by one number a picture.
        height: rows at which pairs are compared.
        width: columns.

    Raises:
        DataError: pictures and photos are not equally many.
    """
    pending: list[tuple[Image, Image]] = []
    remaining = iter(photos)
    for picture in pictures:
        photo = next(remaining, None)
        if photo is None:
            raise DataError("There are more stylised pictures than photos: each needs the photo it was made from.")
        pending.append((framed(picture, height, width), framed(photo, height, width)))
        if len(pending) == PAIRS_AT_ONCE:
            _compare(pending, distances, changes)
            pending.clear()
        yield picture
    if next(remaining, None) is not None:
        raise DataError("There are fewer stylised pictures than photos: each photo needs its picture.")
    if pending:
        _compare(pending, distances, changes)


def content(changes: NDArray[np.float64]) -> Estimate:
    """Mean distance (N,) between each picture and its photo, N >= 2; the standard error is that of a mean."""
    return Estimate(value=float(changes.mean()), standard_error=float(changes.std(ddof=1) / np.sqrt(len(changes))))


def artfid(change: Estimate, style: Estimate) -> Estimate:
    """(1 + change of content) (1 + Frechet distance to the paintings): Wright and Ommer 2022, "ArtFID", equation 5.

    A picture that is its photo has no change of content, one that is a painting no distance: the product alone can be
    gamed by either, so both are to be scored as controls beside it. Departures: the paper's networks (LPIPS on AlexNet,
    an Inception trained on paintings) are whatever `change` and `style` were measured with. The standard error takes
    the two factors as independent (delta method).
    """
    errors = (change.standard_error or 0.0) * (1 + style.value), (style.standard_error or 0.0) * (1 + change.value)
    return Estimate(value=(1 + change.value) * (1 + style.value), standard_error=float(np.hypot(*errors)))


def _compare(
    pairs: Sequence[tuple[Image, Image]], distances: Mapping[str, PairDistance], changes: Mapping[str, list[float]]
) -> None:
    pictures, photos = (to_tensor(np.stack(side)) for side in zip(*pairs, strict=True))
    with torch.inference_mode():
        for name, distance in distances.items():
            changes[name].extend(distance(pictures, photos).double().tolist())
