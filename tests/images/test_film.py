"""Films: as many frames as were given, at the rate asked for, with their colours, whole or not at all."""

import builtins
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shanshui.errors import ConfigError, ImageError, NonFiniteError
from shanshui.images import video
from shanshui.images.film import write_film
from shanshui.images.video import Frame, exact_rate

av = pytest.importorskip("av", reason="films as .mp4 need the extra `video`")

COLORS = ((200, 40, 30), (30, 160, 60), (40, 60, 190), (230, 220, 200))


def frames(count: int, height: int = 32, width: int = 48) -> Iterator[Frame]:
    """Frames of one colour each, in turn."""
    for number in range(count):
        yield np.full((height, width, 3), COLORS[number % len(COLORS)], dtype=np.uint8)


def decoded(path: Path) -> tuple[list[Any], Any]:
    with av.open(path) as container:
        stream = container.streams.video[0]
        return list(container.decode(stream)), stream.average_rate


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_video_has_every_frame_in_order_at_the_rate_asked_for(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"film{suffix}"
    assert write_film(path, frames(9), rate=12) == 9
    shown, rate = decoded(path)
    assert rate == 12 and len(shown) == 9
    assert [round(frame.time * 12, 1) for frame in shown] == list(range(9))
    for frame, color in zip(shown, COLORS * 3, strict=False):
        pixels = frame.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray()
        assert np.abs(pixels.astype(int) - color).max() <= 6


def test_a_video_says_which_colours_it_means(tmp_path: Path) -> None:
    write_film(tmp_path / "film.mp4", frames(2), rate=24)
    (frame, _), _ = decoded(tmp_path / "film.mp4")
    assert frame.format.name == "yuv420p" and frame.colorspace == 1 and frame.color_range == 1  # BT.709, limited


@pytest.mark.parametrize(
    ("rate", "kept"), [(23.976, Fraction(2997, 125)), (Fraction(30000, 1001), Fraction(30000, 1001))]
)
def test_broken_rates_are_kept(rate: float | Fraction, kept: Fraction, tmp_path: Path) -> None:
    assert exact_rate(rate) == kept
    write_film(tmp_path / "film.mp4", frames(6), rate=rate)
    assert decoded(tmp_path / "film.mp4")[1] == kept


def test_odd_sides_grow_by_one(tmp_path: Path) -> None:
    write_film(tmp_path / "film.mp4", frames(2, height=31, width=47), rate=24)
    shown, _ = decoded(tmp_path / "film.mp4")
    assert (shown[0].width, shown[0].height) == (48, 32)


def test_without_h264_there_is_mpeg4(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "_CODECS", video._CODECS[1:])
    write_film(tmp_path / "film.mp4", frames(5), rate=24)
    shown, rate = decoded(tmp_path / "film.mp4")
    assert len(shown) == 5 and rate == 24


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_an_animated_picture_lasts_as_long_as_the_film(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"film{suffix}"
    assert write_film(path, frames(24), rate=24) == 24
    with Image.open(path) as picture:
        assert picture.n_frames == 24 and picture.info["loop"] == 0  # type: ignore[attr-defined]
        durations = []
        for number in range(24):
            picture.seek(number)
            picture.load()
            durations.append(picture.info["duration"])
    assert sum(durations) == 1000 and max(durations) - min(durations) <= 10


def test_a_folder_takes_the_frames_as_they_are(tmp_path: Path) -> None:
    assert write_film(tmp_path / "film", frames(3), rate=24) == 3
    files = sorted((tmp_path / "film").iterdir())
    assert [file.name for file in files] == ["frame-00000.png", "frame-00001.png", "frame-00002.png"]
    assert np.array_equal(np.asarray(Image.open(files[1])), list(frames(2))[1])
    with pytest.raises(ConfigError, match="another folder"):
        write_film(tmp_path / "film", frames(2), rate=24)


def broken() -> Iterator[Frame]:
    yield from frames(2)
    raise NonFiniteError("A scene went wrong.")


@pytest.mark.parametrize("name", ["film.mp4", "film.gif"])
def test_a_film_that_fails_leaves_nothing(name: str, tmp_path: Path) -> None:
    with pytest.raises(NonFiniteError):
        write_film(tmp_path / name, broken(), rate=24)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["film.mp4", "film.webp", "film"])
def test_no_frames_and_frames_of_two_sizes_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="at least one frame"):
        write_film(tmp_path / name, iter(()), rate=24)
    if name != "film":
        with pytest.raises(ImageError, match="one size"):
            write_film(tmp_path / name, [*frames(1), *frames(1, height=64)], rate=24)


@pytest.mark.parametrize(("name", "rate"), [("film.avi", 24), ("film.mp4", 0), ("film.gif", float("nan"))])
def test_unknown_endings_and_rates_are_refused(name: str, rate: float, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        write_film(tmp_path / name, frames(2), rate=rate)


def test_without_pyav_the_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without_av(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "av":
            raise ModuleNotFoundError("No module named 'av'")
        return original(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_av)
    with pytest.raises(ConfigError, match=r"shanshui\[video\]"):
        write_film(tmp_path / "film.mp4", frames(2), rate=24)
    assert write_film(tmp_path / "film.gif", frames(2), rate=24) == 2
