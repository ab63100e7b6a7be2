"""`shanshui inpaint`: files, seeds, sides, sentences."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from shanshui.checkpoints.weights import save_snapshot
from shanshui.cli import main
from shanshui.commands.inpaint import parse_sides
from shanshui.errors import ConfigError
from shanshui.images.files import read_picture
from shanshui.networks.inpainter import Inpainter, InpainterConfig


@pytest.fixture
def model(tmp_path: Path) -> list[str]:
    torch.manual_seed(0)
    network = Inpainter(InpainterConfig(width=8, widest=16, halvings=1, dilations=(1, 2), latent=4))
    with torch.no_grad():
        network.strokes.weight.copy_(0.1 * torch.randn_like(network.strokes.weight))
    save_snapshot(tmp_path / "inpainter.safetensors", network, {})
    return ["--model", str(tmp_path / "inpainter.safetensors")]


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    values = np.zeros((70, 90), np.uint8)
    values[20:50, 30:60] = 255
    Image.fromarray(values).save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


def test_a_hole_is_filled_and_the_rest_stays(model: list[str], photo: Path, mask: Path, tmp_path: Path) -> None:
    out = tmp_path / "filled.png"
    assert main(["inpaint", str(photo), "--mask", str(mask), *model, "--out", str(out)]) == 0
    before, after = read_picture(photo).pixels, read_picture(out).pixels
    changed = (before != after).any(axis=2)
    assert changed[20:50, 30:60].mean() > 0.5
    changed[20:50, 30:60] = False
    assert not changed.any()


def test_fills_have_seeds_of_their_own(
    model: list[str], photo: Path, mask: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    flags = ["--mask", str(mask), *model, "--seed", "3", "--count", "2", "--out", str(tmp_path / "out"), "--json"]
    assert main(["inpaint", str(photo), *flags]) == 0
    files = [Path(file) for file in json.loads(capfd.readouterr().out)["files"]]
    assert [file.name for file in files] == ["photo-3-filled.png", "photo-4-filled.png"]
    first, second = (read_picture(file).pixels for file in files)
    assert (first != second).any()
    alone = tmp_path / "alone.png"
    assert main(["inpaint", str(photo), "--mask", str(mask), *model, "--seed", "4", "--out", str(alone)]) == 0
    np.testing.assert_array_equal(read_picture(alone).pixels, second)


def test_a_photo_is_extended(model: list[str], photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "wide.png"
    assert main(["inpaint", str(photo), "--expand", "left=40,top=7", *model, "--out", str(out)]) == 0
    wide = read_picture(out).pixels
    assert wide.shape == (77, 130, 3)
    np.testing.assert_array_equal(wide[7:, 40:], read_picture(photo).pixels)


def test_a_network_learns_from_a_folder_and_fills(
    photo: Path, mask: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photos").mkdir()
    for number in range(2):
        shutil.copy(photo, tmp_path / "photos" / f"{number}.png")
    command = ["train", "inpainter", "--recipe", "inpainter-128", "--data", str(tmp_path), "--photos", "photos"]
    command += ["--shown", "photos", "--run", str(tmp_path / "run"), "--size", "32", "--images", "4", "--workers", "1"]
    command += ["--batch-size", "2", "--inpainter.width", "4", "--inpainter.widest", "8", "--precision", "32-true"]
    assert main([*command, "--json"]) == 0
    ended = json.loads(capfd.readouterr().out)
    assert ended["images_seen"] == 4
    flags = ["--mask", str(mask), "--model", ended["snapshot"], "--out", str(tmp_path / "filled.png")]
    assert main(["inpaint", str(photo), *flags]) == 0


def test_sides() -> None:
    assert parse_sides("left=256, right=128") == {"left": 256, "right": 128}
    assert parse_sides(None) == {}
    for text in ("", "left", "left=-3", "left=1,left=2", "up=3", "left=1;top=2"):
        with pytest.raises(ConfigError, match="is not understood"):
            parse_sides(text)


def test_what_makes_no_sense_is_one_sentence(
    model: list[str], photo: Path, mask: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for flags, words in (
        ([], "What to fill is missing"),
        (["--mask", "nowhere.png"], "nowhere.png does not exist"),
        (["--mask", str(mask), "--count", "0"], "--count is 0"),
        (["--mask", str(mask), "--seed", "-1"], "seed -1"),
        (["--expand", "everywhere=3"], "is not understood"),
        (["--mask", str(mask), "--model", "nothing"], "no model 'nothing'"),
    ):
        assert main(["inpaint", str(photo), *model, *flags]) == 2
        assert words in capfd.readouterr().err.strip().splitlines()[-1]
