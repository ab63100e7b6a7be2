"""Laying one small grey picture over another that shows nearly the same part of a scene.

Lucas and Kanade 1981, "An Iterative Image Registration Technique with an Application to Stereo Vision", for the four
edges of a crop together with brightness and contrast, many pairs at once.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

SIDE = 32
"""Rows and columns of the pictures."""

_STEPS = 10
_LONGEST_STEP = 0.05  # of a side: beyond it the linear model of a picture means nothing
_DEEPEST_CROP = 0.25  # of a side, at each edge
_DAMPING = 1e-4

Glances: TypeAlias = NDArray[np.float32] | NDArray[np.float16]
Values: TypeAlias = NDArray[np.float32]

_PLACES = ((np.arange(SIDE) + 0.5) / SIDE).astype(np.float32)


def crop(glances: Glances, boxes: Values) -> Values:
    """The part of each picture in its box, again at SIDE x SIDE, interpolated bilinearly.

    Args:
        glances: (N, SIDE, SIDE).
        boxes: (N, 4) top, bottom, left and right edges as shares of the sides, in [0, 1].
    """
    rows, columns = _sampling(boxes[:, :2]), _sampling(boxes[:, 2:])
    cropped: Values = rows @ glances.astype(np.float32) @ columns.transpose(0, 2, 1)
    return cropped


def lay_over(glances: Glances, targets: Glances, boxes: Values) -> Values:
    """The boxes whose crops of `glances` come closest to `targets`, found near `boxes` by Gauss-Newton steps.

    Args:
        glances: (N, SIDE, SIDE).
        targets: (N, SIDE, SIDE).
        boxes: (N, 4) as for `crop`; edges stay within a quarter of the side.
    """
    pictures, wanted = _normalized(glances), _normalized(targets).reshape(len(targets), -1, 1)
    slopes_down = np.gradient(pictures, axis=1) * SIDE
    slopes_across = np.gradient(pictures, axis=2) * SIDE
    towards_end = _PLACES
    towards_start = 1 - _PLACES
    lowest = np.array([0, 1 - _DEEPEST_CROP] * 2, dtype=np.float32)
    highest = np.array([_DEEPEST_CROP, 1] * 2, dtype=np.float32)
    for _ in range(_STEPS):
        seen, down, across = (crop(stack, boxes) for stack in (pictures, slopes_down, slopes_across))
        changes = [
            down * towards_start[:, np.newaxis],
            down * towards_end[:, np.newaxis],
            across * towards_start,
            across * towards_end,
            seen,
            np.ones_like(seen),
        ]
        jacobian = np.stack(changes, axis=1).reshape(len(seen), len(changes), -1)
        missing = wanted - seen.reshape(len(seen), -1, 1)
        normal = jacobian @ jacobian.transpose(0, 2, 1)
        normal += _DAMPING * np.eye(len(changes), dtype=np.float32) * _mean_diagonal(normal)
        step = np.linalg.solve(normal, jacobian @ missing)[:, :4, 0]
        boxes = np.clip(boxes + np.clip(step, -_LONGEST_STEP, _LONGEST_STEP), lowest, highest)
    return boxes


def _sampling(edges: Values) -> Values:
    """(N, SIDE, SIDE) weights with which SIDE places between two edges see SIDE pixels."""
    places = edges[:, :1] + _PLACES * (edges[:, 1:] - edges[:, :1])
    centres = np.clip(places * SIDE - 0.5, 0, SIDE - 1)
    weights: Values = np.maximum(0, 1 - np.abs(centres[:, :, np.newaxis] - np.arange(SIDE, dtype=np.float32)))
    return weights


def _normalized(glances: Glances) -> Values:
    tones = glances.astype(np.float32)
    tones -= tones.mean(axis=(1, 2), keepdims=True)
    normalized: Values = tones / np.maximum(tones.std(axis=(1, 2), keepdims=True), 1.0)
    return normalized


def _mean_diagonal(matrices: Values) -> Values:
    mean: Values = np.trace(matrices, axis1=1, axis2=2)[:, np.newaxis, np.newaxis] / matrices.shape[1]
    return mean
