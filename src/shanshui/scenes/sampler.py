"""The order in which training sees a data set: shuffled epochs without end, a pure function of (seed, position)."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from shanshui.errors import DataError

_STREAM = 0x5A3D


def index_at(seed: int, position: int, length: int) -> int:
    """The item that is seen as number `position`; every run of `length` positions from a multiple of it is a shuffle.

    Args:
        seed: at least 0.
        position: images seen before this one, at least 0.
        length: number of items, at least 1.

    Raises:
        DataError: an empty data set.
    """
    if length < 1:
        raise DataError("A data set without images cannot be sampled: give at least one image.")
    epoch, offset = divmod(position, length)
    return int(_shuffled(seed, epoch, length)[offset])


@lru_cache(maxsize=4)
def _shuffled(seed: int, epoch: int, length: int) -> NDArray[np.int64]:
    """Batches straddle an epoch at most, and workers read ahead a little: four remembered orders are enough."""
    return np.random.default_rng([_STREAM, seed, epoch]).permutation(length)
