"""Zip and tar archives as sources, read in place and from any thread.

A plain tar is read where it lies. A compressed tar has no index, so its images are copied once, in order, into an
unnamed temporary file. Nothing is ever written under a name that an archive chose.
"""

import lzma
import tarfile
import tempfile
import threading
import zipfile
import zlib
from typing import BinaryIO, TypeVar
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from shanshui.errors import DataError, ImageError
from shanshui.scenes.base import MAX_FILE_BYTES, Source, looks_like_image, sample_digest

T = TypeVar("T")

_SAMPLE_BYTES = 4096
_COPY_BYTES = 2**20
_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    ValueError,
)


def open_archive(archive: Path, *, inside: PurePosixPath) -> Source:
    """The images in a zip or tar archive below the folder `inside` (`.` for all of it).

    Raises:
        DataError: not an archive, corrupt, encrypted, or without images there.
    """
    try:
        if zipfile.is_zipfile(archive):
            return ZipSource(archive, inside)
        if tarfile.is_tarfile(archive):
            return TarSource(archive, inside)
    except _DAMAGE as error:
        raise DataError(
            f"{archive} is a damaged archive or was cut short ({error}): fetch or pack it again."
        ) from error
    raise DataError(f"{archive} is no folder, image, or intact zip or tar archive: give one of these.")


class ZipSource(Source):
    """Images of a zip archive."""

    def __init__(self, archive: Path, inside: PurePosixPath) -> None:
        self._zip = zipfile.ZipFile(archive)
        self._lock = threading.Lock()
        files = {info.filename.replace("\\", "/"): info for info in self._zip.infolist() if not info.is_dir()}
        self._infos = _below(files, inside)
        encrypted = [name for name, info in self._infos.items() if info.flag_bits & 0x1]
        if encrypted:
            raise DataError(
                f"{archive} is encrypted ({encrypted[0]}): unpack it with its password and give the folder."
            )
        super().__init__(_label(archive, inside), tuple(sorted(self._infos)))

    def read(self, name: str) -> bytes:
        """The content of one member."""
        info = self._infos[name]
        _refuse_giant(self.label, name, info.file_size)
        try:
            with self._lock:
                return self._zip.read(info)
        except (*_DAMAGE, RuntimeError) as error:
            raise ImageError(f"{name} in {self.label} is damaged ({error}): pack the archive again.") from error

    def fingerprint(self, name: str) -> str:
        """Size and checksum from the archive's directory."""
        info = self._infos[name]
        return f"{info.file_size}:{info.CRC:08x}"


@dataclass(frozen=True)
class _Extent:
    offset: int
    size: int


class TarSource(Source):
    """Images of a tar archive, compressed or not."""

    def __init__(self, archive: Path, inside: PurePosixPath) -> None:
        self._lock = threading.Lock()
        try:
            with tarfile.open(archive, "r:") as plain:
                members = [member for member in plain if member.isreg() and not member.issparse()]
            extents = {member.name: _Extent(member.offset_data, member.size) for member in members}
            self._file: BinaryIO = archive.open("rb")
        except tarfile.ReadError:
            self._file, extents = _spool(archive)
        self._extents = _below(extents, inside)
        super().__init__(_label(archive, inside), tuple(sorted(self._extents)))

    def read(self, name: str) -> bytes:
        """The content of one member."""
        extent = self._extents[name]
        _refuse_giant(self.label, name, extent.size)
        content = self._read(extent)
        if len(content) != extent.size:
            raise ImageError(f"{name} in {self.label} is cut short: pack the archive again.")
        return content

    def fingerprint(self, name: str) -> str:
        """Size and a sample from the middle."""
        extent = self._extents[name]
        size = min(extent.size, _SAMPLE_BYTES)
        return sample_digest(extent.size, self._read(_Extent(extent.offset + (extent.size - size) // 2, size)))

    def _read(self, extent: _Extent) -> bytes:
        with self._lock:
            self._file.seek(extent.offset)
            return self._file.read(extent.size)


def _spool(archive: Path) -> tuple[BinaryIO, dict[str, _Extent]]:
    extents: dict[str, _Extent] = {}
    spool = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the source
    with tarfile.open(archive, "r|*") as packed:
        for member in packed:
            content = packed.extractfile(member) if member.isreg() and looks_like_image(member.name) else None
            if content is None:
                continue
            offset = spool.tell()
            while chunk := content.read(_COPY_BYTES):
                spool.write(chunk)
            extents[member.name] = _Extent(offset, spool.tell() - offset)
    spool.flush()
    return spool, extents


def _below(files: dict[str, T], inside: PurePosixPath) -> dict[str, T]:
    """The images below the folder `inside`, or the image that `inside` names, by their path from there."""
    chosen: dict[str, T] = {}
    for name, entry in files.items():
        path = PurePosixPath(name)
        if path == inside:
            chosen[path.name] = entry
        elif path.is_relative_to(inside) and looks_like_image(path.relative_to(inside).as_posix()):
            chosen[path.relative_to(inside).as_posix()] = entry
    return chosen


def _label(archive: Path, inside: PurePosixPath) -> str:
    return str(archive / inside)


def _refuse_giant(label: str, name: str, size: int) -> None:
    if size > MAX_FILE_BYTES:
        raise ImageError(f"{name} in {label} is larger than {MAX_FILE_BYTES // 2**20} MiB, which no image should be.")
