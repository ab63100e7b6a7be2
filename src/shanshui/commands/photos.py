"""The photos that a command was given, and the files that its results go to."""

import glob
import itertools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from shanshui.errors import ConfigError, DataError
from shanshui.images.files import READABLE_SUFFIXES, WRITABLE_SUFFIXES, Picture, read_photo, read_picture
from shanshui.scenes.sources import open_source

STREAM = Path("-")
"""What stands for standard input where a photo is read, and for standard output where a result is written."""


@dataclass(frozen=True)
class Photo:
    """A photo to work on.

    Attributes:
        name: its place below the folder or archive that was named, or its file name.
        file: where it lies, None inside an archive.
        read: decodes it.
    """

    name: PurePosixPath
    file: Path | None
    read: Callable[[], Picture]


def photos_in(place: Path) -> list[Photo]:
    """The photos of a file, folder, archive, pattern or, as `-`, of standard input, in the order of their names.

    A pattern holds *, ? or [...], and ** for folders at any depth.

    Raises:
        DataError: nothing is there, or nothing that looks like a photo.
    """
    if place == STREAM:
        return [Photo(PurePosixPath("stdin"), None, lambda: read_picture(sys.stdin.buffer, name="Standard input"))]
    if place.is_file() and place.suffix.lower() in READABLE_SUFFIXES:
        return [file_photo(place)]
    if glob.has_magic(str(place)) and not place.exists():
        return _matching(place)
    source = open_source(place)

    def reader(name: str) -> Callable[[], Picture]:
        return lambda: read_picture(source.read(name), name=f"{name} in {source.label}")

    return [Photo(PurePosixPath(name), place / name if place.is_dir() else None, reader(name)) for name in source.names]


def file_photo(path: Path) -> Photo:
    """A photo in a file of its own."""
    return Photo(PurePosixPath(path.name), path, lambda: read_photo(path))


def plan_outputs(photos: Sequence[Photo], addition: str, out: Path | None) -> list[Path]:
    """Where each result goes: `out` itself for one photo, else NAME-ADDITION inside the folder `out`.

    Raises:
        ConfigError: `out` names a file but there are several photos, or a result would replace a photo
            or another result.
    """
    if out == STREAM:
        raise ConfigError("--out - is for one photo: give a folder for several.")
    if out is not None and out.suffix.lower() in WRITABLE_SUFFIXES and not out.is_dir():
        if len(photos) > 1:
            raise ConfigError(f"--out {out} names one file, but there are {len(photos)} photos: give a folder.")
        targets = [out]
    else:
        folder = Path() if out is None else out
        targets = [folder / _renamed(photo.name, addition) for photo in photos]
    taken: set[Path] = {photo.file.resolve() for photo in photos if photo.file is not None}
    for target in targets:
        if target.resolve() in taken:
            raise ConfigError(f"{target} would be written over a photo or another result: choose another --out.")
        taken.add(target.resolve())
    return targets


def _matching(pattern: Path) -> list[Photo]:
    """Files that a pattern names, called by their places below its first part that is no pattern."""
    fixed = Path(*itertools.takewhile(lambda part: not glob.has_magic(part), pattern.parts))
    found = sorted(map(Path, glob.glob(str(pattern), recursive=True)))
    files = [path for path in found if path.is_file() and path.suffix.lower() in READABLE_SUFFIXES]
    if not files:
        raise DataError(f"No photo matches {pattern}: check the pattern, or name a folder.")
    return [replace(file_photo(path), name=PurePosixPath(path.relative_to(fixed).as_posix())) for path in files]


def writable(name: PurePosixPath) -> PurePosixPath:
    """`name`, as a PNG where its format is only read."""
    return name if name.suffix.lower() in WRITABLE_SUFFIXES else name.with_suffix(".png")


def _renamed(name: PurePosixPath, addition: str) -> PurePosixPath:
    result = writable(name)
    return result.with_name(f"{result.stem}-{addition}{result.suffix}")
