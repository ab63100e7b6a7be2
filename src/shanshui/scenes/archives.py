"""Zip and tar archives as sources, read in place and from any thread.

A plain tar is read where it lies. A compressed tar has no index, so its files are copied once, in order, into an
unnamed temporary file. Nothing is ever written under a name that an archive chose.
"""

import bz2
import gzip
import lzma
import tarfile
import tempfile
import threading
import weakref
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, TypeVar, cast

from shanshui.errors import DataError, ImageError
from shanshui.scenes.base import MAX_FILE_BYTES, SAMPLE_BYTES, Source, ends_like_image, sample_digest

T = TypeVar("T")

_COPY_BYTES = 2**20
_COMPRESSIONS = {b"\x1f\x8b": gzip.GzipFile, b"BZh": bz2.BZ2File, b"\xfd7zXZ\0": lzma.LZMAFile}
"""How a compressed tar begins, and what reads it."""

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
    """The images in a zip or tar archive below the folder `inside` (`.` for all of it), or the one image there.

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
        named = [info for info in self._zip.infolist() if info.filename]  # a damaged directory has names of no length
        files = {info.filename.replace("\\", "/"): info for info in named if not info.is_dir()}
        self._infos = _below(files, inside)
        super().__init__(*_names(archive, inside), self._infos)
        encrypted = [name for name in self.names if self._infos[name].flag_bits & 0x1]
        if encrypted:
            raise DataError(
                f"{archive} is encrypted ({encrypted[0]}): unpack it with its password and give the folder."
            )

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
        self._file, extents = _index(archive)
        weakref.finalize(self, self._file.close)
        self._extents = _below(extents, inside)
        super().__init__(*_names(archive, inside), self._extents)

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
        size = min(extent.size, SAMPLE_BYTES)
        return sample_digest(extent.size, self._read(_Extent(extent.offset + (extent.size - size) // 2, size)))

    def _read(self, extent: _Extent) -> bytes:
        try:
            with self._lock:
                self._file.seek(extent.offset)
                return self._file.read(extent.size)
        except OSError as error:
            raise ImageError(f"{self.label} cannot be read ({error.strerror}): check the disk.") from error


def _index(archive: Path) -> tuple[BinaryIO, dict[str, _Extent]]:
    """An open file and where in it the members lie: the archive itself, or the copy of a compressed one."""
    try:
        with tarfile.open(archive, "r:") as plain:
            members = [member for member in plain if member.isreg() and not member.issparse()]
            end = plain.offset
    except tarfile.ReadError:
        return _spool(archive)
    _require_end_mark(archive, end)
    return archive.open("rb"), {member.name: _Extent(member.offset_data, member.size) for member in members}


def _require_end_mark(archive: Path, end: int) -> None:
    """A tar ends with a block of zeros; tarfile takes one that was cut between two members for whole."""
    with archive.open("rb") as file:
        file.seek(end)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise EOFError("its end mark is missing")


def _spool(archive: Path) -> tuple[BinaryIO, dict[str, _Extent]]:
    extents: dict[str, _Extent] = {}
    spool = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the source
    try:
        with _decompressed(archive) as stream, tarfile.open(fileobj=stream, mode="r|") as packed:
            for member in packed:
                content = packed.extractfile(member) if member.isreg() else None
                if content is None:
                    continue
                offset = spool.tell()
                while ends_like_image(member.name) and (chunk := content.read(_COPY_BYTES)):
                    spool.write(chunk)
                if ends_like_image(member.name) and spool.tell() - offset != member.size:
                    raise EOFError(f"{member.name} is incomplete")
                extents[member.name] = _Extent(offset, spool.tell() - offset)
    except BaseException:
        spool.close()
        raise
    return spool, extents


def _decompressed(archive: Path) -> BinaryIO:
    """The tar inside; unlike tarfile's own streams, these readers refuse a stream that was cut short."""
    with archive.open("rb") as file:
        signature = file.read(6)
    for start, opener in _COMPRESSIONS.items():
        if signature.startswith(start):
            return cast(BinaryIO, opener(archive))
    raise tarfile.ReadError("unknown compression")


def _below(files: Mapping[str, T], inside: PurePosixPath) -> dict[str, T]:
    """The files below the folder `inside`, or the file that `inside` names, by their path from there."""
    chosen: dict[str, T] = {}
    for name, entry in files.items():
        path = PurePosixPath(name)
        if path == inside:
            chosen[path.name] = entry
        elif path.is_relative_to(inside):
            chosen[path.relative_to(inside).as_posix()] = entry
    return chosen


def _names(archive: Path, inside: PurePosixPath) -> tuple[str, str]:
    """Label and title of a source."""
    return str(archive / inside), str(PurePosixPath(archive.name) / inside)


def _refuse_giant(label: str, name: str, size: int) -> None:
    if size > MAX_FILE_BYTES:
        raise ImageError(f"{name} in {label} is larger than {MAX_FILE_BYTES // 2**20} MiB, which no image should be.")
