"""Video files through PyAV (extra `video`): frames in, a file out, whole or not at all."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shanshui.atomic import atomic_write
from shanshui.errors import ConfigError, ImageError
from shanshui.images.film_notes import noted, tags_of
from shanshui.images.provenance import Note

if TYPE_CHECKING:
    import av
    from av.video.stream import VideoStream

Frame: TypeAlias = NDArray[np.uint8]
"""HWC, RGB."""

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".mkv"})
"""Endings, in lower case, that `write_video` understands."""

_CONTAINERS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
# The first that PyAV was built with: H.264 so good that a loop's last frame, from the end of a chain of predictions,
# matches its first, which is whole; or MPEG-4 at its best.
_CODECS: tuple[tuple[Literal["libx264", "mpeg4"], Mapping[str, str]], ...] = (
    ("libx264", {"crf": "14", "preset": "medium"}),
    ("mpeg4", {"qmin": "2", "qmax": "2"}),
)
_FINEST_RATE = 1001
_BT709 = 1


def write_video(path: Path, frames: Iterable[Frame], *, rate: float | Fraction, note: Note | None = None) -> int:
    """Write `frames` as H.264 (or MPEG-4, where PyAV lacks it) with 4:2:0 colours of BT.709.

    Frames of an odd height or width, which 4:2:0 cannot hold, repeat their last row or column. They are taken one at a
    time; nothing else is kept in memory.

    Args:
        path: ends in .mp4, .mov or .mkv.
        frames: at least one, all of one size.
        rate: frames per second, kept exactly as a fraction with a denominator of at most 1001: 24, 23.976, 30000/1001.
        note: what the film is to say of its making.

    Returns:
        how many frames were written.

    Raises:
        ConfigError: another ending, a rate that is not above 0, or PyAV is not installed.
        ImageError: no frame, frames of different sizes, or a film that cannot be signed.
        StorageError: the file cannot be written.
    """
    require_video(path)
    rate = exact_rate(rate)
    first, rest = _first_and_all(frames)
    with (
        atomic_write(path) as file,
        noted(file, path, note) as place,
        _stream(place, path, rate, first.shape) as (container, stream),
    ):
        if note is not None:
            container.metadata.update(tags_of(note.credentials, {}))
        count = 0
        for count, frame in enumerate(rest, 1):
            if frame.shape != first.shape:
                raise ImageError(f"Frame {count} has the shape {frame.shape}, the first {first.shape}: use one size.")
            container.mux(stream.encode(_converted(frame, count - 1, rate)))
        container.mux(stream.encode(None))
    return count


def require_video(path: Path) -> None:
    """Refuse what `write_video` could not do, before any frame is made.

    Raises:
        ConfigError: not an ending of a video, or PyAV is not installed.
    """
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        raise ConfigError(f"{path} does not end in {', '.join(sorted(VIDEO_SUFFIXES))}: choose one of these.")
    try:
        import av  # noqa: F401 - asked for, not used
    except ModuleNotFoundError as error:
        raise ConfigError(
            f'{path} needs PyAV, which is not installed: run `pip install "shanshui[video]"`, or write a .gif or .webp.'
        ) from error


def exact_rate(rate: float | Fraction) -> Fraction:
    """Frames per second as the fraction that a file keeps.

    Raises:
        ConfigError: not above 0, or not finite.
    """
    try:
        exact = Fraction(rate).limit_denominator(_FINEST_RATE)
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"{rate} frames per second cannot be shown: give a number above 0.") from error
    if exact <= 0:
        raise ConfigError(f"{rate} frames per second cannot be shown: give a number above 0.")
    return exact


@contextmanager
def _stream(
    file: BinaryIO, path: Path, rate: Fraction, shape: tuple[int, ...]
) -> "Iterator[tuple[av.container.OutputContainer, VideoStream]]":
    import av

    with av.open(file, "w", format=_CONTAINERS[path.suffix.lower()]) as container:
        name, options = next((name, options) for name, options in _CODECS if name in av.codecs_available)
        stream = container.add_stream(name, rate=rate, options=dict(options))
        stream.height, stream.width = (side + side % 2 for side in shape[:2])
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = 1 / rate
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = av.video.reformatter.ColorRange.MPEG
        yield container, stream


def _converted(frame: Frame, number: int, rate: Fraction) -> "av.VideoFrame":
    import av

    even = np.pad(frame, ((0, frame.shape[0] % 2), (0, frame.shape[1] % 2), (0, 0)), mode="edge")
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24").reformat(
        format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
    )
    picture.pts, picture.time_base = number, 1 / rate
    return picture


def _first_and_all(frames: Iterable[Frame]) -> tuple[Frame, Iterator[Frame]]:
    """The first frame, looked at ahead, and all of them."""
    iterator = iter(frames)
    for first in iterator:
        if first.ndim != 3 or first.shape[2] != 3 or 0 in first.shape or first.dtype != np.uint8:
            raise ImageError(f"A frame has the shape {first.shape} and type {first.dtype}: HWC, RGB, uint8 is needed.")
        return first, chain([first], iterator)
    raise ImageError("A film needs at least one frame, but there is none.")
