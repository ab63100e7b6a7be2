"""Pictures of a run as its page holds them, each made small once."""

from pathlib import Path
from typing import NamedTuple

from shanshui.errors import ImageError
from shanshui.evaluation.features import Image
from shanshui.evaluation.report.pictures import Embedded, embedded
from shanshui.images.files import read_picture
from shanshui.images.pixels import to_eight_bits


class Album:
    """What `Embed` asks for, of the run in `folder`; remembers what the page of this moment needs, and no more."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[tuple[_File, int], Embedded | None] = {}
        self._used: set[tuple[_File, int]] = set()
        self._opened: tuple[_File, Image] | None = None

    def __call__(self, path: Path, longest: int) -> Embedded | None:
        """The picture at `path` with at most `longest` pixels a side; None where there is none that can be read."""
        file = self._found(path)
        if file is None:
            return None
        wanted = file, longest
        if wanted not in self._kept:
            self._kept[wanted] = self._made_small(file, longest)
        self._used.add(wanted)
        return self._kept[wanted]

    def forget_unused(self) -> None:
        """Let go of what was not asked for since this was called before."""
        self._kept = {wanted: self._kept[wanted] for wanted in self._used}
        self._used, self._opened = set(), None

    def _found(self, path: Path) -> "_File | None":
        """Where the file lies now: a run's folder may have been moved since it was written."""
        for place in (self._folder / path.parent.name / path.name, path):
            try:
                stat = place.stat()
            except (OSError, ValueError):  # a name that no file can have
                continue
            return _File(place, stat.st_mtime_ns, stat.st_size)
        return None

    def _made_small(self, file: "_File", longest: int) -> Embedded | None:
        try:
            if self._opened is None or self._opened[0] != file:
                self._opened = file, to_eight_bits(read_picture(file.path).over_white())
        except ImageError:
            return None
        return embedded(self._opened[1], longest=longest)


class _File(NamedTuple):
    """A file as it is now: another one by the same name is another picture."""

    path: Path
    modified: int
    bytes: int
