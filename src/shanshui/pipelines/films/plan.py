"""What is known of a film before any frame is painted: its shots, and frames that stand for them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from shanshui.images.footage.cuts import CutDetector
from shanshui.images.footage.reel import Reel
from shanshui.images.picture import Picture
from shanshui.images.pixels import Pixels, peak


@dataclass(frozen=True)
class Shot:
    """Frames `first` to `last` - 1 of a film."""

    first: int
    last: int


@dataclass(frozen=True, eq=False)
class Plan:
    """What a look at the whole film found.

    Attributes:
        shots: all of them; each begins where the one before ends.
        damaged: frames or parts that cannot be read.
        busiest: the frame with the strongest contrast.
    """

    shots: tuple[Shot, ...]
    damaged: int
    busiest: Picture

    @property
    def frames(self) -> int:
        """How many there are."""
        return self.shots[-1].last


def plan(reel: Reel) -> Plan:
    """Look at all frames of a film, keeping one of them."""
    detector, begins, damaged, count = CutDetector(), [], [0], 0
    busiest, contrast = None, -1.0

    def count_damage() -> None:
        damaged[0] += 1

    for number, still in enumerate(reel.frames(count_damage)):
        count = number + 1
        if detector.begins(still.pixels):
            begins.append(number)
        if _contrast(still.pixels) > contrast:
            busiest, contrast = still.pixels, _contrast(still.pixels)
    assert busiest is not None, "a reel has a frame"
    shots = (Shot(first, last) for first, last in zip(begins, [*begins[1:], count], strict=True))
    return Plan(tuple(shots), damaged[0], Picture(busiest))


def parts_of(shots: Sequence[Shot], longest: int) -> list[tuple[Shot, Shot]]:
    """(part, the shot it belongs to) for all parts of at most `longest` frames, in order."""
    return [
        (Shot(first, min(first + longest, shot.last)), shot)
        for shot in shots
        for first in range(shot.first, shot.last, longest)
    ]


def samples(reel: Reel, shots: Sequence[Shot], count: int) -> Iterator[list[Picture]]:
    """For each shot `count` of its frames, spread evenly, or all if there are fewer."""
    frames = enumerate(reel.frames())
    for shot in shots:
        length = shot.last - shot.first
        wanted = {shot.first + int((place + 0.5) * length / count) for place in range(count)}
        found: list[Picture] = []
        for number, still in frames:
            if number in wanted:
                found.append(Picture(still.pixels))
            if number + 1 == shot.last:
                break
        yield found


def _contrast(pixels: Pixels) -> float:
    return float(np.std(pixels[::8, ::8] / np.float32(peak(pixels))))
