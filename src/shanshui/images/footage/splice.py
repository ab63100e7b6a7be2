"""A film joined from takes: their packets and those of the other streams, as they are."""

import heapq
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from shanshui.atomic import atomic_write
from shanshui.errors import ImageError
from shanshui.images.film_notes import noted, tags_of
from shanshui.images.footage.reel import Reel, Traits, packets_of, pyav
from shanshui.images.footage.takes import Encoding, describe, write_take
from shanshui.images.provenance import Note

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.stream import Stream


def splice(path: Path, takes: Sequence[Path], reel: Reel, encoding: Encoding, note: Note | None = None) -> None:
    """Write a film whose pictures are `takes` one after another, and all of whose rest is that of `reel`.

    Sound, subtitles and other streams are copied packet by packet; titles, chapters, languages, the shape of pixels and
    the turn of the display are kept. Streams that the container cannot hold are left out.

    Args:
        path: where to.
        takes: as `write_take` wrote them, at least one.
        reel: the film that the takes were made from.
        encoding: of the takes.
        note: what the film is to say of its making, beside what the other said.

    Raises:
        ImageError: the container refuses the film, or it cannot be signed.
        StorageError: the file cannot be written.
    """
    with (
        atomic_write(path) as file,
        noted(file, path, note) as place,
        _begun(place, takes[0], reel, encoding, lambda _: None) as (original, film, copies),
    ):
        if note is not None:
            told = tags_of(note.credentials, film.metadata)
            film.metadata.clear()
            film.metadata.update(told)
        copies = dict(copies)
        pictures = copies.pop(reel.traits.stream)
        for packet, target in heapq.merge(
            ((packet, pictures) for packet in _packets_of_takes(takes)),
            ((packet, copies[packet.stream_index]) for packet in _packets_of_rest(original, list(copies))),
            key=lambda pair: _seconds(pair[0]),
        ):
            packet.stream = target
            film.mux(packet)


def require_splice(take: Path, reel: Reel, encoding: Encoding, warn: Callable[[str], None]) -> None:
    """Refuse what `splice` could not do, before any frame is painted.

    Args:
        take: a free name for a take of one frame, which goes away again.
        reel: the film.
        encoding: of its takes.
        warn: hears of each stream that the container cannot hold.

    Raises:
        ImageError: the container refuses the film.
        StorageError: the take cannot be written.
    """
    write_take(take, islice(reel.frames(), 1), reel.traits, encoding)
    with _begun(io.BytesIO(), take, reel, encoding, warn) as (_, film, _):
        film.start_encoding()
    take.unlink()


@contextmanager
def _begun(
    file: BinaryIO, take: Path, reel: Reel, encoding: Encoding, warn: Callable[[str], None]
) -> "Iterator[tuple[InputContainer, OutputContainer, dict[int, Stream]]]":
    """The original, and a film with all its streams and no packets."""
    av = pyav()
    try:
        with (
            av.open(str(reel.path)) as original,
            av.open(str(take)) as pictures,
            av.open(file, "w", format=encoding.container) as film,
        ):
            # Without random names inside, the same film is the same file.
            film.flags |= av.container.Flags.bitexact.value
            film.metadata.update(original.metadata)
            film.set_chapters(original.chapters())
            yield original, film, _laid_out(film, original, pictures.streams.video[0], reel.traits, encoding, warn)
    except (av.FFmpegError, ValueError) as error:
        raise ImageError(
            f"{reel.path} cannot be written as {encoding.container} ({error}): choose another ending for it, as .mkv."
        ) from error


def _laid_out(
    film: "OutputContainer",
    original: "InputContainer",
    pictures: "Stream",
    traits: Traits,
    encoding: Encoding,
    warn: Callable[[str], None],
) -> "dict[int, Stream]":
    """Index of a stream of the original -> the stream of the film that takes its place."""
    laid: dict[int, Stream] = {}
    for stream in original.streams:
        template = pictures if stream.index == traits.stream else stream
        if stream.index != traits.stream and not _holds(encoding.container, stream):
            warn(f"A stream of the film ({stream.type}) cannot be kept in {encoding.container}: it is left out.")
            continue
        copy = film.add_stream_from_template(template, opaque=True)
        copy.metadata.update(stream.metadata)
        copy.time_base = stream.time_base
        laid[stream.index] = copy
    shown = laid[traits.stream]
    assert isinstance(shown, pyav().VideoStream)
    describe(shown.codec_context, traits, encoding)
    if encoding.turns == traits.turns:
        shown.set_display_matrix(traits.matrix)
    return laid


def _holds(container: str, stream: "Stream") -> bool:
    """Whether a container takes a copy of `stream`: some say so only when they begin."""
    av = pyav()
    try:
        with av.open(io.BytesIO(), "w", format=container) as trial:
            trial.add_stream_from_template(stream, opaque=True)
            trial.start_encoding()
    except (ValueError, av.FFmpegError):
        return False
    return True


def _packets_of_takes(takes: Sequence[Path]) -> "Iterator[Packet[Any]]":
    for take in takes:
        with pyav().open(str(take)) as container:
            for packet in container.demux(video=0):
                if packet.size:
                    packet.dts = packet.pts  # as it was written; for some codecs the demuxer guesses something else
                    yield packet


def _packets_of_rest(original: "InputContainer", streams: Sequence[int]) -> "Iterator[Packet[Any]]":
    if streams:  # asked for none, PyAV would give all
        rest = [original.streams[index] for index in streams]
        yield from (packet for packet in packets_of(original, rest, lambda: None) if packet.size)


def _seconds(packet: "Packet[Any]") -> Fraction:
    time = packet.dts if packet.dts is not None else packet.pts
    return Fraction(0) if time is None else time * packet.time_base
