"""Where images come from: a folder, a zip or tar archive, a folder inside an archive, or a single image."""

from pathlib import Path, PurePosixPath

from shanshui.errors import DataError
from shanshui.scenes.archives import open_archive
from shanshui.scenes.base import Source, ends_like_image
from shanshui.scenes.folders import FolderSource, SingleFile

__all__ = ["Source", "open_source"]


def open_source(path: Path | str) -> Source:
    """A folder, a zip or tar archive, `ARCHIVE/folder/inside`, or one image, as a source.

    Sub-folders count, at any depth. Hidden files, `__MACOSX` folders and files that do not end like an image are
    passed over.

    Raises:
        DataError: missing, unreadable, corrupt, encrypted, or without a single image.
    """
    path = Path(path)
    if path.is_dir():
        return FolderSource(path)
    if path.is_file() and ends_like_image(path.name):
        return SingleFile(path)
    for archive in (path, *path.parents):
        if archive.is_file():
            return open_archive(archive, inside=PurePosixPath(*path.parts[len(archive.parts) :]))
    raise DataError(f"{path} does not exist: give a folder, a zip or tar archive, or an image.")
