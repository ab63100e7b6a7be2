"""Where orders come in: their files are kept and looked at before anything is promised."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from shanshui.errors import ShanshuiError
from shanshui.images.picture import DamagedImageError
from shanshui.serving.jobs import inspection
from shanshui.serving.jobs.hand import BugError, Hand, LostError, Message, TooSlowError
from shanshui.serving.jobs.orders import Order
from shanshui.serving.jobs.requirements import require_sizes
from shanshui.serving.jobs.store import Store

_UNDECODABLE = "A picture cannot be decoded safely: save it anew with another program."


class QueueFullError(ShanshuiError):
    """As many jobs wait as are allowed."""


class StoppingError(ShanshuiError):
    """The service is about to end."""


class Reception:
    """Receives the files of orders into a store; a process of its own decodes them, one order at a time."""

    def __init__(self, store: Store, most_pixels: int) -> None:
        self._store, self._most_pixels = store, most_pixels
        self.inspector = Hand(inspection.prepared, most_pixels)
        self._inspecting = asyncio.Lock()

    async def receive(self, job_id: str, order: Order, uploads: Mapping[str, BinaryIO]) -> None:
        """Keep the files of an order.

        Raises:
            ImageError: one cannot be used.
            ConfigError: the result would be too large.
            StorageError: the disk is full.
        """
        folder = self._store.receive(job_id)
        for name, content in uploads.items():
            await asyncio.to_thread(self._store.keep, folder / name, content)
        require_sizes(order, await self._sizes(folder, list(uploads)), self._most_pixels)

    async def _sizes(self, folder: Path, files: Sequence[str]) -> Message:
        if not files:
            return {}
        async with self._inspecting:
            try:
                question = {"folder": str(folder), "files": list(files)}
                return await self.inspector.ask(question, seconds=inspection.SECONDS)
            except (LostError, TooSlowError, BugError) as error:
                raise DamagedImageError(_UNDECODABLE) from error
