"""Batches decoded ahead of the learner by a few threads (Pillow releases the interpreter while it works)."""

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from shanshui.errors import ConfigError
from shanshui.images.pixels import to_tensor
from shanshui.scenes.dataset import SceneDataset
from shanshui.together import ALONE, Share, positions, sharing

_BATCHES_AHEAD = 2


class Batches:
    """An endless iterator of training batches, float32 NCHW in [-1, 1]; see `batches`.

    Attributes:
        waited: seconds the consumer has spent inside `next` so far: the learner's idle time.
    """

    def __init__(
        self, dataset: SceneDataset, *, batch_size: int, seed: int, start: int, workers: int, share: Share
    ) -> None:
        self.waited = 0.0
        self._share = share
        self._dataset = dataset
        self._batch_size = batch_size
        self._seed = seed
        self._next_position = start
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="shanshui-decode")
        self._pending: deque[list[Future[NDArray[np.uint8]]]] = deque()
        self._closed = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> torch.Tensor:
        if self._closed:
            raise StopIteration
        began = time.perf_counter()
        while len(self._pending) <= _BATCHES_AHEAD:
            self._pending.append(self._submit())
        images = [future.result() for future in self._pending.popleft()]
        batch = to_tensor(np.stack(images))
        self.waited += time.perf_counter() - began
        return batch

    def at(self, position: int) -> torch.Tensor:
        """The batch that begins at `position`; the one that was decoded ahead unless the consumer has gone back."""
        if position != self._next_position - self._batch_size * len(self._pending):
            self._pending.clear()
            self._next_position = position
        return next(self)

    def close(self) -> None:
        """Stop the threads; at most the images they are decoding at this moment are finished first."""
        self._closed = True
        self._pending.clear()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _submit(self) -> list[Future[NDArray[np.uint8]]]:
        first = self._next_position
        self._next_position += self._batch_size
        with sharing(self._share):
            ours = positions(first, self._batch_size // self._share.processes)
        return [self._pool.submit(self._dataset.item, self._seed, position) for position in ours]


def batches(
    dataset: SceneDataset,
    *,
    batch_size: int,
    seed: int,
    start: int = 0,
    workers: int = 2,
    share: Share = ALONE,
) -> Batches:
    """Batch k holds the items at positions start + k * batch_size and following, whatever the number of workers.

    Args:
        dataset: the images.
        batch_size: images a batch, at least 1.
        seed: chooses order, crops and flips.
        start: images seen before (for a resumed run), at least 0.
        workers: decoding threads, at least 1.
        share: which of a batch's images this process gets.

    Raises:
        ConfigError: a number outside its range.
        DataError: from `next`, when no image of the data set can be used.
    """
    if batch_size < 1 or workers < 1 or start < 0 or seed < 0:
        raise ConfigError(
            f"Batches of {batch_size} with {workers} workers from position {start} and seed {seed} cannot be made: "
            "batch size and workers must be at least 1, position and seed at least 0."
        )
    return Batches(dataset, batch_size=batch_size, seed=seed, start=start, workers=workers, share=share)
