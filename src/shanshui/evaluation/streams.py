"""Work on batches side by side: one core a batch, instead of all cores on each, of which a sixth would only wait."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_STREAMS = 8
"""Batches worked on at once, at most: each holds its activations in memory."""


def in_streams(work: Callable[[Item], Result], items: Iterable[Item], *, device: torch.device) -> Iterator[Result]:
    """`work` on each of `items`, in their order, several at a time on a processor and one at a time elsewhere.

    Meanwhile PyTorch's threads are shared out among the streams and whoever makes the items; afterwards they are as
    before.

    Args:
        work: called from other threads, where modes such as `torch.inference_mode` are not inherited.
        items: made in this thread, one more than there are streams ahead of the results.
        device: where `work` computes.
    """
    threads = torch.get_num_threads()
    streams = min(threads, MOST_STREAMS) if device.type == "cpu" else 1
    share = threads // streams
    pool = ThreadPoolExecutor(
        streams, thread_name_prefix="shanshui-stream", initializer=torch.set_num_threads, initargs=(share,)
    )
    torch.set_num_threads(share)
    try:
        pending: deque[Future[Result]] = deque()
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) > streams:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(threads)
