"""Folders and single files as sources."""

import os
from collections.abc import Iterator
from pathlib import Path

from shanshui.errors import DataError, ImageError
from shanshui.scenes.base import MAX_FILE_BYTES, SAMPLE_BYTES, GoneError, Source, sample_digest


class FolderSource(Source):
    """Every image below a folder; symbolic links are followed, each real folder once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        super().__init__(str(folder), folder.resolve().name, _walk(folder))
        self._known = frozenset(self.names)

    def read(self, name: str) -> bytes:
        """The content of one file."""
        return _read_file(self._path(name))

    def fingerprint(self, name: str) -> str:
        """Size and a sample from the middle."""
        return _fingerprint(self._path(name))

    def _path(self, name: str) -> Path:
        if name not in self._known:
            raise KeyError(name)
        return self._folder / name


class SingleFile(Source):
    """One image."""

    def __init__(self, path: Path) -> None:
        self._path = path
        super().__init__(str(path), path.name, (path.name,))

    def read(self, name: str) -> bytes:
        """The content of the file."""
        if name != self._path.name:
            raise KeyError(name)
        return _read_file(self._path)

    def fingerprint(self, name: str) -> str:
        """Size and a sample from the middle."""
        return _fingerprint(self._path)


def _walk(folder: Path) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename} cannot be listed ({error.strerror}): check its permissions.") from error

    visited: set[tuple[int, int]] = set()
    for current, folders, files in os.walk(folder, followlinks=True, onerror=refuse):
        status = os.stat(current)
        if (status.st_dev, status.st_ino) in visited:
            folders.clear()
            continue
        visited.add((status.st_dev, status.st_ino))
        folders.sort()
        yield from ((Path(current) / file).relative_to(folder).as_posix() for file in files)


def _read_file(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ImageError(f"{path} is larger than {MAX_FILE_BYTES // 2**20} MiB, which no image should be.")
        return path.read_bytes()
    except OSError as error:
        if not os.path.lexists(path):  # not one bad image among many, which can be done without
            raise GoneError(f"{path} cannot be read: it has gone since its folder was listed.") from error
        raise ImageError(f"{path} cannot be read ({error.strerror}): check the file and its permissions.") from error


def _fingerprint(path: Path) -> str:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            file.seek(max(0, size // 2 - SAMPLE_BYTES // 2))
            return sample_digest(size, file.read(SAMPLE_BYTES))
    except OSError:
        return "unreadable"
