"""Near-duplicates: pictures that are one photograph, resized, recompressed, cropped a little, brighter or darker.

Each picture is remembered as 32 x 32 tones of grey. Two of them are compared by the detail that is left when one is
laid over the other, in the whole and once more in the middle: similar skies and horizons, which many photographs
share, do not count as detail, and a frame or a margin that they share is not enough.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shanshui.images.pixels import Pixels, to_eight_bits
from shanshui.scenes.overlay import SIDE, crop, lay_over

_CROP = 0.05  # of each side: with views cut by this much, crops of up to twice as much are found
_LIKELY = 0.82  # similarity of coarse detail at which two pictures are laid over each other
_SAME, _SAME_MIDDLE = 0.85, 0.75  # similarity of fine detail at which they are one photograph
_FAINT = 1.0  # levels of 255: detail below this is noise and resembles nothing
_BLOCK = 256  # pictures compared with all others at once
_LAID_OVER = 128  # pairs laid over each other at once

Views: TypeAlias = NDArray[np.float32]
Pair: TypeAlias = NDArray[np.intp]


def glance(pixels: Pixels) -> NDArray[np.float16]:
    """What is remembered of HWC RGB `pixels`: 32 x 32 means of grey tones, 0 to 255."""
    grey = Image.fromarray(to_eight_bits(pixels)).convert("L").convert("F")
    return np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float16)


def lookalikes(glances: Sequence[NDArray[np.float16]]) -> tuple[tuple[int, ...], ...]:
    """Groups of near-duplicates among pictures, by their places in `glances`, in ascending order.

    Every pair is compared through 16 views of each picture, which is a matrix product: the time grows with the square
    of the number of pictures, a few seconds for 3,000.
    """
    groups = _Groups(len(glances))
    if len(glances) < 2:
        return ()
    tones = np.stack(glances)
    views = np.stack([_COARSE.of(crop(tones, np.broadcast_to(box, (len(tones), 4)))) for box in _BOXES])
    for pairs in _likely_pairs(views):
        for first in range(0, len(pairs.whole), _LAID_OVER):
            some = pairs.at(np.arange(first, min(first + _LAID_OVER, len(pairs.whole))))
            some = some.at(np.flatnonzero(groups.apart(some.whole, some.cropped)))
            if len(some.whole) == 0:
                continue
            same = _one_photograph(tones, some)
            for one, other in zip(some.whole[same], some.cropped[same], strict=True):
                groups.join(int(one), int(other))
    return groups.of_several()


@dataclass(frozen=True)
class _Detail:
    """Waves across a glance, from `lowest` to `highest` half-periods, as a vector of unit length.

    Each wave counts in proportion to its frequency, which evens out the spectrum of photographs (whose amplitudes fall
    with frequency: Field 1987), so that many small matches weigh more than one large one. Waves that only change from
    top to bottom are left out: they are skies, horizons and haze.
    """

    lowest: float
    highest: float

    def of(self, tones: Views) -> Views:
        """(N, waves) of (N, SIDE, SIDE); shorter than 1 where there is hardly any detail."""
        count = int(self.highest) + 1
        frequencies = np.arange(count)
        waves = np.cos(np.pi * frequencies[:, np.newaxis] * (np.arange(SIDE) + 0.5) / SIDE).astype(np.float32)
        both = np.hypot(frequencies[:, np.newaxis], frequencies)
        kept = (both >= self.lowest) & (both <= self.highest) & (frequencies > 0)
        strengths = (waves @ tones @ waves.T)[:, kept] * both[kept].astype(np.float32)
        length = np.linalg.norm(strengths, axis=1, keepdims=True)
        faintest = _FAINT * SIDE * np.linalg.norm(both[kept])
        detail: Views = strengths / np.maximum(length, np.float32(faintest))
        return detail


_COARSE, _FINE = _Detail(1.5, 6.5), _Detail(1.5, 12.5)

_BOXES = np.array(
    [(top, 1 - bottom, left, 1 - right) for top, bottom, left, right in product((0.0, _CROP), repeat=4)],
    dtype=np.float32,
)
"""Top, bottom, left and right of the views, as shares of the sides; the first is the whole picture."""

_MIDDLE = np.array([0.2, 0.8, 0.2, 0.8], dtype=np.float32)


@dataclass(frozen=True)
class _Pairs:
    """Of each pair the picture that is seen whole, the one that is cropped to it, and by which box at first."""

    whole: Pair
    cropped: Pair
    box: Pair

    def at(self, places: Pair) -> "_Pairs":
        return _Pairs(self.whole[places], self.cropped[places], self.box[places])


def _likely_pairs(views: Views) -> Iterator[_Pairs]:
    """Pairs whose coarse detail is alike in some view, each once, the most alike of a block first."""
    count = views.shape[1]
    whole = views[0]
    for first in range(0, count, _BLOCK):
        block = slice(first, first + _BLOCK)
        found: list[tuple[Pair, Pair, Pair, Views]] = []
        for box, view in enumerate(views):
            for is_whole, alike in ((True, whole[block] @ view[first:].T), (False, view[block] @ whole[first:].T)):
                rows, columns = np.nonzero(alike >= _LIKELY)
                later = columns > rows
                rows, columns = rows[later], columns[later]
                seen, cut = (rows, columns) if is_whole else (columns, rows)
                found.append((seen + first, cut + first, np.full(len(rows), box), alike[rows, columns]))
        seen, cut, boxes, degrees = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = np.argsort(-degrees, kind="stable")
        pairs = np.minimum(seen, cut) * count + np.maximum(seen, cut)
        _, firsts = np.unique(pairs[order], return_index=True)
        best = order[np.sort(firsts)]
        yield _Pairs(seen[best], cut[best], boxes[best])


def _one_photograph(tones: NDArray[np.float16], pairs: _Pairs) -> NDArray[np.bool_]:
    """Whether the fine detail of each pair is the same, once one is laid over the other."""
    whole, cropped = tones[pairs.whole], tones[pairs.cropped]
    laid = crop(cropped, lay_over(cropped, whole, _BOXES[pairs.box]))
    middle = np.broadcast_to(_MIDDLE, (len(laid), 4))
    same: NDArray[np.bool_] = (_similarity(whole.astype(np.float32), laid) >= _SAME) & (
        _similarity(crop(whole, middle), crop(laid, middle)) >= _SAME_MIDDLE
    )
    return same


def _similarity(one: Views, other: Views) -> Views:
    """Of the fine detail of each of `one` and the same of `other`: 1 the same, 0 nothing in common."""
    similarity: Views = (_FINE.of(one) * _FINE.of(other)).sum(axis=1)
    return similarity


class _Groups:
    """Pictures joined into groups: what resembles one of a group belongs to it."""

    def __init__(self, count: int) -> None:
        self._group = np.arange(count)

    def apart(self, one: Pair, other: Pair) -> NDArray[np.bool_]:
        apart: NDArray[np.bool_] = self._group[one] != self._group[other]
        return apart

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self._group[one], self._group[other]))
        self._group[self._group == high] = low

    def of_several(self) -> tuple[tuple[int, ...], ...]:
        members: dict[int, list[int]] = {}
        for place, group in enumerate(self._group):
            members.setdefault(int(group), []).append(place)
        return tuple(tuple(group) for group in members.values() if len(group) > 1)
