"""Photos and films that are being painted when the process is killed: the same command again, and all is there."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.faults.conftest import Child, kill_until_done

from shanshui.checkpoints import zoo
from shanshui.cli import main
from shanshui.images.files import read_picture

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(autouse=True)
def tiny(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small painters."""
    monkeypatch.setattr(zoo, "ZOO", tiny_models)


def photos(folder: Path) -> list[str]:
    """What is typed to paint some photos."""
    (folder / "photos").mkdir()
    for seed in range(12):
        pixels = np.random.default_rng(seed).integers(0, 256, (160, 120, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{seed}.png")
    return ["stylize", str(folder / "photos"), "--style", "ink", "--skip-existing", "--device", "cpu", "--out"]


def film(folder: Path) -> list[str]:
    """What is typed to paint a film of two shots."""
    av = pytest.importorskip("av", reason="films need the extra `video`")
    pytest.importorskip("cv2", reason="films need the extra `video`")
    rows, columns = np.mgrid[:48, :64].astype(np.float32)
    with av.open(str(folder / "clip.mp4"), "w") as made:
        stream = made.add_stream("libx264", rate=12, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(24):
            wave = np.sin((columns - 2 * number) / 6) + np.sin(rows / 5)
            grey = np.rint(127 + (60 if number < 12 else -100) * wave.clip(-1, 1)).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(np.repeat(grey[..., None], 3, axis=2), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 12)
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    return ["stylize", str(folder / "clip.mp4"), "--style", "ink", "--device", "cpu", "--out"]


def pictures(folder: Path) -> Mapping[str, bytes]:
    """What there is to see: files also say when they were made."""
    made = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return {path.name: b"".join(frames(path)) for path in made}


def frames(path: Path) -> Iterator[bytes]:
    if path.suffix == ".png":
        yield read_picture(path).pixels.tobytes()
        return
    import av

    with av.open(str(path)) as film:
        yield from (frame.to_ndarray(format="rgb24").tobytes() for frame in film.decode(video=0))


def kill_again_and_again(command: list[str], folder: Path, moments: int) -> None:
    def begin(out: str) -> Child:
        (folder / out).mkdir(exist_ok=True)
        return Child(lambda: main([*command, str(folder / out)]), folder / "log")

    whole = begin("whole")
    assert whole.wait() == 0, whole.said
    kills, seconds = 0, 1.0
    while kills < moments:
        more, seconds = kill_until_done(lambda: begin("killed"), seconds)
        kills += more
        assert pictures(folder / "killed") == pictures(folder / "whole")
        shutil.rmtree(folder / "killed")


def test_a_batch_killed_at_random_moments(tmp_path: Path) -> None:
    kill_again_and_again(photos(tmp_path), tmp_path, 2)


@pytest.mark.faults
@pytest.mark.parametrize("work", [photos, film])
def test_killed_at_twenty_random_moments(work: Callable[[Path], list[str]], tmp_path: Path) -> None:
    kill_again_and_again(work(tmp_path), tmp_path, 20)
