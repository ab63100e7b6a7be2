"""The photos that a command was given, and the files that its results go to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from shanshui.errors import ConfigError
from shanshui.images.files import READABLE_SUFFIXES, WRITABLE_SUFFIXES, Picture, read_picture
from shanshui.scenes.sources import open_source


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
    """The photos of a file, folder or archive, in the order of their names.

    Raises:
        DataError: nothing is there, or nothing that looks like a photo.
    """
    if place.is_file() and place.suffix.lower() in READABLE_SUFFIXES:
        return [Photo(PurePosixPath(place.name), place, lambda: read_picture(place))]
    source = open_source(place)

    def reader(name: str) -> Callable[[], Picture]:
        return lambda: read_picture(source.read(name), name=f"{name} in {source.label}")

    return [Photo(PurePosixPath(name), place / name if place.is_dir() else None, reader(name)) for name in source.names]


def plan_outputs(photos: Sequence[Photo], addition: str, out: Path | None) -> list[Path]:
    """Where each result goes: `out` itself for one photo, else NAME-ADDITION inside the folder `out`.

    Raises:
        ConfigError: `out` names a file but there are several photos, or a result would replace a photo
            or another result.
    """
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


def _renamed(name: PurePosixPath, addition: str) -> PurePosixPath:
    # A photo in a format that is only read becomes a PNG.
    suffix = name.suffix if name.suffix.lower() in WRITABLE_SUFFIXES else ".png"
    return name.with_name(f"{name.stem}-{addition}{suffix}")
