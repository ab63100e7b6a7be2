"""Films in and out: what is kept of them, whatever the container; takes joined as if they had never been apart."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from shanshui.errors import ConfigError, ImageError
from shanshui.images.footage.reel import EXACT, Reel, Still, is_film
from shanshui.images.footage.splice import require_splice, splice
from shanshui.images.footage.takes import encoding_for, write_take

av = pytest.importorskip("av", reason="films need the extra `video`")

HEIGHT, WIDTH, COUNT = 48, 64, 8
UNEVEN = (0, 25, 50, 90, 100, 125, 200, 225)  # sixhundredths of a second


@dataclass(frozen=True)
class Shape:
    """How a made clip is stored."""

    times: Sequence[int] = tuple(25 * number for number in range(COUNT))
    sound: str | None = None
    turn: int = 0
    aspect: Fraction | None = None
    pixel_format: str = "yuv420p"
    colors: tuple[int, int, int, int] = (1, 1, 1, 1)  # matrix, primaries, transfer, range
    looks_ahead: bool = True  # frames are stored in another order than they are shown in


def make(path: Path, shape: Shape) -> Path:
    """A clip of a smooth picture that moves to the right."""
    unit = Fraction(1, 600)
    with av.open(str(path), "w") as film:
        film.metadata["title"] = "A walk"
        stream = film.add_stream("libx264", rate=24, options={"crf": "10", "bf": "3" if shape.looks_ahead else "0"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, shape.pixel_format
        context = stream.codec_context
        stream.time_base = context.time_base = unit
        context.colorspace, context.color_primaries, context.color_trc, context.color_range = shape.colors
        if shape.aspect:
            context.sample_aspect_ratio = shape.aspect
        if shape.turn:
            stream.set_display_rotation(shape.turn)
        sound = film.add_stream(shape.sound, rate=48000) if shape.sound else None
        if sound is not None:
            sound.metadata["language"] = "deu"
        for number, time in enumerate(shape.times):
            frame = av.VideoFrame.from_ndarray(scene(number), format="rgb24").reformat(
                format=shape.pixel_format,
                dst_colorspace=shape.colors[0],
                dst_color_range=shape.colors[3],
                interpolation=EXACT,
            )
            frame.pts, frame.time_base = time, unit
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
        if sound is not None:
            resampler = av.AudioResampler(format=sound.format, layout="stereo", rate=48000, frame_size=1024)
            for piece in resampler.resample(sine()):
                film.mux(sound.encode(piece))
            film.mux(sound.encode(None))
    return path


def scene(number: int) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    waves = [np.sin((columns - 2 * number) / 25), np.cos(rows / 20), np.sin((rows + columns) / 30)]
    pixels: NDArray[np.uint8] = np.rint(127 + 90 * np.stack(waves, axis=2)).astype(np.uint8)
    return pixels


def sine() -> Any:
    wave = (8000 * np.sin(np.arange(16384) / 9)).astype(np.int16)[None]
    frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
    return frame


def remade(source: Path, path: Path, takes: int = 2) -> Reel:
    """`source` in takes, and joined again, in the container of `path`."""
    reel = Reel(source)
    encoding = encoding_for(path, reel.traits)
    stills = list(reel.frames())
    size = -(-len(stills) // takes)
    files = [path.with_name(f"{path.name}.{number}") for number in range(takes)]
    for number, file in enumerate(files):
        write_take(file, stills[number * size : (number + 1) * size], reel.traits, encoding)
    splice(path, files, reel, encoding)
    return Reel(path)


def times(reel: Reel) -> list[Fraction]:
    return [still.time * reel.traits.time_base for still in reel.frames()]


def sound_of(path: Path) -> list[tuple[bytes, Fraction, Fraction]]:
    with av.open(str(path)) as film:
        packets = [packet for packet in film.demux(audio=0) if packet.size]
        return [(bytes(each), each.pts * each.time_base, each.duration * each.time_base) for each in packets]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".3gp"])
def test_uneven_times_and_every_packet_of_sound_stay(suffix: str, tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Shape(times=UNEVEN, sound="aac"))
    result = remade(source, tmp_path / f"out{suffix}")
    assert times(result) == times(Reel(source)) == [Fraction(time, 600) for time in UNEVEN]
    assert sound_of(result.path) == sound_of(source)


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".flv", ".wmv", ".nut"])
def test_other_containers_count_in_units_of_their_own(suffix: str, tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Shape(times=UNEVEN, sound="aac"))
    result = remade(source, tmp_path / f"out{suffix}")
    steps, expected = ([float(b - a) for a, b in pairwise(times(reel))] for reel in (result, Reel(source)))
    np.testing.assert_allclose(steps, expected, atol=0.0011)
    if suffix != ".ts":  # which gives each packet a header of its own
        assert [data for data, *_ in sound_of(result.path)] == [data for data, *_ in sound_of(source)]


@pytest.mark.parametrize(
    ("suffix", "sound"), [(".mp4", None), (".avi", "mp3"), (".mpg", "mp2"), (".webm", "libopus"), (".m4v", "aac")]
)
def test_pictures_and_sound_are_in_every_container(suffix: str, sound: str | None, tmp_path: Path) -> None:
    source = make(tmp_path / "in.mkv", Shape(sound=sound))
    result = remade(source, tmp_path / f"out{suffix}")
    shown = [still.pixels for still in result.frames()]
    assert len(shown) == COUNT
    assert all(np.abs(a.pixels - b.astype(float)).mean() < 6 for a, b in zip(Reel(source).frames(), shown, strict=True))
    if sound:
        assert [data for data, *_ in sound_of(result.path)] == [data for data, *_ in sound_of(source)]


@pytest.mark.parametrize("colors", [(1, 1, 1, 1), (5, 5, 6, 1), (9, 9, 14, 1), (1, 1, 1, 2)])
def test_colours_look_the_same_and_say_so(colors: tuple[int, int, int, int], tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Shape(colors=colors))
    result = remade(source, tmp_path / "out.mp4")
    assert result.traits.colors == Reel(source).traits.colors
    told = result.traits.colors
    assert (told.matrix, told.primaries, told.transfer, told.range) == colors
    for number, still in enumerate(result.frames()):
        assert np.abs(still.pixels - scene(number).astype(float)).mean() < 4
        # Numbers read with the matrix or the range of another film are off by ten and more.
        np.testing.assert_allclose(still.pixels.mean((0, 1)), scene(number).mean((0, 1)), atol=3)


@pytest.mark.parametrize("turn", [90, 180, -90])
def test_sideways_films_are_seen_upright(turn: int, tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Shape(turn=turn, aspect=Fraction(4, 3)))
    upright = next(Reel(source).frames()).pixels
    assert np.abs(upright - np.rot90(scene(0), turn // 90).astype(float)).mean() < 4
    kept, baked = (remade(source, tmp_path / f"out{suffix}") for suffix in (".mp4", ".ts"))
    assert kept.traits.matrix == Reel(source).traits.matrix is not None
    assert baked.traits.matrix is None
    assert kept.traits.aspect == Fraction(4, 3)
    assert baked.traits.aspect == (Fraction(4, 3) if turn == 180 else Fraction(3, 4))
    for reel in (kept, baked):
        assert np.abs(next(reel.frames()).pixels - upright.astype(float)).mean() < 4


def test_ten_bits_stay_ten_bits(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Shape(pixel_format="yuv420p10le"))
    result = remade(source, tmp_path / "out.mp4")
    still = next(result.frames())
    assert still.pixels.dtype == np.uint16
    assert result.traits.pixel_format == "yuv420p10le"
    assert np.abs(still.pixels / 257 - scene(0)).mean() < 4


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("yuv422p", ("yuv422p", 9)),
        ("yuvj420p", ("yuv420p", 9)),
        ("gray", ("yuv420p", 1)),
        ("gbrp10le", ("yuv420p10le", 1)),
        ("yuva420p", ("yuv420p", 9)),
    ],
)
def test_every_pixel_format_becomes_one_that_shows_colours(
    source: str, result: tuple[str, int], tmp_path: Path
) -> None:
    traits = Reel(make(tmp_path / "in.mp4", Shape(colors=(9, 9, 14, 1)))).traits
    stored = replace(traits, pixel_format=source, deep="10" in source)
    encoding = encoding_for(tmp_path / "out.mp4", stored)
    assert (encoding.pixel_format, encoding.matrix) == result


def test_titles_and_languages_stay(tmp_path: Path) -> None:
    result = remade(make(tmp_path / "in.mp4", Shape(sound="aac")), tmp_path / "out.mp4")
    with av.open(str(result.path)) as film:
        assert film.metadata["title"] == "A walk"
        assert film.streams.audio[0].metadata["language"] == "deu"


def test_subtitles_and_unknown_data_are_copied_where_there_is_a_place_for_them(tmp_path: Path) -> None:
    source = tmp_path / "in.mkv"
    with av.open(str(make(tmp_path / "plain.mkv", Shape()))) as plain, av.open(str(source), "w") as film:
        pictures = plain.streams.video[0]
        streams = [film.add_stream_from_template(pictures, opaque=True), film.add_mux_stream("subrip")]
        film.set_chapters(
            [{"id": 1, "start": 0, "end": 100, "time_base": Fraction(1, 1000), "metadata": {"title": "A"}}]
        )
        for packet in plain.demux(pictures):
            if packet.size:
                packet.stream = streams[0]
                film.mux(packet)
        words = av.Packet(b"Mountains and water")
        words.stream, words.time_base, words.pts, words.dts, words.duration = streams[1], Fraction(1, 1000), 40, 40, 90
        film.mux(words)
    result = remade(source, tmp_path / "out.mkv")
    with av.open(str(result.path)) as film:
        assert [chapter["metadata"]["title"] for chapter in film.chapters()] == ["A"]
        (words,) = [packet for packet in film.demux(film.streams.subtitles[0]) if packet.size]
        assert (bytes(words), words.pts, words.duration) == (b"Mountains and water", 40, 90)
    told: list[str] = []
    reel = Reel(source)
    require_splice(tmp_path / "take", reel, encoding_for(tmp_path / "out.mp4", reel.traits), told.append)
    assert len(told) == 1 and "subtitle" in told[0]


def test_how_a_film_is_cut_into_takes_does_not_show_in_its_times(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Shape(times=UNEVEN))
    one, four = (remade(source, tmp_path / f"out{takes}.mp4", takes) for takes in (1, 4))
    assert times(one) == times(four)
    with av.open(str(four.path)) as film:
        keys = [packet.is_keyframe for packet in film.demux(video=0) if packet.size]
    assert keys == [True, False] * 4


def test_sound_that_a_container_cannot_hold_is_told_before_the_work(tmp_path: Path) -> None:
    reel = Reel(make(tmp_path / "in.mp4", Shape(sound="aac")))
    told: list[str] = []
    require_splice(tmp_path / "take", reel, encoding_for(tmp_path / "out.webm", reel.traits), told.append)
    require_splice(tmp_path / "take", reel, encoding_for(tmp_path / "out.mpg", reel.traits), told.append)
    require_splice(tmp_path / "take", reel, encoding_for(tmp_path / "out.mov", reel.traits), told.append)
    assert ["webm" in told[0], "mpeg" in told[1], len(told)] == [True, True, 2]
    assert all("audio" in message for message in told)


def test_an_odd_size_is_kept(tmp_path: Path) -> None:
    reel = Reel(make(tmp_path / "in.mp4", Shape()))
    odd = replace(reel.traits, height=47, width=63)
    encoding = encoding_for(tmp_path / "out.mp4", odd)
    stills = [Still(scene(number)[:47, :63], 25 * number, 25) for number in range(3)]
    write_take(tmp_path / "take.nut", stills, odd, encoding)
    assert next(Reel(tmp_path / "take.nut").frames()).pixels.shape == (47, 63, 3)


def test_a_film_cut_short_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    content = make(tmp_path / "in.ts", Shape(times=range(0, 1000, 25), looks_ahead=False)).read_bytes()
    (tmp_path / "short.ts").write_bytes(content[: len(content) // 2])
    assert 5 < sum(1 for _ in Reel(tmp_path / "short.ts").frames()) < 40


def test_frames_that_cannot_be_read_are_left_out_and_told(tmp_path: Path) -> None:
    path = make(tmp_path / "in.mp4", Shape(times=range(0, 500, 25), looks_ahead=False))
    with av.open(str(path)) as film:
        places = [(packet.pos, packet.size) for packet in film.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    for start, size in places[7:9]:
        content[start : start + size] = b"\xff" * size
    path.write_bytes(content)
    damages: list[None] = []
    frames = list(Reel(path).frames(lambda: damages.append(None)))
    assert len(damages) >= 2
    assert len(frames) + len(damages) == 20
    assert [frame.time for frame in frames[:7]] == [800 * number for number in range(7)]
    assert all(a.time < b.time for a, b in pairwise(frames))


@pytest.mark.parametrize("content", [b"", b"no film at all", b"\0" * 4000])
def test_what_is_no_film_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(content)
    with pytest.raises(ImageError, match=r"film\.mp4"):
        Reel(tmp_path / "film.mp4")


def test_a_film_cut_off_before_its_index_is_one_sentence(tmp_path: Path) -> None:
    content = make(tmp_path / "in.mp4", Shape()).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(content[: len(content) // 2])
    with pytest.raises(ImageError, match="intact copy"):
        Reel(tmp_path / "cut.mp4")


def test_sound_alone_is_no_film(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "sound.mp4"), "w") as film:
        stream = film.add_stream("aac", rate=48000)
        for piece in av.AudioResampler(format="fltp", layout="stereo", rate=48000, frame_size=1024).resample(sine()):
            film.mux(stream.encode(piece))
        film.mux(stream.encode(None))
    with pytest.raises(ImageError, match="no pictures"):
        Reel(tmp_path / "sound.mp4")


def test_endings_tell_films_and_containers(tmp_path: Path) -> None:
    assert is_film(Path("a/CLIP.MP4")) and is_film(Path("b.webm"))
    assert not is_film(Path("photo.jpg")) and not is_film(Path("folder"))
    reel = Reel(make(tmp_path / "in.mp4", Shape()))
    with pytest.raises(ConfigError, match=r"\.mkv"):
        encoding_for(tmp_path / "out.jpg", reel.traits)
