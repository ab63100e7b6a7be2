"""`shanshui interpolate`, `mix` and `project` on the way that they are meant to be used, and on others."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from shanshui.checkpoints.weights import save_snapshot
from shanshui.cli import main
from shanshui.images.files import read_picture
from shanshui.networks.encoders.lpips import PerceptualVGG19
from shanshui.networks.generators.stylegan2 import StyleGAN2, StyleGAN2Config


@pytest.fixture
def style_based(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "model.safetensors"
    config = StyleGAN2Config(doublings=2, latent=8, width=4, widest=8, style=8, mapping_layers=2)
    save_snapshot(path, StyleGAN2(config), {"licence": "none", "images_seen": 0})
    return path


@pytest.fixture
def light_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pixels instead of VGG-19, which takes a second to load."""

    def measure(reference: Tensor) -> object:
        return lambda images: (images - reference).abs().mean((1, 2, 3))

    monkeypatch.setattr(PerceptualVGG19, "__init__", lambda self: torch.nn.Module.__init__(self))
    monkeypatch.setattr(PerceptualVGG19, "measure", lambda self, reference: measure(reference))


def test_a_loop_becomes_a_film_and_a_sheet(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out, sheet = tmp_path / "film.gif", tmp_path / "sheet.png"
    flags = ["--seeds", "1,5:2,9", "--loop", "--steady", "--seconds", "0.5", "--fps", "20", "--enlarge", "2"]
    assert main(["interpolate", *flags, "--out", str(out), "--sheet", str(sheet), "--json"]) == 0
    result = json.loads(capfd.readouterr().out)
    assert (result["frames"], result["rate"], result["files"]) == (10, "20", [str(out), str(sheet)])
    with Image.open(out) as film:
        assert film.size == (64, 64) and film.n_frames == 10  # type: ignore[attr-defined]
    assert read_picture(sheet).pixels.shape == (64, 256, 3)  # 8 frames of 32 px, then 2


def test_a_folder_holds_the_frames(tmp_path: Path) -> None:
    assert main(["interpolate", "--seeds", "1,5", "--seconds", "1", "--fps", "5", "--out", str(tmp_path / "film")]) == 0
    assert len(list((tmp_path / "film").glob("frame-*.png"))) == 5
    assert main(["generate", "--seed", "5", "--out", str(tmp_path)]) == 0
    last, scene = (read_picture(tmp_path / name).pixels for name in ("film/frame-00004.png", "scene-5-0000.png"))
    assert np.abs(last.astype(int) - scene.astype(int)).max() <= 1


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--seeds", "1"], "at least 2"),
        (["--seeds", "1,2", "--loop"], "at least 3"),
        (["--seeds", "1,x"], "names no scene"),
        (["--seeds", "1,2", "--seconds", "0.01"], "fewer than 2 frames"),
        (["--seeds", "1,2", "--fps", "fast"], "no rate"),
        (["--seeds", "1,2", "--fps", "1/0"], "no rate"),
        (["--seeds", "1,2", "--enlarge", "0"], "--enlarge"),
        (["--seeds", "1,2", "--sheet", "sheet.doc"], "--sheet"),
        (["--seeds", "1,2", "--truncation", "2"], "truncation"),
        (["--seeds", "1,2", "--model", "painter"], "not a scene generator"),
    ],
)
def test_impossible_films_are_refused(
    flags: list[str], words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["interpolate", *flags, "--out", str(tmp_path / "film.gif")]) == 2
    assert words in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_mixtures_stand_between_their_sources(style_based: Path, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    assert main(["mix", "--model", str(style_based), "--coarse", "1,2", "--fine", "3,4,5", "--out", str(out)]) == 0
    sheet = read_picture(out).pixels
    assert sheet.shape == (3 * 16, 4 * 16, 3)
    assert not sheet[:16, :16].any()  # the corner
    flags = ["--layer", "6", "--coarse", "1", "--fine", "3", "--out", str(out)]
    assert main(["mix", "--model", str(style_based), *flags]) == 0
    sheet = read_picture(out).pixels.astype(int)
    assert np.abs(sheet[16:, :16] - sheet[16:, 16:]).max() <= 1  # all layers are coarse


def test_mixing_needs_styles(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    flags = ["--coarse", "1", "--fine", "2", "--out", str(tmp_path / "sheet.png")]
    assert main(["mix", "--model", "landscape", *flags]) == 2
    assert "stylegan or stylegan2" in capfd.readouterr().err


@pytest.mark.usefixtures("light_distance")
def test_what_was_found_for_a_photo_is_a_stop_of_a_film(
    photo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "found"
    assert main(["project", str(photo), "--rounds", "3", "--random", "4", "--out", str(out), "--json"]) == 0
    result = json.loads(capfd.readouterr().out)
    assert [Path(name).name for name in result["files"]] == [
        "photo-code.safetensors",
        "photo-scene.png",
        "photo-found.png",
    ]
    assert 0 <= result["closer_than"] <= 1 and result["nearest_random_distance"] > 0
    assert read_picture(out / "photo-found.png").pixels.shape == (32, 96, 3)
    film = ["--seconds", "1", "--fps", "4", "--out", str(tmp_path / "film")]
    assert main(["interpolate", "--seeds", f"{out / 'photo-code.safetensors'},7", *film]) == 0
    first, scene = (read_picture(path).pixels for path in (tmp_path / "film/frame-00000.png", out / "photo-scene.png"))
    assert np.abs(first.astype(int) - scene.astype(int)).max() <= 1


def test_a_photo_that_is_none_is_refused_before_the_search(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["project", str(tmp_path / "none.jpg"), "--out", str(tmp_path / "found")]) == 2
    assert "does not exist" in capfd.readouterr().err and not (tmp_path / "found").exists()
