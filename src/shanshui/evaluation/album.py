"""Small versions of very many images: enough to show any of them on a page, without keeping them in memory."""

import io
import tempfile
import weakref
from array import array
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from PIL import Image as Pillow

from shanshui.atomic import storage_errors
from shanshui.errors import ConfigError, ImageError
from shanshui.evaluation.features import Image

LONGER_SIDE = 160
"""Pixels of the longer side of what an album keeps of a larger image."""

_QUALITY = 85


class Album:
    """JPEG thumbnails in a temporary file, in the order in which the images came.

    Memory: 8 bytes an image. Disk: about 5 to 8 KB an image, gone when the album is closed, collected or the process
    ends. An album belongs to one thread.
    """

    def __init__(self, longer_side: int = LONGER_SIDE) -> None:
        """An empty album.

        Args:
            longer_side: images with more pixels on their longer side are reduced to this many; others keep their size.

        Raises:
            ConfigError: `longer_side` is below 1.
            StorageError: there is no place for temporary files.
        """
        if longer_side < 1:
            raise ConfigError(f"Thumbnails of {longer_side} pixels are impossible: the longer side must be at least 1.")
        self._longer_side = longer_side
        self._place = Path(tempfile.gettempdir())
        self._ends = array("Q", [0])
        with storage_errors(self._place):
            # Unbuffered, so that a full disk is noticed by the image that does not fit, and never by a later one.
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # closed on collection at the latest
        self._close = weakref.finalize(self, self._file.close)

    def __len__(self) -> int:
        """The number of images."""
        return len(self._ends) - 1

    def add(self, image: Image) -> None:
        """Keep a small version of `image`, HWC RGB uint8; its number is the length of the album before.

        Raises:
            ImageError: not HWC RGB uint8, or empty.
            StorageError: the disk is full.
            ValueError: the album is closed.
        """
        content = memoryview(_thumbnail(image, self._longer_side))
        with storage_errors(self._place):
            self._file.seek(self._ends[-1])
            while content:
                content = content[self._file.write(content) :]
            self._ends.append(self._file.tell())

    def __getitem__(self, index: int) -> Image:
        """The small version of image number `index`, HWC RGB uint8; negative numbers count from the end.

        Raises:
            IndexError: there is no such image.
            ValueError: the album is closed.
        """
        position = index if index >= 0 else len(self) + index
        if not 0 <= position < len(self):
            raise IndexError(f"there is no image {index} in an album of {len(self)}")
        start, end = self._ends[position], self._ends[position + 1]
        self._file.seek(start)
        with Pillow.open(io.BytesIO(self._file.read(end - start)), formats=("JPEG",)) as opened:
            return np.array(opened)

    def __iter__(self) -> Iterator[Image]:
        """The small versions, in order."""
        return (self[index] for index in range(len(self)))

    def close(self) -> None:
        """Delete the thumbnails; more than once is fine."""
        self._close()

    def __enter__(self) -> Self:
        """The album itself, closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


def _thumbnail(image: Image, longer_side: int) -> bytes:
    if image.ndim != 3 or image.shape[2] != 3 or image.size == 0 or image.dtype != np.uint8:
        raise ImageError(
            f"An image for an album has the shape {image.shape} and type {image.dtype}: pixels in HWC RGB uint8 were "
            "expected."
        )
    picture = Pillow.fromarray(image)
    # Pillow's own reduction: several times faster on large images than the project's, which rounds once for measuring.
    picture.thumbnail((longer_side, longer_side), Pillow.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()
