"""Files appear whole or not at all: write to a temporary file beside the target, fsync, rename."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from shanshui.errors import StorageError

_UNFINISHED = ".part"


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """A binary file that becomes `path` when the block ends without an error, and vanishes otherwise.

    Raises:
        StorageError: the folder cannot be written, the disk is full, or `path` is a folder.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:80]}.", suffix=_UNFINISHED)
        try:
            os.close(handle)
            with open(temporary, "w+b") as file:  # by name, because some writers ask for it
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)


def remove_unfinished(*folders: Path) -> None:
    """Delete what writers that were killed have left in `folders`; nobody may be writing there now.

    Raises:
        StorageError: something cannot be deleted.
    """
    for folder in folders:
        for path in folder.glob(f".*{_UNFINISHED}"):
            with storage_errors(path):
                path.unlink(missing_ok=True)


def atomic_write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    with atomic_write(path) as file:
        file.write(content)


def atomic_write_text(path: Path, content: str) -> None:
    """Write `content` as UTF-8 to `path`, whole or not at all."""
    atomic_write_bytes(path, content.encode("utf-8"))


@contextmanager
def appended_lines(path: Path) -> Iterator[Callable[[str], None]]:
    """A function that adds a line to the file at `path`, at once.

    A last line that was torn by a fault is ended first, so that the next one can be read.

    Raises:
        StorageError: the folder cannot be written, or the disk is full.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab+", buffering=0)

    def append(line: str) -> None:
        rest = memoryview(line.encode("utf-8") + b"\n")
        with storage_errors(path):
            while rest:  # a disk that becomes full takes a part first
                rest = rest[file.write(rest) :]

    with file:
        if not _ends_with_a_line(file):
            append("")
        yield append


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn an operating system error inside the block into one sentence about `path`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(f"{path} cannot be written ({reason}): free some space or choose another place.") from error


def _ends_with_a_line(file: FileIO) -> bool:
    if file.seek(0, os.SEEK_END) == 0:
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system lets a folder be synced."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
