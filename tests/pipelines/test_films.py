"""Films painted: steady, cut by cut, with every control of photos, and finished after any interruption."""

import importlib.util
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from shanshui.errors import ConfigError, ImageError
from shanshui.events import Event, Finished, Progress, Started, Warned
from shanshui.images.footage.reel import Reel
from shanshui.images.picture import Picture
from shanshui.networks.stylizers.arbitrary import ArbitraryConfig, ArbitraryStylizer
from shanshui.pipelines.films import film as film_module
from shanshui.pipelines.films.film import Steadiness
from shanshui.pipelines.films.plan import Shot, parts_of, plan, samples
from shanshui.pipelines.films.steady import SteadyHand
from shanshui.pipelines.painters import ExamplePainter
from shanshui.pipelines.stylize import Stylizer
from shanshui.pipelines.treatment import Region, Treatment

av = pytest.importorskip("av", reason="films need the extra `video`")
pytest.importorskip("cv2", reason="films need the extra `video`")

PROGRAM = Path(__file__).with_name("film_scenes.py")


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("film_scenes", PROGRAM)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


made = _load()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shots of 9 and 5 frames, with sound."""
    frames = [*made.pan("china", 9), *made.pan("flower", 5)]
    path: Path = made.write_clip(tmp_path_factory.mktemp("film") / "clip.mp4", frames, sound=True)
    return path


@pytest.fixture(scope="module")
def whole(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The clip painted without interruption."""
    out = tmp_path_factory.mktemp("whole") / "out.mp4"
    made.film_stylizer()(clip, "wild", out=out)
    return out.read_bytes()


def flicker(memory: float, frames: list[NDArray[np.uint8]], samples: int = 0) -> float:
    stylizer = made.stylizer()
    if samples:
        stylizer = stylizer.settled([Picture(frame) for frame in frames[::3]], "wild", Treatment())
    hand = SteadyHand(stylizer, "wild", Treatment(), memory=memory)
    for frame in frames:
        hand.paint(frame)
    return hand.flicker.means()[0]


def test_a_pan_flickers_less_than_half_as_much_as_frames_painted_one_by_one() -> None:
    frames = made.pan("china", 10)
    assert flicker(0.6, frames, samples=4) < 0.3 * flicker(0.0, frames)


def test_what_stands_still_stays_as_it_was_painted() -> None:
    frame = made.pan("china", 1)[0]
    hand = SteadyHand(made.stylizer(), "wild", Treatment(), memory=0.6)
    first = hand.paint(frame)
    for _ in range(3):
        np.testing.assert_allclose(hand.paint(frame), first, atol=1)
    assert hand.flicker.means()[0] < 1e-6


def test_memory_0_paints_each_frame_as_a_photo() -> None:
    frames, stylizer = made.pan("china", 3), made.stylizer()
    hand = SteadyHand(stylizer, "wild", Treatment(), memory=0.0)
    for frame in frames:
        np.testing.assert_allclose(hand.paint(frame), np.asarray(stylizer(frame, "wild")), atol=1)


