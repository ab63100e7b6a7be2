"""EXIF orientations (Exif 2.32, tag 0x0112); an unknown number means upright."""

from typing import Any

from numpy.typing import NDArray

_BACK = {6: 8, 8: 6}
"""The two that are not their own inverse."""


def turned(array: NDArray[Any], orientation: Any) -> NDArray[Any]:
    """Rows and columns as they were stored, upright: a view of (H, W, ...)."""
    match orientation:
        case 2:
            return array[:, ::-1]
        case 3:
            return array[::-1, ::-1]
        case 4:
            return array[::-1]
        case 5:
            return array.swapaxes(0, 1)
        case 6:
            return array.swapaxes(0, 1)[:, ::-1]
        case 7:
            return array.swapaxes(0, 1)[::-1, ::-1]
        case 8:
            return array.swapaxes(0, 1)[::-1]
    return array


def unturned(array: NDArray[Any], orientation: Any) -> NDArray[Any]:
    """The upright picture as it was stored: a view."""
    return turned(array, _BACK.get(orientation, orientation))
