"""Holes to learn on: strokes, boxes and borders, each mask a pure function of (seed, images seen).

Free-form strokes after Yu et al. 2019 (https://arxiv.org/abs/1806.03589, appendix A): a brush wanders over the picture
with turns at random; boxes are what is cut out around things; a border on some sides is what lies beyond a picture.
"""

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

LEAST, MOST = 0.1, 0.5
"""Share of a picture that is missing."""

_STREAM = 0x401E
_STEPS = 6
_ENOUGH = 0.8
_FINER, _FINEST = 0.97, 0.2


def mask_at(seed: int, position: int, height: int, width: int) -> NDArray[np.float32]:
    """The mask of the image that is seen as number `position`: (height, width), 1 where a pixel is missing, else 0.

    Args:
        seed: at least 0.
        position: images seen before this one, at least 0.
        height: rows, at least 16.
        width: columns, at least 16.
    """
    random = np.random.default_rng([_STREAM, seed, position])
    kind = _KINDS[str(random.choice(list(_KINDS)))]
    missing = np.zeros((height, width), bool)
    wanted = random.uniform(LEAST, MOST)
    for shape in kind(random, height, width, wanted):
        more = missing | shape
        if more.mean() <= MOST:
            missing = more
        if missing.mean() >= max(LEAST, _ENOUGH * wanted):
            break
    return missing.astype(np.float32)


def _strokes(random: np.random.Generator, height: int, width: int, wanted: float) -> Iterator[NDArray[np.bool_]]:
    """Paths of a round brush, the later ones finer, so that the last ones fit in."""
    size = 1.0
    while True:
        brush = max(1.0, size * random.uniform(0.05, 0.2) * min(height, width))
        points = [random.uniform(0, 1, 2) * (width, height)]
        angle = random.uniform(0, 2 * math.pi)
        for _ in range(int(random.integers(1, _STEPS))):
            angle += random.uniform(-1.5, 1.5)
            length = size * random.uniform(0.1, 0.35) * min(height, width)
            points.append(
                np.clip(points[-1] + length * np.array([math.cos(angle), math.sin(angle)]), 0, (width, height))
            )
        image = Image.new("1", (width, height))
        draw = ImageDraw.Draw(image)
        draw.line([tuple(point) for point in points], fill=1, width=max(1, round(brush)))
        for x, y in points:
            draw.ellipse((x - brush / 2, y - brush / 2, x + brush / 2, y + brush / 2), fill=1)
        yield np.array(image)
        size = max(_FINEST, _FINER * size)


def _boxes(random: np.random.Generator, height: int, width: int, wanted: float) -> Iterator[NDArray[np.bool_]]:
    """Rectangles, the first with half of what is wanted or more, the later ones smaller."""
    share = wanted * random.uniform(0.5, 1)
    while True:
        rows = min(height, max(1, round(height * math.sqrt(share) * random.uniform(0.7, 1.4))))
        columns = min(width, max(1, round(share * height * width / rows)))
        top, left = random.integers(height - rows + 1), random.integers(width - columns + 1)
        shape = np.zeros((height, width), bool)
        shape[top : top + rows, left : left + columns] = True
        yield shape
        share = max(0.02, 0.9 * share)


def _borders(random: np.random.Generator, height: int, width: int, wanted: float) -> Iterator[NDArray[np.bool_]]:
    """What lies outside a part of the picture that touches none to three of its sides."""
    while True:
        kept = 1 - wanted
        # The part has the share `kept`; a random power of it is that of its rows, the rest that of its columns.
        power = random.choice([0.0, 1.0, random.uniform(0.2, 0.8)])
        rows = max(1, math.floor(height * kept**power))
        columns = min(width, math.floor(kept * height * width / rows))
        top = round((height - rows) * _lean(random))
        left = round((width - columns) * _lean(random))
        shape = np.ones((height, width), bool)
        shape[top : top + rows, left : left + columns] = False
        yield shape
        wanted *= _FINER


def _lean(random: np.random.Generator) -> float:
    """Where in its room the part lies: at one end, at the other, or anywhere."""
    return float(random.choice([0.0, 1.0, random.uniform()]))


_Shapes = Callable[[np.random.Generator, int, int, float], Iterator[NDArray[np.bool_]]]

_KINDS: Mapping[str, _Shapes] = {"strokes": _strokes, "boxes": _boxes, "borders": _borders}
