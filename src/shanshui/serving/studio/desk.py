"""Where the page hands in its orders: the same service as over HTTP, asked from inside."""

import io
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shanshui.errors import ShanshuiError
from shanshui.images.files import Picture, png_of, read_picture
from shanshui.images.resize import resize
from shanshui.serving.jobs.job import Job
from shanshui.serving.jobs.orders import Kind, Order, StylizeOrder
from shanshui.serving.jobs.service import Service
from shanshui.serving.studio.words import told

THUMBNAIL = 144
"""Longer side, in pixels, of a photo on which styles are shown."""


class Desk:
    """Orders of one service, as a page sees them."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def order(self, kind: Kind, order: Order, uploads: Mapping[str, bytes]) -> AsyncIterator[Job]:
        """Have a job done, and tell of it until it is over.

        Raises:
            ShanshuiError: the order is refused.
        """
        contents = {name: io.BytesIO(content) for name, content in uploads.items()}
        job = await self.service.submit(kind, order, contents)
        async with aclosing(self.service.watch(job)) as watched:
            async for now in watched:
                yield now

    async def thumbnails(self, photo: bytes, model: str, styles: tuple[str, ...]) -> AsyncIterator[tuple[Path, str]]:
        """The photo, small, in each style: a picture file and the style's name, as they get ready."""
        small = small_png(photo)
        for style in styles:
            async for job in self.order("stylize", StylizeOrder(style=[style], model=model), {"photo": small}):
                if job.state == "done":
                    yield self.files(job)[0], style

    def files(self, job: Job) -> list[Path]:
        """The pictures that a job has made."""
        return [self.service.file(job, result) for result in job.results]

    async def cancel(self, job_id: str) -> None:
        """Give up a job, if it is not over yet; on the service's own loop, as everything that changes a job."""
        job = self.service.find(job_id)
        if job is not None and not job.over:
            self.service.cancel(job)

    def sentence(self, job: Job, language: str) -> str:
        """How a job is getting on."""
        seconds = (job.ended or 0) - (job.started or 0)
        return told(
            language,
            job.state,
            position=self.service.position(job),
            done=job.done,
            total=job.total,
            seconds=seconds,
            error=job.error,
        )


def refusal(error: ShanshuiError, language: str) -> str:
    """Why an order was not taken."""
    return told(language, "failed", error=" ".join(str(error).split()))


def small_png(photo: bytes) -> bytes:
    """A photo as a PNG of at most `THUMBNAIL` pixels a side.

    Raises:
        ImageError: it is no picture.
    """
    pixels = read_picture(photo, name="The photo").over_white()
    height, width = pixels.shape[:2]
    scale = min(1.0, THUMBNAIL / max(height, width))
    return png_of(Picture(resize(pixels, max(1, round(height * scale)), max(1, round(width * scale)))))


def mask_png(strokes: NDArray[np.uint8] | None) -> bytes | None:
    """What was brushed over, RGBA, as a mask; None where nothing was."""
    if strokes is None or strokes.ndim != 3 or strokes.shape[2] != 4 or not strokes[:, :, 3].any():
        return None
    return png_of(Picture(np.repeat(strokes[:, :, 3:], 3, axis=2)))
