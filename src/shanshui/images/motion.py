"""Motion between frames of a film (OpenCV, extra `video`): where each pixel was, and whether it could be seen there."""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from shanshui.errors import ConfigError
from shanshui.images.pixels import Pixels, to_eight_bits

Values = TypeVar("Values", bound=np.uint8 | np.uint16 | np.float32)

_LONGEST, _SHORTEST = 1024, 64
"""Motion is looked for in frames whose longer side is at most, and whose shorter side at least so many pixels."""

_SHARE, _SLACK = 0.01, 0.5  # of the forward-backward check, as published: squared pixels
_LIKE, _UNLIKE = 0.04, 0.16
"""Difference of brightness, of 1, up to which two places show the same thing, and from which on they do not."""


@dataclass(frozen=True, eq=False)
class Motion:
    """From one frame to a later one.

    Attributes:
        back: (H, W, 2) float32, how many pixels to the right and down each pixel of the later frame was in the earlier.
        seen: (H, W) float32, 1 for pixels that could be seen in the earlier frame as well, 0 for those that could not.
    """

    back: NDArray[np.float32]
    seen: NDArray[np.float32]

    def carried(self, earlier: NDArray[Values]) -> NDArray[Values]:
        """What of the earlier frame, HWC or HW, is where in the later; what was outside is the nearest edge."""
        carried: NDArray[Values] = _remapped(earlier, self.back)
        return carried


def motion_between(earlier: Pixels, later: Pixels) -> Motion:
    """Look for the motion between two HWC frames of one size.

    Dense inverse search (Kroeger et al. 2016) in both directions; a pixel counts as seen where going back and forth
    leads home (Sundaram, Brox and Keutzer 2010, equation 5) and shows the same brightness.

    Raises:
        ConfigError: OpenCV is not installed.
    """
    cv2 = opencv()
    height, width = later.shape[:2]
    before, after = _small(earlier), _small(later)
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    back, forth = search.calc(after, before, None), search.calc(before, after, None)
    home = back + _remapped(forth, back)
    allowed = _SHARE * (_squared(back) + _squared(home - back)) + _SLACK
    difference = cv2.blur(np.abs(_remapped(before, back).astype(np.float32) - after), (3, 3)) / 255
    seen = (_squared(home) < allowed) * (1 - (difference - _LIKE) / (_UNLIKE - _LIKE)).clip(0, 1) * _inside(back)
    stretch = np.asarray([width / after.shape[1], height / after.shape[0]], np.float32)
    return Motion(_resized(back, height, width) * stretch, _resized(seen.astype(np.float32), height, width))


def warping_error(shown: Pixels, before: Pixels, motion: Motion) -> float:
    """E_warp of two consecutive frames: the mean, over pixels seen in both, of the squared difference between the later
    one and the earlier carried along (Lai et al. 2018, equation 11), in squared units of white; 0 where none is seen.
    """
    white = np.float32(np.iinfo(shown.dtype).max)
    change = (shown.astype(np.float32) - motion.carried(before).astype(np.float32)) / white
    seen = motion.seen > 0.5
    return float(np.square(change[seen]).mean()) if seen.any() else 0.0


def opencv() -> "Any":
    """OpenCV, which is an extra.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import cv2
    except ModuleNotFoundError as error:
        raise ConfigError('Films need OpenCV, which is not installed: run `pip install "shanshui[video]"`.') from error
    return cv2


def _small(pixels: Pixels) -> NDArray[np.uint8]:
    cv2 = opencv()
    grey: NDArray[np.uint8] = cv2.cvtColor(to_eight_bits(pixels), cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    scale = max(min(1.0, _LONGEST / max(height, width)), _SHORTEST / min(height, width))
    if scale != 1:
        grey = cv2.resize(grey, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    return grey


def _remapped(image: NDArray[Any], back: NDArray[np.float32]) -> NDArray[Any]:
    cv2 = opencv()
    height, width = back.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    remapped: NDArray[Any] = cv2.remap(
        image, columns + back[..., 0], rows + back[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return remapped


def _inside(back: NDArray[np.float32]) -> NDArray[np.bool_]:
    height, width = back.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    x, y = columns + back[..., 0], rows + back[..., 1]
    inside: NDArray[np.bool_] = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return inside


def _squared(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths: NDArray[np.float32] = np.square(vectors).sum(2)
    return lengths


def _resized(image: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    cv2 = opencv()
    return image if image.shape[:2] == (height, width) else cv2.resize(image, (width, height))
