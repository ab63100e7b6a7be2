"""Processes that learn together: whose rows of a batch are whose, and what they know of each other's.

The rows of a batch go round the processes in blocks, like cards. What is drawn at random is drawn for all of them by
every process, which keeps its own (`whole`, `own`), and what depends on the whole batch is told to all (`common_mean`,
`gathered`), so that a step comes out as if one process had made it, but for rounding. Outside `sharing`, which is
everywhere but in the steps of a training of several processes, each function answers for a process that is alone.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed

from shanshui.errors import LostProcessError


@dataclass(frozen=True, kw_only=True)
class Share:
    """Of a batch that goes round the processes in blocks of rows: the blocks of one of them.

    Attributes:
        rank: of this process, from 0.
        processes: how many there are.
        block: rows that stay together.
    """

    rank: int = 0
    processes: int = 1
    block: int = 1


ALONE = Share()
_share: ContextVar[Share] = ContextVar("share", default=ALONE)


@contextmanager
def sharing(share: Share) -> Iterator[None]:
    """Inside the block a batch is one share of a larger one; every process must come here at the same time."""
    token = _share.set(share)
    try:
        yield
    finally:
        _share.reset(token)


def share() -> Share:
    """That of the block that runs now; what runs later in a thread of PyTorch's has to take it along."""
    return _share.get()


def whole(count: int) -> int:
    """Rows of all processes together where this one has `count`."""
    return count * _share.get().processes


def own(rows: Tensor, *, block: int | None = None) -> Tensor:
    """Those of `rows` (whole(N), ...), which every process has, that are this process's: (N, ...).

    Args:
        rows: in the order in which one process would see them.
        block: rows that stay together, where these rows are not images: 1 where each stands for a block of images.
    """
    share = _share.get()
    if share.processes == 1:
        return rows
    blocks: Tensor = rows.unflatten(0, (-1, share.processes, block or share.block))
    return blocks[:, share.rank].flatten(0, 1)


def positions(first: int, count: int, *, block: int | None = None) -> Sequence[int]:
    """The numbers of this process's `count` rows where the first row of all is number `first`; `block` as for `own`."""
    share = _share.get()
    if share.processes == 1:
        return range(first, first + count)
    return [first + place for place in own(torch.arange(whole(count)), block=block).tolist()]


def common_mean(tensor: Tensor) -> Tensor:
    """The mean of what all processes give here, float and of one shape; gradients flow to all, any number of times."""
    processes = _share.get().processes
    return tensor if processes == 1 else _sum(tensor) / processes


def gathered(rows: Tensor, *, block: int | None = None) -> Tensor:
    """The rows (N, ...) of all processes in the order in which one would see them; gradients flow to all.

    `block` as for `own`.
    """
    share = _share.get()
    if share.processes == 1:
        return rows
    blocks = rows.unflatten(0, (-1, 1, block or share.block))
    none = torch.zeros_like(blocks)
    # A sum in which every other process has zeros: the one operation that is needed, with its own derivative.
    return _sum(torch.cat([blocks if rank == share.rank else none for rank in range(share.processes)], 1)).flatten(0, 2)


@torch.no_grad()
def average_in_place(tensors: Sequence[Tensor]) -> None:
    """Make each of `tensors` the mean of what all processes have in its place."""
    processes = _share.get().processes
    if processes == 1 or not tensors:
        return
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    _add_up(flat)
    for tensor, mean in zip(tensors, flat.div_(processes).split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(mean.view(tensor.shape))


class _Sum(torch.autograd.Function):
    """The sum over all processes, whose derivative is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        """All-reduce."""
        total = tensor.detach().clone(memory_format=torch.contiguous_format)
        _add_up(total)
        return total

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Tensor:
        """The same again."""
        return _sum(slopes[0])


def _sum(tensor: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(tensor)  # type: ignore[no-untyped-call]
    return total


def _add_up(tensor: Tensor) -> None:
    with lost_processes():
        distributed.all_reduce(tensor)


@contextmanager
def lost_processes() -> Iterator[None]:
    """Turn what PyTorch says when another process has ended into one sentence."""
    try:
        yield
    except RuntimeError as error:
        raise LostProcessError(
            "Another process of this training has ended, so this one ends, too; the last checkpoint is untouched: "
            "resume from it, or let `torchrun --max-restarts` do so."
        ) from error
