"""Flicker of painted films beside that of frames painted one by one, and what is kept, in one run.

    python benchmarks/film.py --data /data/photos-open-640.zip/heldout --out runs/film

Makes a ten-second pan over a still, with grain and sound, and a clip of three shots. Each is painted as a film and, for
comparison, frame by frame; the flicker E_warp is measured twice: with the motion that the camera is known to have made,
in which the painter had no say, and with the motion that is looked for. It is read off what the players show: the
decoded files. Then the pan is painted once more and killed half way, and finished: the file must be the same, and the
packets of sound must be those of the clip.
"""

import argparse
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from shanshui.events import Event, Progress
from shanshui.images.files import read_picture
from shanshui.images.footage.reel import Reel
from shanshui.images.motion import Motion, motion_between, warping_error
from shanshui.images.pixels import Pixels
from shanshui.images.resize import resize
from shanshui.pipelines.films.film import FilmStylizer, Steadiness
from shanshui.pipelines.stylize import Stylizer
from shanshui.scenes.sources import open_source

GRAIN = 2.0  # deviation of the noise of a camera, in levels of 256
ALONE = Steadiness(memory=0.0, samples=0)


def main() -> None:
    """Print one line of JSON per clip and style, and one about sound and interruption."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="photos at least as large as the films")
    parser.add_argument("--out", type=Path, required=True, help="folder for the films")
    parser.add_argument("--model", default="painter")
    parser.add_argument("--styles", nargs="+", default=["monet", "starry-night"])
    parser.add_argument("--size", type=int, nargs=2, default=[384, 216], metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--fps", type=int, default=12)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--step", type=int, default=2, help="pixels that the camera moves for each frame")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    stylizer = Stylizer.from_pretrained(options.model)
    count = options.fps * options.seconds
    shots = {"pan": [count], "cuts": [count // 5] * 3}
    stills = _stills(options.data, options.size, reach=options.step * count, count=3)
    for name, lengths in shots.items():
        clip = options.out / f"{name}.mp4"
        frames = [
            frame for still, length in zip(stills, lengths, strict=False) for frame in _pan(still, length, options)
        ]
        _write(clip, frames, options.fps)
        for style in options.styles:
            print(json.dumps({"clip": name, "style": style} | _compared(clip, stylizer, style, lengths, options)))
    print(json.dumps(_interrupted(options.out / "pan.mp4", options)), flush=True)


def _compared(
    clip: Path, stylizer: Stylizer, style: str, lengths: Sequence[int], options: argparse.Namespace
) -> dict[str, float]:
    figures: dict[str, float] = {}
    for way, steadiness in (("film", Steadiness()), ("frames", ALONE)):
        out = clip.with_name(f"{clip.stem}-{style}-{way}.mp4")
        start = time.perf_counter()
        done = FilmStylizer(stylizer, steadiness=steadiness)(clip, style, out=out)
        figures[f"{way}_s_per_frame"] = round((time.perf_counter() - start) / done.frames, 3)
        figures[f"{way}_shots"] = done.shots
        known, looked_for = _flicker(out, clip, lengths, options.step)
        figures |= {f"{way}_known_motion": known, f"{way}_found_motion": looked_for}
    figures["source_known_motion"] = _flicker(clip, clip, lengths, options.step)[0]
    for motion in ("known", "found"):
        ratio = figures[f"film_{motion}_motion"] / figures[f"frames_{motion}_motion"]
        figures[f"ratio_{motion}_motion"] = round(ratio, 3)
    return figures


def _flicker(film: Path, clip: Path, lengths: Sequence[int], step: int) -> tuple[float, float]:
    """E_warp of a film with the known motion of the clip that it was made from, and with the motion found in that."""
    shown, seen = ([still.pixels for still in Reel(path).frames()] for path in (film, clip))
    begins = set(np.cumsum([0, *lengths]).tolist())
    pairs = [number for number in range(1, len(shown)) if number not in begins]
    known = np.mean([warping_error(shown[n], shown[n - 1], _known(shown[n], step)) for n in pairs])
    found = np.mean([warping_error(shown[n], shown[n - 1], motion_between(seen[n - 1], seen[n])) for n in pairs])
    return float(f"{known:.3e}"), float(f"{found:.3e}")


def _known(frame: Pixels, step: int) -> Motion:
    height, width = frame.shape[:2]
    back = np.zeros((height, width, 2), np.float32)
    back[..., 0] = step
    seen = np.ones((height, width), np.float32)
    seen[:, width - step :] = 0
    return Motion(back, seen)


def _interrupted(clip: Path, options: argparse.Namespace) -> dict[str, bool]:
    whole = clip.with_name(f"{clip.stem}-{options.styles[0]}-film.mp4")
    out = clip.with_name("interrupted.mp4")
    half = options.fps * options.seconds // 2
    painting = multiprocessing.get_context("spawn").Process(
        target=_paint_and_die, args=(clip, out, options.model, options.styles[0], half)
    )
    painting.start()
    painting.join()
    FilmStylizer(Stylizer.from_pretrained(options.model))(clip, options.styles[0], out=out)
    return {
        "was_killed": painting.exitcode == -signal.SIGKILL,
        "same_file": out.read_bytes() == whole.read_bytes(),
        "same_sound": _sound(out) == _sound(clip),
    }


def _paint_and_die(clip: Path, out: Path, model: str, style: str, frame: int) -> None:
    def die(event: Event) -> None:
        if isinstance(event, Progress) and event.done == frame:
            os.kill(os.getpid(), signal.SIGKILL)

    FilmStylizer(Stylizer.from_pretrained(model))(clip, style, out=out, emit=die)


def _stills(data: Path, size: Sequence[int], *, reach: int, count: int) -> list[Pixels]:
    """Photos, resized so that a camera of `size` can move over them by `reach` pixels."""
    source = open_source(data)
    width, height = size
    stills: list[Pixels] = []
    for name in source.names:
        photo = read_picture(source.read(name), name=name).pixels
        scale = max((width + reach) / photo.shape[1], height / photo.shape[0])
        if scale <= 1:
            stills.append(resize(photo, round(photo.shape[0] * scale), round(photo.shape[1] * scale)))
        if len(stills) == count:
            return stills
    raise SystemExit(f"{data} has too few photos that are wide enough for {width} + {reach} pixels.")


def _pan(still: Pixels, count: int, options: argparse.Namespace) -> list[NDArray[np.uint8]]:
    width, height = options.size
    top = (still.shape[0] - height) // 2
    random = np.random.default_rng(0)
    windows = (still[top : top + height, n * options.step : n * options.step + width] for n in range(count))
    return [np.clip(each + random.normal(0, GRAIN, each.shape), 0, 255).round().astype(np.uint8) for each in windows]


def _write(path: Path, frames: Sequence[NDArray[np.uint8]], fps: int) -> None:
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=fps, options={"crf": "12"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        voice = film.add_stream("aac", rate=48000)
        for pixels in frames:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        film.mux(stream.encode(None))
        wave = (8000 * np.sin(np.arange(48000 * len(frames) // fps) / 9)).astype(np.int16)[None]
        whole = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
        whole.sample_rate, whole.pts, whole.time_base = 48000, 0, Fraction(1, 48000)
        for piece in av.AudioResampler(format="fltp", layout="stereo", rate=48000, frame_size=1024).resample(whole):
            film.mux(voice.encode(piece))
        film.mux(voice.encode(None))


def _sound(path: Path) -> list[tuple[bytes, int | None, int | None]]:
    with av.open(str(path)) as film:
        return [(bytes(packet), packet.pts, packet.duration) for packet in film.demux(audio=0) if packet.size]


if __name__ == "__main__":
    main()
