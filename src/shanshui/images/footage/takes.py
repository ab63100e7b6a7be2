"""Takes: parts of a film in files of their own, that can be joined without being encoded again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from shanshui.atomic import atomic_write
from shanshui.errors import ConfigError, ImageError
from shanshui.images.footage.reel import EXACT, Still, Traits, pyav

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

# NUT keeps times in any unit, where others round them.
_TAKE = "nut"

# None of them may look ahead to later frames: then packets come in the order of frames, take after take, and their
# times need no arithmetic.
_OPTIONS: Mapping[str, Mapping[str, str]] = {
    "libx264": {"crf": "16", "preset": "medium", "bf": "0"},
    "libvpx-vp9": {"crf": "22", "b": "0", "deadline": "good", "cpu-used": "4", "auto-alt-ref": "0"},
    "mpeg4": {"qmin": "2", "qmax": "3", "bf": "0"},
    "mpeg2video": {"qmin": "2", "qmax": "3", "bf": "0"},
}


@dataclass(frozen=True)
class _Container:
    """FFmpeg's name of a container, the encoders to try, and whether it can say that the display turns."""

    format: str
    encoders: Sequence[str] = ("libx264", "mpeg4")
    turns: bool = False


_CONTAINERS = {
    ".3gp": _Container("3gp", turns=True),
    # These have one time for each packet, from which readers of H.264 conclude that frames come late.
    ".asf": _Container("asf", ["mpeg4"]),
    ".avi": _Container("avi", ["mpeg4"]),
    ".flv": _Container("flv"),
    ".m2ts": _Container("mpegts"),
    ".m4v": _Container("mp4", turns=True),
    ".mkv": _Container("matroska", turns=True),
    ".mov": _Container("mov", turns=True),
    ".mp4": _Container("mp4", turns=True),
    ".mpeg": _Container("mpeg", ["mpeg2video"]),
    ".mpg": _Container("mpeg", ["mpeg2video"]),
    ".mts": _Container("mpegts"),
    ".nut": _Container("nut"),
    ".ts": _Container("mpegts"),
    ".webm": _Container("webm", ["libvpx-vp9"]),
    ".wmv": _Container("asf", ["mpeg4"]),
}

_LIMITED_RANGE, _FULL_RANGE = 1, 2  # AVCOL_RANGE_MPEG and _JPEG
_BT709 = 1
_LUMINANCE_FIRST = ("yuv", "nv", "p0", "p2")  # how FFmpeg's names of such formats begin


@dataclass(frozen=True)
class Encoding:
    """How frames become packets.

    Attributes:
        container: FFmpeg's name of what the film will be in.
        name: of FFmpeg's encoder.
        pixel_format: FFmpeg's name.
        matrix, range: of the colours that it stores; those of the film, where it can store them.
        turns: quarter turns, counter-clockwise, that the display is told to make.
    """

    container: str
    name: str
    pixel_format: str
    matrix: int
    range: int
    turns: int


def encoding_for(path: Path, traits: Traits) -> Encoding:
    """How to encode for the container that the ending of `path` names: H.264 where it is used to that.

    Raises:
        ConfigError: the container is unknown, or PyAV lacks the encoders for it.
    """
    suffix = path.suffix.lower()
    if suffix not in _CONTAINERS:
        raise ConfigError(
            f"A film's name cannot end in {suffix or 'nothing'}: choose {', '.join(sorted(_CONTAINERS))}."
        )
    container = _CONTAINERS[suffix]
    av = pyav()
    name = next((name for name in container.encoders if name in av.codecs_available), None)
    if name is None:
        raise ConfigError(f"This PyAV has no encoder for films that end in {suffix}: choose .mp4 or .mkv.")
    formats = {each.name for each in av.codec.Codec(name, "w").video_formats}
    even = traits.height % 2 == 0 and traits.width % 2 == 0
    wanted = [traits.pixel_format.replace("yuvj", "yuv"), "yuv420p10le" if traits.deep else "yuv420p", "yuv420p"]
    # A grey film is painted in colours; and half as many colours as pixels need an even number of these.
    fitting = [each for each in wanted if each in formats and "yuv" in each and (even or "444" in each)] or ["yuv444p"]
    full = traits.pixel_format.startswith("yuvj") or traits.colors.range == _FULL_RANGE
    return Encoding(
        container=container.format,
        name=name,
        pixel_format=fitting[0],
        # Films that store red, green and blue themselves, or grey, come out as luminance and differences.
        matrix=traits.colors.matrix if traits.pixel_format.startswith(_LUMINANCE_FIRST) else _BT709,
        range=_FULL_RANGE if full else _LIMITED_RANGE,
        turns=traits.turns if container.turns else 0,
    )