def test_a_new_shot_knows_nothing_of_the_one_before(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mkv"
    result = made.film_stylizer()(clip, "wild", out=out)
    assert (result.shots, result.frames) == (2, 14)
    frames = [still.pixels for still in Reel(clip).frames()]
    chosen = [Picture(frames[9 + number]) for number in (0, 1, 3, 4)]
    calm = made.stylizer().settled(chosen, "wild", Treatment())
    first_of_second = calm.paint(frames[9], "wild").pixels.astype(float)
    shown = [still.pixels for still in Reel(out).frames()]
    assert np.abs(shown[9] - first_of_second).mean() < 0.5 * np.abs(shown[8] - first_of_second).mean()
    assert np.abs(shown[9] - first_of_second).mean() < 6  # what encoding changes


def test_strength_0_and_masks_leave_the_film_as_it_is() -> None:
    frames, stylizer = made.pan("china", 4), made.stylizer()
    left = np.zeros((made.HEIGHT, made.WIDTH), np.float32)
    left[:, :40] = 1
    for treatment, kept in ((Treatment(strength=0), slice(None)), (Treatment(mask=left), slice(40, None))):
        hand = SteadyHand(stylizer, "wild", treatment, memory=0.6)
        for frame in frames:
            np.testing.assert_array_equal(hand.paint(frame)[:, kept], frame[:, kept])


def test_regions_and_colours_hold_for_films() -> None:
    frames, stylizer = made.pan("china", 4), made.stylizer()
    left = np.zeros((made.HEIGHT, made.WIDTH), np.float32)
    left[:, :40] = 1
    both = SteadyHand(stylizer, "wild", Treatment(regions=(Region(where=left, style="calm"),)), memory=0.6)
    calm, wild = (SteadyHand(stylizer, style, Treatment(), memory=0.6) for style in ("calm", "wild"))
    for frame in frames:
        shown = both.paint(frame)
        np.testing.assert_array_equal(shown[:, :40], calm.paint(frame)[:, :40])
        np.testing.assert_array_equal(shown[:, 40:], wild.paint(frame)[:, 40:])
    kept = SteadyHand(stylizer, "wild", Treatment(colors="luminance"), memory=0.6)
    grey = [np.repeat(frame.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8) for frame in frames]
    assert max(np.ptp(kept.paint(frame).astype(int), axis=2).max() for frame in grey) <= 3


def test_zones_move_with_the_film() -> None:
    treatment = Treatment(regions=(Region(where="sky", style="calm"),))
    frames = made.pan("china", 3)
    loose, steady = (SteadyHand(made.stylizer(), "wild", treatment, memory=memory) for memory in (0.0, 0.6))
    changes: dict[SteadyHand, float] = {loose: 0.0, steady: 0.0}
    for hand in changes:
        for frame in frames:
            before = hand.moment
            hand.paint(frame)
            if before is not None and hand.moment is not None:
                old, new = before.masks[1], hand.moment.masks[1]
                assert old is not None and new is not None
                assert 0 <= new.min() <= new.max() <= 1
                changes[hand] += float(np.abs(new[:, :-4] - old[:, 2:-2]).mean())  # the camera moves by 2 pixels
    assert changes[steady] < changes[loose]


def test_sixteen_bits_are_painted_in_sixteen_bits() -> None:
    deep = [frame.astype(np.uint16) * 257 for frame in made.pan("china", 3)]
    hand = SteadyHand(made.stylizer(), "wild", Treatment(), memory=0.6)
    shown = [hand.paint(frame) for frame in deep]
    assert all(each.dtype == np.uint16 and (each % 257 != 0).any() for each in shown)


@pytest.mark.parametrize("frame", [2, 6, 11])
def test_a_film_whose_painting_was_killed_is_the_same_file(
    clip: Path, whole: bytes, frame: int, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    killed = subprocess.run([sys.executable, PROGRAM, clip, out, str(frame)], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert not out.exists()
    heard: list[Event] = []
    made.film_stylizer()(clip, "wild", out=out, emit=heard.append)
    assert out.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [out]
    first = next(event.done for event in heard if isinstance(event, Progress))
    assert first == {2: 1, 6: 5, 11: 10}[frame]  # takes of 4 frames, and one at the end of each shot


def test_a_film_whose_joining_was_stopped_is_the_same_file(
    clip: Path, whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(film_module, "splice", stopped)
        made.film_stylizer()(clip, "wild", out=tmp_path / "out.mp4")
    heard: list[Event] = []
    made.film_stylizer()(clip, "wild", out=tmp_path / "out.mp4", emit=heard.append)
    assert (tmp_path / "out.mp4").read_bytes() == whole
    assert not [event for event in heard if isinstance(event, Progress)]


def test_what_was_begun_in_another_style_is_not_gone_on_with(clip: Path, whole: bytes, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"

    class StopError(Exception):
        pass

    def stop(event: Event) -> None:
        if isinstance(event, Progress) and event.done == 6:
            raise StopError

    for treatment in (Treatment(), Treatment(stroke_scale=1.5)):
        with pytest.raises(StopError):
            made.film_stylizer()(clip, "calm", treatment, out=out, emit=stop)
    made.film_stylizer()(clip, "wild", out=out)
    assert out.read_bytes() == whole


def test_sound_and_length_stay_and_the_events_tell(clip: Path, tmp_path: Path) -> None:
    heard: list[Event] = []
    out = tmp_path / "out.mov"
    result = made.film_stylizer()(clip, "wild", out=out, emit=heard.append)

    def packets(path: Path) -> list[bytes]:
        with av.open(str(path)) as film:
            return [bytes(packet) for packet in film.demux(audio=0) if packet.size]

    assert packets(out) == packets(clip)
    assert heard[0] == Started(task="film", total=14)
    assert [event.done for event in heard if isinstance(event, Progress)] == list(range(1, 15))
    assert heard[-1] == Finished(task="film", done=14, reason="complete")
    assert result.flicker > 0 < result.source_flicker


def test_damage_is_told_and_the_rest_painted(tmp_path: Path) -> None:
    path = made.write_clip(tmp_path / "clip.mp4", made.pan("china", 12, step=1))
    with av.open(str(path)) as film:
        places = [(packet.pos, packet.size) for packet in film.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    start, size = places[6]
    content[start : start + size] = b"\xff" * size
    path.write_bytes(content)
    heard: list[Event] = []
    result = made.film_stylizer()(path, "wild", out=tmp_path / "out.mp4", emit=heard.append)
    assert result.damaged > 0
    assert result.frames + result.damaged == 12
    assert any(isinstance(event, Warned) and "damaged" in event.message for event in heard)


def test_a_plan_has_every_frame_in_one_shot_and_one_part(clip: Path) -> None:
    found = plan(Reel(clip))
    assert found.shots == (Shot(0, 9), Shot(9, 14))
    assert (found.frames, found.damaged) == (14, 0)
    parts = parts_of(found.shots, 4)
    assert [part for part, _ in parts] == [Shot(0, 4), Shot(4, 8), Shot(8, 9), Shot(9, 13), Shot(13, 14)]
    assert [shot for _, shot in parts] == [found.shots[0]] * 3 + [found.shots[1]] * 2


def test_samples_are_spread_over_each_shot(clip: Path) -> None:
    frames = [still.pixels for still in Reel(clip).frames()]
    shots = (Shot(0, 9), Shot(9, 11), Shot(11, 14))
    chosen = list(samples(Reel(clip), shots, 3))
    expected = [[1, 4, 7], [9, 10], [11, 12, 13]]
    for pictures, numbers in zip(chosen, expected, strict=True):
        assert len(pictures) == len(numbers)
        for picture, number in zip(pictures, numbers, strict=True):
            np.testing.assert_array_equal(picture.pixels, frames[number])


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda clip, out: made.film_stylizer()(clip, "cubism", out=out / "a.mp4"), ConfigError),
        (lambda clip, out: made.film_stylizer()(clip, "wild", out=out / "a.jpg"), ConfigError),
        (lambda clip, out: made.film_stylizer()(out / "none.mp4", "wild", out=out / "a.mp4"), ImageError),
        (lambda clip, out: made.film_stylizer()(clip, "wild", out=clip), ConfigError),
        (lambda clip, out: replace(Steadiness(), memory=1.0), ConfigError),
    ],
)
def test_what_cannot_work_is_one_sentence_and_leaves_nothing(
    clip: Path, tmp_path: Path, call: Callable[[Path, Path], object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        call(clip, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_painter_after_paintings_settles_as_well() -> None:
    torch.manual_seed(0)
    config = ArbitraryConfig(
        width=8, blocks=1, deep_width=8, deep_blocks=1, encoder_width=8, encoder_deep_width=8, encoder_blocks=1, code=4
    )
    stylizer = Stylizer(ExamplePainter(ArbitraryStylizer(config)))
    painting = made.pan("flower", 1)[0]
    dark, light = made.pan("china", 1, grain=0)[0], made.pan("china", 1, grain=0)[0]
    light[:, :16] = 255  # something white comes into the picture at the left
    treatment = Treatment(flat_skies=False)
    calm = stylizer.settled([Picture(dark)], painting, treatment)

    def change(of: Stylizer) -> float:
        before, after = (of.paint(photo, painting, treatment).pixels[:, 80:].astype(float) for photo in (dark, light))
        return float(np.abs(after - before).mean())

    assert change(calm) < 0.5 * change(stylizer)
