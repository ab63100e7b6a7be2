"""Schedules: pure functions of images seen, as factors in [0, 1] of the largest value that a number takes.

A learning rate, the strength of a penalty, the half-life of an average, Adam's beta2 and the share of augmented images
all stand in a configuration as a plain number with a `Schedule` beside it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from shanshui.errors import ConfigError

ScheduleName = Literal["constant", "linear", "cosine", "late-linear"]


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A rise from `start` to 1 over `warm_up` images, times a fall of `kind` until `decay_images` are seen.

    The schedules of R3GAN (Huang et al. 2024) over N images, for instance: of its learning rate, 2e-4 to 5e-5,
    `Schedule(kind="cosine", decay_images=N, floor=0.25)` beside 2e-4; of its beta2, 0.9 to 0.99,
    `Schedule(warm_up=N, rise="cosine", start=0.9 / 0.99)` beside 0.99.

    Attributes:
        kind: `constant` stays at 1; `linear` falls to `floor`; `cosine` falls to `floor` along half a cosine;
            `late-linear` stays at 1 for the first half and falls to `floor` in the second.
        warm_up: images over which the factor rises; 0 for no rise.
        decay_images: images seen at the end of the fall; unused by `constant`.
        floor: the factor at the end of the fall.
        start: the factor at the beginning of the rise.
        rise: `linear`, or `cosine` for a rise along half a cosine.
    """

    kind: ScheduleName = "constant"
    warm_up: int = 0
    decay_images: int = 0
    floor: float = 0.0
    start: float = 0.0
    rise: Literal["linear", "cosine"] = "linear"

    def __post_init__(self) -> None:
        if not (0 <= self.floor <= 1 and 0 <= self.start <= 1 and self.warm_up >= 0):
            raise ConfigError("A schedule needs a start and a floor from 0 to 1 and a warm_up of at least 0 images.")
        if self.kind != "constant" and self.decay_images < 1:
            raise ConfigError(f"A {self.kind} schedule needs decay_images, the images seen at the end of its fall.")

    def value(self, images_seen: int) -> float:
        """The factor after `images_seen` images."""
        risen = _PROGRESS[self.rise](_share(images_seen, self.warm_up))
        fallen = _PROGRESS[self.kind](_share(images_seen, self.decay_images))
        return (self.start + (1 - self.start) * risen) * (1 - (1 - self.floor) * fallen)


def _share(images_seen: int, images: int) -> float:
    return min(1.0, images_seen / images) if images > 0 else 1.0


_PROGRESS: Mapping[str, Callable[[float], float]] = {
    "constant": lambda share: 0.0,
    "linear": lambda share: share,
    "cosine": lambda share: 0.5 * (1 - math.cos(math.pi * share)),
    "late-linear": lambda share: max(0.0, 2 * share - 1),
}
