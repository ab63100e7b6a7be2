"""Manifests: files of one JSON object a line, each of which is on the disk before the work goes on."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

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
        file = path.open("a+b")
        file.truncate(_whole(path.read_bytes()))

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
    return [json.loads(line) for line in content[: _whole(content)].splitlines()]


def _whole(content: bytes) -> int:
    """How many bytes belong to lines that were finished."""
    return content.rfind(b"\n") + 1
