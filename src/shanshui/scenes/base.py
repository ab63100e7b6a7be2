"""What a source of images is: a fixed list of names and a way to read each file.

Nothing is unpacked and nothing is decoded here.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import cached_property
from pathlib import PurePosixPath

from shanshui.errors import DataError, ImageError
from shanshui.images.files import READABLE_SUFFIXES

MAX_FILE_BYTES = 2**30
"""Files above one gibibyte are refused before they are read: no photograph is that large."""

SAMPLE_BYTES = 4096
"""Bytes from the middle of a file that tell it apart from others: compressed pixels, not a camera's usual header."""


class GoneError(ImageError):
    """A file that a source has listed is not there any more: the set is being changed, or its disk is away."""


class Source(ABC):
    """A fixed, sorted list of image files.

    Attributes:
        label: what messages call the source: its path.
        title: the same without the folders of this machine, for files that travel.
        names: POSIX paths relative to the source, sorted, at least one.
        passed_over: files that are neither hidden nor end like an image, sorted.
    """

    def __init__(self, label: str, title: str, files: Iterable[str]) -> None:
        """Sort `files`, POSIX paths relative to the source, into images and others.

        Raises:
            DataError: there is no image among them.
        """
        visible = sorted(name for name in files if not is_hidden(name))
        names = tuple(name for name in visible if ends_like_image(name))
        if not names:
            raise DataError(
                f"{label} contains no images: files ending in .jpg, .png, .webp, .avif or .tif are looked for."
            )
        self.label = label
        self.title = title
        self.names = names
        self.passed_over = tuple(name for name in visible if not ends_like_image(name))

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.label!r}, {len(self)} images)"

    @abstractmethod
    def read(self, name: str) -> bytes:
        """The content of one file; safe to call from several threads.

        Raises:
            ImageError: the file cannot be read.
            KeyError: `name` is not one of `names`.
        """

    @abstractmethod
    def fingerprint(self, name: str) -> str:
        """A few characters that change when the file changes, found without reading all of it."""

    @cached_property
    def digest(self) -> str:
        """Sixteen hexadecimal digits for the whole source: names, sizes and a sample of each file's content.

        It tells data sets apart cheaply (for caches, and for noticing at resume that data changed); it is no proof
        against somebody who wants two sources to look alike. A copy of a source elsewhere has the same digest.
        """
        summary = hashlib.sha256()
        for name in self.names:
            summary.update(f"{name}\0{self.fingerprint(name)}\n".encode("utf-8", "surrogatepass"))
        return summary.hexdigest()[:16]


def is_hidden(name: str) -> bool:
    """Whether a part of a POSIX path begins with a dot or is a macOS shadow folder."""
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


def ends_like_image(name: str) -> bool:
    """Whether a file's ending promises an image; only decoding can tell."""
    return PurePosixPath(name).suffix.lower() in READABLE_SUFFIXES


def sample_digest(size: int, sample: bytes) -> str:
    """Size and a hash of some bytes of a file."""
    return f"{size}:{hashlib.sha256(sample).hexdigest()[:16]}"
