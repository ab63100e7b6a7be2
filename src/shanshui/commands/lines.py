"""Manifests: files of one JSON object a line, each of which is on the disk before the work goes on."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from shanshui import jsontext
from shanshui.atomic import storage_errors

Append: TypeAlias = Callable[[Mapping[str, Any]], None]


@contextmanager
def appending(path: Path) -> Iterator[Append]:
    """Appends lines to `path`, each at once and for good; a last line that a crash has torn is cut off first.

    Raises:
        StorageError: the file cannot be written.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        found = path.read_bytes() if path.exists() else b""
        mended = _mended(found)
        file = path.open("ab")
        file.truncate(min(len(found), len(mended)))
        file.write(mended[len(found) :])

    def append(line: Mapping[str, Any]) -> None:
        # Half of a surrogate pair, which file names on Linux may hold, becomes the escape that JSON has for it.
        text = json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace")
        with storage_errors(path):
            file.write(text + b"\n")
            file.flush()
            os.fsync(file.fileno())

    with file:
        yield append


def whole_lines(path: Path) -> list[Any]:
    """What the lines of `path` say, but for a last one that a crash has torn; nothing where there is no file.

    Raises:
        ValueError: a line is not JSON.
        OSError: the file cannot be read.
    """
    content = path.read_bytes() if path.exists() else b""
    return [jsontext.parsed(line) for line in _mended(content).splitlines()]


def _mended(content: bytes) -> bytes:
    """`content` as whole lines: a last line that lacks nothing but its end gets it, and one that lacks more goes."""
    end = content.rfind(b"\n") + 1
    try:
        jsontext.parsed(content[end:])
    except ValueError:
        return content[:end]
    return content + b"\n"
