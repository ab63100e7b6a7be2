"""Learning-rate schedules: pure functions of images seen, as factors in [0, 1] of the highest rate."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

ScheduleName = Literal["constant", "linear", "cosine"]


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A warm-up over `warm_up` images, then `kind` until `decay_images` are seen.

    Attributes:
        kind: `constant`; `linear` falls to `floor`; `cosine` falls to `floor` along half a cosine.
        warm_up: images over which the factor rises linearly from 0.
        decay_images: images seen at the end of the fall; unused by `constant`.
        floor: the factor at the end of the fall.
    """

    kind: ScheduleName = "constant"
    warm_up: int = 0
    decay_images: int = 0
    floor: float = 0.0

    def factor(self, images_seen: int) -> float:
        """The factor on the learning rate after `images_seen` images."""
        rise = min(1.0, images_seen / self.warm_up) if self.warm_up > 0 else 1.0
        done = min(1.0, images_seen / self.decay_images) if self.decay_images > 0 else 0.0
        return rise * (self.floor + (1 - self.floor) * _SHAPES[self.kind](done))


_SHAPES: Mapping[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "linear": lambda done: 1.0 - done,
    "cosine": lambda done: 0.5 * (1 + math.cos(math.pi * done)),
}
