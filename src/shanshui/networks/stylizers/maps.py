"""Feature maps too large to compute at once: written and read by rows, in memory or in a temporary file."""

import os
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

Rows: TypeAlias = Callable[[int, int], Tensor]
"""(first, last) -> (1, C, last - first, W): rows of a map, which has them all."""


class Room:
    """How many bytes of maps may be in memory; what goes beyond lies in temporary files."""

    def __init__(self, free: int) -> None:
        """`free` bytes to begin with."""
        self._free = free

    def take(self, size: int) -> bool:
        """Whether `size` bytes fit; then they are taken until they are given back."""
        if size > self._free:
            return False
        self._free -= size
        return True

    def give_back(self, size: int) -> None:
        """Free `size` bytes that were taken."""
        self._free += size


@dataclass(frozen=True)
class Finish:
    """What is still to be done to every value that is read: scale x + shift per channel, and perhaps a ReLU."""

    scale: Tensor
    shift: Tensor
    rectify: bool

    @classmethod
    def normalising(
        cls, moments: tuple[Tensor, Tensor], rows: tuple[Tensor, Tensor], epsilon: float, *, rectify: bool
    ) -> Self:
        """Instance normalisation with the float64 mean and variance (C,), then scale and shift of `rows` (C,)."""
        (mean, variance), (scale, shift) = moments, rows
        steepness = scale.double() / (variance + epsilon).sqrt()
        return cls(steepness.float(), (shift.double() - mean * steepness).float(), rectify)

    def __call__(self, rows: Tensor) -> Tensor:
        """(1, C, n, W) -> the same, finished."""
        finished = torch.addcmul(self.shift[:, None, None], rows.float(), self.scale[:, None, None])
        return (functional.relu(finished) if self.rectify else finished).to(rows.dtype)


class Map:
    """One feature map (1, C, H, W) that is written once by rows and read by rows.

    Rows lie as height x width x channels, which is how convolutions like them.
    """

    def __init__(self, channels: int, height: int, width: int, *, like: Tensor, room: Room) -> None:
        """An empty map of the dtype and device of `like`."""
        self.channels, self.height, self.width = channels, height, width
        self._like, self._room = like, room
        self._row_bytes = width * channels * like.element_size()
        self._finish: Finish | None = None
        self._in_memory = room.take(height * self._row_bytes)
        self._memory = like.new_empty((height, width, channels)) if self._in_memory else None
        self._file = None if self._in_memory else tempfile.TemporaryFile(prefix="shanshui-")  # noqa: SIM115
        if self._file is not None:  # whoever lets go of the map lets go of its file
            weakref.finalize(self, self._file.close)

    def finish(self, finish: Finish | None) -> None:
        """Rows read from now on are finished like this, instead of as before."""
        self._finish = finish

    def write(self, first: int, rows: Tensor) -> None:
        """Put (1, C, n, W) at row `first`."""
        content = rows[0].permute(1, 2, 0)
        if self._memory is not None:
            self._memory[first : first + len(content)] = content
            return
        assert self._file is not None
        raw = memoryview(content.contiguous().cpu().view(torch.uint8).numpy().data).cast("B")
        place = first * self._row_bytes
        while raw:
            done = os.pwrite(self._file.fileno(), raw, place)
            raw, place = raw[done:], place + done

    def rows(self, first: int, last: int) -> Tensor:
        """(1, C, last - first, W), finished."""
        content = self._from_file(first, last) if self._memory is None else self._memory[first:last]
        taken = content.permute(2, 0, 1)[None]
        return taken if self._finish is None else self._finish(taken)

    def add(self, other: Rows, *, step: int, rectify: bool = False) -> None:
        """Become the sum of oneself and `other`, through a ReLU if asked for, `step` rows at a time."""
        for first in range(0, self.height, step):
            last = min(first + step, self.height)
            total = self.rows(first, last) + other(first, last)
            self.write(first, functional.relu(total) if rectify else total)
        self._finish = None

    def close(self) -> None:
        """Give memory or file back; the map is gone."""
        if self._in_memory:
            self._memory, self._in_memory = None, False
            self._room.give_back(self.height * self._row_bytes)
        if self._file is not None:
            self._file.close()

    def _from_file(self, first: int, last: int) -> Tensor:
        assert self._file is not None
        content = bytearray((last - first) * self._row_bytes)
        view, place = memoryview(content), first * self._row_bytes
        while view:
            done = os.preadv(self._file.fileno(), [view], place)
            view, place = view[done:], place + done
        flat = torch.frombuffer(content, dtype=self._like.dtype)
        return flat.view(last - first, self.width, self.channels).to(self._like.device)


class Statistics:
    """Mean and variance over all rows of a map, gathered in float64."""

    def __init__(self) -> None:
        self._count = 0
        self._sum: Tensor | float = 0.0
        self._squares: Tensor | float = 0.0

    def add(self, rows: Tensor) -> None:
        """Take (1, C, n, W)."""
        values = rows[0].float()
        self._count += values.shape[1] * values.shape[2]
        # Each row in float32, rows in float64: a row is short, and float64 throughout takes four times as long.
        self._sum = self._sum + values.sum(2).double().sum(1)
        self._squares = self._squares + values.square().sum(2).double().sum(1)

    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and variance (C,), float64."""
        mean = torch.as_tensor(self._sum) / self._count
        return mean, (torch.as_tensor(self._squares) / self._count - mean.square()).clamp_min(0)
