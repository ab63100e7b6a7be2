"""What films say of their making: as tags of the container, as XMP where it has a place for it, and signed."""

import json
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from shanshui import jsontext
from shanshui.errors import ImageError
from shanshui.images.credentials import Credentials, credentials_in_file, label_of, packet_of
from shanshui.images.footage.reel import pyav
from shanshui.images.provenance import Note, UnsignedError, sealed

_BOXED = frozenset({".mp4", ".m4v", ".mov"})
_XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
"""XMP specification, part 3 (2020), section 1.2.7.1."""

_COMMENT, _LABEL = "comment", "AIGC"
_MARK = '{"program": "Shanshui"'
_LOOP = b"\x21\xff\x0bNETSCAPE2.0"
_LOOP_BYTES = 19
_XMP_EXTENSION = b"\x21\xff\x0bXMP DataXMP"
_XMP_END = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
"""Wherever a decoder that takes XMP for blocks with lengths comes to, from here it finds the end (section 1.1.2)."""


def tags_of(credentials: Credentials, known: Mapping[str, str]) -> dict[str, str]:
    """The tags `known` of a container with ours; a comment that stands there stays before the record."""
    others = {name: text for name, text in known.items() if name.lower() != _COMMENT}  # Matroska shouts
    kept = [line for line in _comment(known).splitlines() if not line.startswith(_MARK)]
    record = json.dumps(credentials.as_json())
    return others | {_COMMENT: "\n".join([*kept, record]), _LABEL: label_of(credentials)}


@contextmanager
def noted(file: BinaryIO, path: Path, note: Note | None) -> Iterator[BinaryIO]:
    """Where to write a film that is to become `file`: afterwards it gets what `note` says beside its tags.

    Args:
        path: what the film will be called.

    Raises:
        ImageError: it cannot be signed.
    """
    if note is None:
        yield file
        return
    suffix = path.suffix.lower()
    try:
        with sealed(file, suffix, note) as place:
            yield place
            if suffix in _BOXED:
                packet = packet_of(note.credentials)
                place.seek(0, 2)
                place.write(struct.pack(">I4s16s", 24 + len(packet), b"uuid", _XMP_BOX) + packet)
    except UnsignedError as error:
        raise ImageError(f"{path} {error}") from error.__cause__


def with_packet(gif: bytes, credentials: Credentials) -> bytes:
    """The content of an animated GIF with XMP, which Pillow cannot write, after the block that makes it repeat."""
    loop = gif.find(_LOOP)
    place = loop + _LOOP_BYTES if loop >= 0 else _end_of_header(gif)
    return gif[:place] + _XMP_EXTENSION + packet_of(credentials) + _XMP_END + gif[place:]


def credentials_in_film(path: Path) -> dict[str, Any] | None:
    """What `noted` and `tags_of` wrote, as plain values; None where there is nothing of it.

    Raises:
        ConfigError: the film's container has to be opened, and PyAV is not installed.
        ImageError: the film cannot be read.
    """
    if path.suffix.lower() in _BOXED:
        return credentials_in_file(path)
    av = pyav()
    try:
        with av.open(str(path)) as container:
            comment = _comment(container.metadata)
    except (av.FFmpegError, OSError) as error:
        raise ImageError(f"{path} cannot be read as a film ({error.strerror or error}): check the file.") from error
    records = [line for line in comment.splitlines() if line.startswith(_MARK)]
    try:
        told = jsontext.parsed(records[-1]) if records else None
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def _comment(tags: Mapping[str, str]) -> str:
    return next((text for name, text in tags.items() if name.lower() == _COMMENT), "")


def _end_of_header(gif: bytes) -> int:
    """Where the logical screen descriptor and its table of colours end (GIF89a, sections 18 and 19)."""
    packed = gif[10]
    return 13 + (3 << ((packed & 7) + 1) if packed & 0x80 else 0)
