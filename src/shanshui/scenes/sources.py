"""Where images come from: a folder, an archive, a folder inside an archive, shards, or a single image."""

from pathlib import Path, PurePosixPath

from shanshui.errors import DataError
from shanshui.scenes.archives import open_archive
from shanshui.scenes.base import Source, ends_like_image
from shanshui.scenes.folders import FolderSource, SingleFile
from shanshui.scenes.shards import INDEX, ShardSource, url_of

__all__ = ["Source", "open_source"]


def open_source(path: Path | str) -> Source:
    """A folder, a zip or tar archive, `ARCHIVE/folder/inside`, shards here or at a URL, or one image, as a source.

    Sub-folders count, at any depth. Hidden files, `__MACOSX` folders and files that do not end like an image are
    passed over.

    Raises:
        DataError: missing, unreadable, corrupt, encrypted, or without a single image.
    """
    url = url_of(path)
    if url is not None:
        return ShardSource(url)
    path = Path(path)
    if (path / INDEX).is_file():
        return ShardSource(str(path))
    if path.is_dir():
        return FolderSource(path)
    if path.is_file() and ends_like_image(path.name):
        return SingleFile(path)
    for archive in (path, *path.parents):
        if archive.is_file():
            return open_archive(archive, inside=PurePosixPath(*path.parts[len(archive.parts) :]))
    raise DataError(f"{path} does not exist: give a folder, a zip or tar archive, or an image.")
