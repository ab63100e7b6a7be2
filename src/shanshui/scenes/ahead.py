"""Work on files a little ahead of whoever wants the results."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 16
"""Results worked out at most before they are asked for: each may hold a large photo."""


def ahead(work: Callable[[Item], Result], items: Iterable[Item], *, most: int = AHEAD) -> Iterator[Result]:
    """`work` on each of `items`, in their order, on as many threads as there are cores: decoders run side by side.

    At most `most` results wait to be asked for.
    """
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="shanshui-ahead") as pool:
        pending: deque[Future[Result]] = deque()
        try:
            for item in items:
                pending.append(pool.submit(work, item))
                if len(pending) > most:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
