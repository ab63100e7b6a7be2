"""Frame after frame painted so that the paint moves with what it lies on, instead of being laid on anew each time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shanshui.images.motion import Motion, motion_between, warping_error
from shanshui.images.picture import Picture
from shanshui.images.pixels import Pixels, quantize
from shanshui.networks.segmenters.zones import ZONES
from shanshui.pipelines.canvas import Layer, deep_pixels, rows_of
from shanshui.pipelines.stylize import Stylizer
from shanshui.pipelines.treatment import Style, Treatment

Masks = tuple[NDArray[np.float32] | None, ...]


@dataclass(frozen=True, eq=False)
class Moment:
    """All that the next frame of a shot is painted from.

    Attributes:
        frame: of the film, HWC.
        shown: what was made of it, HWC.
        paintings: its layers, HWC, before strength and masks.
        masks: of its layers, (H, W) float32 in [0, 1].
    """

    frame: Pixels
    shown: Pixels
    paintings: tuple[NDArray[np.uint16], ...]
    masks: Masks


@dataclass(frozen=True)
class Flicker:
    """How much changes between consecutive frames of a shot beyond what moves, summed over pairs of them.

    Attributes:
        painted: of the result, in squared units of white.
        source: of the film.
        pairs: how many.
    """

    painted: float = 0.0
    source: float = 0.0
    pairs: int = 0

    def __add__(self, other: "Flicker") -> "Flicker":
        """Both together."""
        return Flicker(self.painted + other.painted, self.source + other.source, self.pairs + other.pairs)

    def means(self) -> tuple[float, float]:
        """Of the result and of the film, for a pair of frames: E_warp; 0 where there is no pair."""
        pairs = max(1, self.pairs)
        return self.painted / pairs, self.source / pairs


class SteadyHand:
    """Paints the frames of one shot in their order."""

    def __init__(
        self, stylizer: Stylizer, style: Style, treatment: Treatment, *, memory: float, before: Moment | None = None
    ) -> None:
        """Begin a shot, or go on after the moment `before`.

        Args:
            stylizer: paints single frames.
            style: what is painted in.
            treatment: the same for all frames.
            memory: share of the paint that stays from frame to frame where the same thing is seen, from 0 to 1.
            before: of the last frame that was painted.
        """
        self._stylizer, self._style, self._treatment, self._memory = stylizer, style, treatment, memory
        self.moment = before
        self.flicker = Flicker()

    def paint(self, frame: Pixels) -> Pixels:
        """The next frame, HWC, painted."""
        photo, before = Picture(frame), self.moment
        layers = self._stylizer.layers(photo, self._style, self._treatment)
        paintings = tuple(deep_pixels(layer.painting, photo.height, photo.width) for layer in layers)
        masks: Masks = tuple(layer.mask for layer in layers)
        motion = None if before is None else motion_between(before.frame, frame)
        if motion is not None and before is not None:
            stays = self._memory * motion.seen
            paintings = tuple(_steadied(*pair, motion, stays) for pair in zip(paintings, before.paintings, strict=True))
            masks = self._steady_masks(masks, before.masks, motion, stays)
        shown = self._stylizer.flattened(photo, self._layers(layers, paintings, masks), self._treatment)
        if motion is not None and before is not None:
            self.flicker += Flicker(
                warping_error(shown, before.shown, motion), warping_error(frame, before.frame, motion), 1
            )
        self.moment = Moment(frame, shown, paintings, masks)
        return shown

    def _steady_masks(self, masks: Masks, before: Masks, motion: Motion, stays: NDArray[np.float32]) -> Masks:
        """Zones that are looked for in each frame move with it; masks that were given stay where they are."""
        zoned = [False, *(isinstance(each.where, str) and each.where in ZONES for each in self._treatment.regions)]

        def steadied(mask: NDArray[np.float32], old: NDArray[np.float32]) -> NDArray[np.float32]:
            return np.asarray(mask + stays * (motion.carried(old).clip(0, 1) - mask), np.float32)

        return tuple(
            steadied(mask, old) if moves and mask is not None and old is not None else mask
            for mask, old, moves in zip(masks, before, zoned, strict=True)
        )

    def _layers(self, layers: Sequence[Layer], paintings: Sequence[NDArray[np.uint16]], masks: Masks) -> list[Layer]:
        return [
            replace(layer, painting=rows_of(painting, self._stylizer.device), mask=mask)
            for layer, painting, mask in zip(layers, paintings, masks, strict=True)
        ]


def _steadied(
    fresh: NDArray[np.uint16], before: NDArray[np.uint16], motion: Motion, stays: NDArray[np.float32]
) -> NDArray[np.uint16]:
    carried = motion.carried(before).astype(np.float32)
    paint = fresh.astype(np.float32)
    return quantize(paint + stays[:, :, np.newaxis] * (carried - paint), np.dtype(np.uint16))
