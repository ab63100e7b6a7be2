"""Reading a film with PyAV (extra `video`): upright frames with their time, and what must be kept of the container."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from shanshui.errors import ConfigError, ImageError
from shanshui.images.picture import require_decodable
from shanshui.images.pixels import Pixels

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

FILM_SUFFIXES = frozenset(
    {
        *(".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov"),
        *(".mp4", ".mpeg", ".mpg", ".mts", ".nut", ".ts", ".webm", ".wmv"),
    }
)
"""Endings of films' names, in lower case."""

EXACT = 0x4 | 0x2000 | 0x40000  # SWS_BICUBIC, _FULL_CHR_H_INT and _ACCURATE_RND
"""How swscale converts without a bias: unasked, it cuts fractions off, and every colour gets darker by one or two."""

_USUAL_RATE = Fraction(25)  # of the very few streams that do not tell theirs
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG
_FINEST_RATE = 1001


@dataclass(frozen=True, kw_only=True)
class Colors:
    """How numbers stand for colours, in the code points of ITU-T H.273: 2 where the film does not say.

    Attributes:
        matrix, primaries, transfer: AVColorSpace, AVColorPrimaries and AVColorTransferCharacteristic of FFmpeg.
        range: 0 when not said, 1 for limited, 2 for full.
    """

    matrix: int
    primaries: int
    transfer: int
    range: int


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What a film made from another keeps of it.

    Attributes:
        height, width: pixels as they are stored, before the display turns them.
        stream: index of the video stream in the container.
        time_base: seconds of one unit of time.
        rate: frames per second on average.
        pixel_format: FFmpeg's name.
        deep: more than 8 bits for each colour.
        colors: how numbers stand for colours.
        aspect: width of a pixel by its height.
        matrix: the nine numbers of the display matrix; None where there is none.
        turns: quarter turns, counter-clockwise, that the display makes.
    """

    height: int
    width: int
    stream: int
    time_base: Fraction
    rate: Fraction
    pixel_format: str
    deep: bool
    colors: Colors
    aspect: Fraction | None
    matrix: tuple[int, ...] | None
    turns: int


@dataclass(frozen=True, eq=False)
class Still:
    """One frame of a film.

    Attributes:
        pixels: HWC RGB, upright; uint16 where the film is deep.
        time: when it is shown, in units of the film's time base.
        duration: for how long, in the same units; 0 where the film does not say.
    """

    pixels: Pixels
    time: int
    duration: int


class Reel:
    """A film that can be read from its beginning any number of times."""

    def __init__(self, path: Path) -> None:
        """Look at the first frame of `path`.

        Raises:
            ConfigError: PyAV is not installed.
            ImageError: no film, one without pictures, or one that nothing can be read of.
        """
        self.path = path
        with _opened(path) as (container, stream):
            first = next(_decoded(container, stream, lambda: None), None)
            if first is None:
                raise ImageError(f"{path} has no frame that can be read: replace it with an intact copy.")
            self.traits = _traits(first, stream)

    def frames(self, damaged: Callable[[], None] = lambda: None) -> Iterator[Still]:
        """All frames in the order of their times, which only ever rise.

        Args:
            damaged: called for each frame or part that cannot be read, and is left out.
        """
        traits = self.traits
        step = max(1, round(1 / (traits.rate * traits.time_base)))
        time = None
        with _opened(self.path) as (container, stream):
            for frame in _decoded(container, stream, damaged):
                told = frame.pts
                due = 0 if time is None else time + step
                time = due if told is None else told if time is None else max(told, time + 1)
                yield Still(self._pixels(frame), time, frame.duration or 0)

    def _pixels(self, frame: "VideoFrame") -> Pixels:
        traits = self.traits
        rgb = frame.reformat(
            width=traits.width,
            height=traits.height,
            format="rgb48le" if traits.deep else "rgb24",
            dst_color_range=_FULL_RANGE,
            interpolation=EXACT,
        )
        pixels: Pixels = rgb.to_ndarray()  # type: ignore[assignment]
        return np.ascontiguousarray(np.rot90(pixels, traits.turns))


def is_film(path: Path) -> bool:
    """Whether a name ends as a film's does."""
    return path.suffix.lower() in FILM_SUFFIXES


@contextmanager
def _opened(path: Path) -> "Iterator[tuple[InputContainer, VideoStream]]":
    av = pyav()
    try:
        with av.open(str(path)) as container:
            stream = container.streams.best("video")
            if stream is None:
                raise ImageError(f"{path} has sound but no pictures, or neither: give a film.")
            yield container, stream
    except (av.FFmpegError, OSError) as error:
        raise ImageError(
            f"{path} cannot be read as a film ({error.strerror or error}): replace it with an intact copy."
        ) from error


def pyav() -> Any:
    """PyAV, which is an extra.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import av
    except ModuleNotFoundError as error:
        raise ConfigError('Films need PyAV, which is not installed: run `pip install "shanshui[video]"`.') from error
    return av


def packets_of(
    container: "InputContainer", streams: "list[av.stream.Stream]", damaged: Callable[[], None]
) -> "Iterator[Packet[Any]]":
    """Packets as they lie in the file, up to its end or to where it is `damaged` and cannot be read further."""
    demuxed = container.demux(streams)
    while True:
        try:
            packet = next(demuxed, None)
        except pyav().FFmpegError:
            damaged()
            return
        if packet is None:
            return
        yield packet


def _decoded(container: "InputContainer", stream: "VideoStream", damaged: Callable[[], None]) -> "Iterator[VideoFrame]":
    error = pyav().FFmpegError
    for packet in packets_of(container, [stream], damaged):
        try:
            frames = packet.decode()
        except error:
            damaged()
            continue
        for frame in frames:
            if frame.is_corrupt:
                damaged()
            else:
                yield frame


def _traits(first: "VideoFrame", stream: "VideoStream") -> Traits:
    require_decodable(first.width, first.height)
    rate = stream.average_rate or stream.guessed_rate or _USUAL_RATE
    matrix: Any = first.side_data.get("DISPLAYMATRIX")
    assert stream.time_base is not None
    return Traits(
        height=first.height,
        width=first.width,
        stream=stream.index,
        time_base=stream.time_base,
        rate=Fraction(rate).limit_denominator(_FINEST_RATE),
        pixel_format=first.format.name,
        deep=max(component.bits for component in first.format.components) > 8,
        colors=Colors(
            matrix=first.colorspace,
            primaries=first.color_primaries,
            transfer=first.color_trc,
            range=first.color_range,
        ),
        aspect=stream.sample_aspect_ratio,
        matrix=None if matrix is None else tuple(np.frombuffer(matrix, np.int32).tolist()),
        turns=round(first.rotation / 90) % 4,
    )
