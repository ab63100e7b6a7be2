"""Cuts: where one shot of a film ends and the next begins."""

from collections import deque

import numpy as np
from numpy.typing import NDArray
from torch.nn import functional

from shanshui.images.pixels import Pixels, to_tensor

_ROWS, _COLUMNS = 36, 64
_BINS = 16
_COLORS = 0.25
"""Share of the pixels whose colour no pixel of the frame before has, from which on a cut is possible."""
_PLACES = 0.08
"""Mean difference of pixels at the same place, of 1, from which on a cut is possible."""
_SUDDEN = 3.0
"""How many times as large as the changes before a change must be: a fast pan changes much, but all the time."""
_MEMORY = 8


class CutDetector:
    """Told frame after frame, says which of them begin a shot.

    A cut changes which colours there are, and what is where, and does so at once. Dissolves are not looked for.
    """

    def __init__(self) -> None:
        self._before: NDArray[np.float32] | None = None
        self._changes: deque[float] = deque(maxlen=_MEMORY)

    def begins(self, pixels: Pixels) -> bool:
        """Whether this HWC frame begins a shot; the first one does."""
        small = _thumbnail(pixels)
        before, self._before = self._before, small
        if before is None:
            return True
        change = float(np.abs(small - before).mean())
        usual = float(np.median(self._changes)) if self._changes else 0.0
        cut = change > _PLACES and change > _SUDDEN * usual and _unlike(small, before) > _COLORS
        if cut:
            self._changes.clear()
        else:
            self._changes.append(change)
        return cut


def _thumbnail(pixels: Pixels) -> NDArray[np.float32]:
    """(36, 64, 3) in [0, 1]."""
    rows = functional.adaptive_avg_pool2d(to_tensor(pixels), (_ROWS, _COLUMNS))
    small: NDArray[np.float32] = ((rows[0] + 1) / 2).permute(1, 2, 0).numpy()
    return small


def _unlike(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """1 minus the intersection of the histograms (Swain and Ballard 1991), averaged over red, green and blue."""
    return 1 - float(np.minimum(_histograms(one), _histograms(other)).sum()) / 3


def _histograms(small: NDArray[np.float32]) -> NDArray[np.float64]:
    """(3, 16), each summing to 1."""
    levels = np.clip((small * _BINS).astype(int), 0, _BINS - 1).reshape(-1, 3)
    return np.stack([np.bincount(levels[:, color], minlength=_BINS) for color in range(3)]) / len(levels)