def write_take(path: Path, stills: Iterable[Still], traits: Traits, encoding: Encoding) -> int:
    """Encode `stills` as a film of its own that begins with a key frame.

    Args:
        path: any name.
        stills: at least one, upright, of the film's size; their times rise.
        traits: of the film.
        encoding: the same for all takes of a film.

    Returns:
        how many stills there were.

    Raises:
        ImageError: the encoder refuses the film.
        StorageError: the file cannot be written.
    """
    av = pyav()
    times: list[tuple[int, int]] = []
    try:
        with atomic_write(path) as file, av.open(file, "w", format=_TAKE) as container:
            stream = container.add_stream(encoding.name, rate=traits.rate, options=dict(_OPTIONS[encoding.name]))
            sides = traits.width, traits.height
            stream.width, stream.height = reversed(sides) if _sideways(traits, encoding) else sides
            stream.pix_fmt, stream.time_base = encoding.pixel_format, traits.time_base
            stream.codec_context.time_base = 1 / traits.rate
            describe(stream.codec_context, traits, encoding)
            for still in stills:
                # The encoder counts frames: some cannot count in the film's units, and none needs to.
                frame = _encodable(still, traits, encoding)
                frame.pts, frame.time_base = len(times), 1 / traits.rate
                times.append((still.time, still.duration))
                _mux(container, stream.encode(frame), times, traits)
            _mux(container, stream.encode(None), times, traits)
    except (av.FFmpegError, ValueError) as error:
        raise ImageError(
            f"A film of {traits.width} x {traits.height} pixels at {traits.rate} frames per second cannot be encoded "
            f"with {encoding.name} ({error}): choose another ending for it, as .mkv."
        ) from error
    return len(times)


def describe(context: "VideoCodecContext", traits: Traits, encoding: Encoding) -> None:
    """Say what the numbers of a stream mean: its colours, and the shape of its pixels."""
    context.colorspace, context.color_range = encoding.matrix, encoding.range
    context.color_primaries, context.color_trc = traits.colors.primaries, traits.colors.transfer
    if traits.aspect:
        context.sample_aspect_ratio = 1 / traits.aspect if _sideways(traits, encoding) else traits.aspect


def _sideways(traits: Traits, encoding: Encoding) -> bool:
    return (traits.turns - encoding.turns) % 2 == 1


def _encodable(still: Still, traits: Traits, encoding: Encoding) -> "VideoFrame":
    stored = np.ascontiguousarray(np.rot90(still.pixels, -encoding.turns))
    rgb = pyav().VideoFrame.from_ndarray(stored, format="rgb48le" if stored.dtype == np.uint16 else "rgb24")
    frame: VideoFrame = rgb.reformat(
        format=encoding.pixel_format,
        dst_colorspace=encoding.matrix,
        src_color_range=_FULL_RANGE,
        dst_color_range=encoding.range,
        interpolation=EXACT,
    )
    frame.colorspace, frame.color_range = encoding.matrix, encoding.range
    frame.color_primaries, frame.color_trc = traits.colors.primaries, traits.colors.transfer
    return frame


def _mux(
    container: "OutputContainer", packets: "Iterable[Packet[Any]]", times: Sequence[tuple[int, int]], traits: Traits
) -> None:
    for packet in packets:
        assert packet.pts is not None
        packet.pts, packet.duration = times[packet.pts]
        packet.dts, packet.time_base = packet.pts, traits.time_base
        container.mux(packet)
