"""`shanshui stylize` with films: one command for both, figures that are told, outputs that cannot be mistaken."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from shanshui.cli import main
from shanshui.commands.films import plan_films
from shanshui.errors import ConfigError

av = pytest.importorskip("av", reason="films need the extra `video`")
pytest.importorskip("cv2", reason="films need the extra `video`")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Six frames of 64 x 48 pixels, moving."""
    path = tmp_path / "clip.mp4"
    rows, columns = np.mgrid[:48, :64].astype(np.float32)
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=12, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(6):
            wave = np.sin((columns - 2 * number) / 6) + np.sin(rows / 5)
            pixels = np.repeat(np.rint(127 + 60 * wave).astype(np.uint8)[..., None], 3, axis=2)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 12)
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    return path


def frames(path: Path) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]


def test_a_film_is_painted_and_its_flicker_told(
    clip: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(clip.parent)
    assert main(["stylize", "clip.mp4", "--style", "ink", "--no-credentials", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["files"] == ["clip-ink.mp4"]
    (film,) = told["films"]
    assert film["frames"] == 6 and film["shots"] == 1 and film["damaged"] == 0
    assert 0 < film["e_warp"] < 1
    painted = frames(clip.parent / "clip-ink.mp4")
    assert len(painted) == 6 and painted[0].shape == (48, 64, 3)
    assert np.abs(painted[0] - frames(clip)[0].astype(float)).mean() > 5
    assert main(["stylize", "clip.mp4", "--style", "ink", "--no-credentials", "--out", "again.mp4"]) == 0
    assert "flicker" in capfd.readouterr().out
    assert (clip.parent / "again.mp4").read_bytes() == (clip.parent / "clip-ink.mp4").read_bytes()


def test_the_controls_of_photos_hold(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "same.mkv"
    assert main(["stylize", str(clip), "--style", "ink", "--strength", "0", "--out", str(out)]) == 0
    for painted, source in zip(frames(out), frames(clip), strict=True):
        assert np.abs(painted - source.astype(float)).mean() < 3


def test_several_films_go_on_after_one_that_cannot_be_read(
    clip: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no film")
    films = [str(tmp_path / "broken.mp4"), str(clip)]
    assert main(["stylize", *films, "--style", "ink", "--out", str(tmp_path / "out")]) == 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["clip-ink.mp4"]
    assert "1 of 2 films" in capfd.readouterr().err


def test_photos_and_sheets_are_another_call(clip: Path, photo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for arguments in ([str(clip), str(photo), "--style", "ink"], [str(clip), "--contact-sheet"]):
        assert main(["stylize", *arguments]) == 2
        assert "another call" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("films", "out"),
    [(["a.mp4", "b.mp4"], "c.mp4"), (["a.mp4"], "a.png"), (["a.mp4"], "a.mp4"), (["x/a.mp4", "y/a.mp4"], None)],
)
def test_outputs_that_cannot_work_are_refused(films: list[str], out: str | None) -> None:
    with pytest.raises(ConfigError):
        plan_films([Path(film) for film in films], "ink", None if out is None else Path(out))


def test_results_have_the_ending_of_the_film_or_of_out() -> None:
    assert plan_films([Path("a.webm")], "ink", None) == [Path("a-ink.webm")]
    assert plan_films([Path("a.webm")], "ink", Path("b.mkv")) == [Path("b.mkv")]
    assert plan_films([Path("a.webm"), Path("c.MOV")], "ink", Path("d")) == [Path("d/a-ink.webm"), Path("d/c-ink.MOV")]
