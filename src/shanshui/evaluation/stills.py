"""The images of a data set as a metric sees them: no randomness, spread over the whole set, decoded ahead."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from itertools import islice
from typing import TypeVar

from shanshui.errors import DataError
from shanshui.evaluation.features import Image
from shanshui.events import Emit, ignore
from shanshui.scenes.base import Source
from shanshui.scenes.dataset import SceneDataset

T = TypeVar("T")

AHEAD = 64
"""Images decoded at most before they are asked for: a batch or two, so that the network need not wait for files."""

THREADS = 2


class Stills:
    """Images of a source at one size, the same in every iteration. Construct through `stills`."""

    def __init__(self, source: Source, height: int, width: int, *, count: int | None, emit: Emit) -> None:
        self.source = source
        self.count = count
        # Whole crops, so that no image is resized twice, and no memory, because each is decoded once.
        self._dataset = SceneDataset(source, height, width, flip=False, min_scale=1.0, emit=emit, cache_bytes=0)

    def __iter__(self) -> Iterator[Image]:
        """HWC uint8, in the order of names."""
        if self.count is None:
            decoded = _ahead(self._dataset.usable_still, range(len(self.source)))
            return (image for image in decoded if image is not None)
        return _ahead(self._dataset.still, [self._file_of(row) for row in range(self.count)])

    def at(self, row: int, *, of: int) -> Image:
        """Image number `row` of an iteration that gave `of` images, decoded again."""
        if self.count is not None:
            return self._dataset.still(self._file_of(row))
        every_file_was_usable = of == len(self.source)
        return self._dataset.still(row if every_file_was_usable else self._usable[row])

    @cached_property
    def _usable(self) -> tuple[int, ...]:
        decoded = _ahead(self._dataset.usable_still, range(len(self.source)))
        return tuple(index for index, image in enumerate(decoded) if image is not None)

    def _file_of(self, row: int) -> int:
        assert self.count is not None
        return row * len(self.source) // self.count


def stills(source: Source, height: int, width: int, *, count: int | None = None, emit: Emit = ignore) -> Stills:
    """Images of `source` at height x width: the largest centred crop of each, resized once, antialiased.

    Args:
        source: the data set.
        height: rows of every image.
        width: columns of every image.
        count: this many, evenly spread over the names, because the first few hundred of a sorted set are often of one
            day or one photographer; an unusable file is replaced by its next usable neighbour. None: every usable one.
        emit: hears a `Warned` for each unusable file.

    Raises:
        DataError: `count` exceeds the number of files; while iterating: no file can be used.
    """
    if count is not None and not 1 <= count <= len(source):
        raise DataError(
            f"{source.label} has {len(source)} images and {count} are asked for: ask for 1 to {len(source)}."
        )
    return Stills(source, height, width, count=count, emit=emit)


def _ahead(decode: Callable[[int], T], indices: Iterable[int]) -> Iterator[T]:
    """`decode` of each index in order, up to `AHEAD` of them worked on before they are asked for."""
    waiting = iter(indices)
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="shanshui-decode")
    try:
        pending: deque[Future[T]] = deque(pool.submit(decode, index) for index in islice(waiting, AHEAD))
        while pending:
            yield pending.popleft().result()
            pending.extend(pool.submit(decode, index) for index in islice(waiting, 1))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
