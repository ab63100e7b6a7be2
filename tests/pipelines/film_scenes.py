"""Small films for tests, and a stylizer for them; also a program that is killed while it paints one."""

import os
import signal
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_sample_image

from shanshui.events import Event, Progress
from shanshui.images.resize import resize
from shanshui.networks.stylizers.feedforward import FeedForwardConfig, FeedForwardStylizer
from shanshui.pipelines.films.film import FilmStylizer, Steadiness
from shanshui.pipelines.painters import NamedPainter
from shanshui.pipelines.stylize import Stylizer

HEIGHT, WIDTH = 64, 96
TAKE = 4


def stylizer() -> Stylizer:
    """Two styles, not trained."""
    torch.manual_seed(0)
    network = FeedForwardStylizer(
        FeedForwardConfig(styles=("calm", "wild"), width=8, blocks=1, deep_width=8, deep_blocks=1)
    )
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith(("gamma", "beta")):
                parameter.add_(0.1 * torch.randn_like(parameter))
    return Stylizer(NamedPainter(network))


def film_stylizer(steadiness: Steadiness | None = None) -> FilmStylizer:
    """Keeps every four frames."""
    return FilmStylizer(stylizer(), steadiness=steadiness, take=TAKE)


def pan(name: str, count: int, *, step: int = 2, grain: float = 3.0) -> list[NDArray[np.uint8]]:
    """A camera that moves to the right over a photograph."""
    photo = resize(load_sample_image(f"{name}.jpg"), 120, 180)
    random = np.random.default_rng(0)
    windows = (photo[30 : 30 + HEIGHT, step * n : step * n + WIDTH] for n in range(count))
    return [np.clip(w + random.normal(0, grain, w.shape), 0, 255).astype(np.uint8) for w in windows]


def write_clip(path: Path, frames: list[NDArray[np.uint8]], *, sound: bool = False) -> Path:
    """A film of 24 frames a second."""
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=24, options={"crf": "6", "bf": "0"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 24)
        voice = film.add_stream("aac", rate=48000) if sound else None
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 24)
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
        if voice is not None:
            wave = (8000 * np.sin(np.arange(20480) / 9)).astype(np.int16)[None]
            whole = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
            whole.sample_rate, whole.pts, whole.time_base = 48000, 0, Fraction(1, 48000)
            resampler = av.AudioResampler(format="fltp", layout="stereo", rate=48000, frame_size=1024)
            for piece in resampler.resample(whole):
                film.mux(voice.encode(piece))
            film.mux(voice.encode(None))
    return path


def killed_at(source: Path, out: Path, frame: int) -> None:
    """Paint, and be killed when so many frames are done."""

    def kill(event: Event) -> None:
        if isinstance(event, Progress) and event.done == frame:
            os.kill(os.getpid(), signal.SIGKILL)

    torch.set_num_threads(1)
    film_stylizer()(source, "wild", out=out, emit=kill)


if __name__ == "__main__":
    killed_at(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
