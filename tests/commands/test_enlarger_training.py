"""`shanshui train enlarger`: from a small generator and photos to a large generator that the other commands take."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from shanshui.checkpoints.weights import load_snapshot, save_snapshot
from shanshui.cli import main
from shanshui.images.files import read_picture
from shanshui.networks.generators.dcgan import DCGAN, DCGANConfig
from shanshui.networks.generators.enlarged import Enlarged
from shanshui.networks.generators.fastgan import FastGAN, FastGANConfig


@pytest.fixture
def data(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_snapshot(tmp_path / "small.safetensors", FastGAN(FastGANConfig(doublings=3, latent=4, width=4)).plain(), {})
    save_snapshot(tmp_path / "other.safetensors", DCGAN(DCGANConfig(doublings=3, latent=4, width=4)), {})
    (tmp_path / "photos").mkdir()
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number}.png")
    return tmp_path


def command(data: Path, **changes: str) -> list[str]:
    options = {
        "data": str(data),
        "photos": "photos",
        "shown": "photos",
        "size": "64",
        "scenes": str(data / "small.safetensors"),
        "patch": "32",
        "enlarger.width": "4",
        "enlarger.blocks": "1",
        "images": "4",
        "batch-size": "2",
        "workers": "1",
        "precision": "32-true",
        "run": str(data / "run"),
    } | changes
    flags = [word for name, value in options.items() for word in (f"--{name}", value)]
    return ["train", "enlarger", "--recipe", "enlarger-256", *flags]


def test_a_generator_learns_to_make_scenes_of_twice_the_size(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([*command(data), "--json"]) == 0
    ended = json.loads(capfd.readouterr().out)
    network, header = load_snapshot(Path(ended["snapshot"]))
    assert isinstance(network, Enlarged) and network.size == (64, 64) and header.role == "scene generator"
    made = data / "made"
    assert main(["generate", "--model", ended["snapshot"], "--count", "2", "--size", "128x64", "--out", str(made)]) == 0
    assert [read_picture(each).pixels.shape for each in made.rglob("*.png")] == [(64, 128, 3)] * 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scenes": "other.safetensors"}, "what is enlarged is a FastGAN"),
        ({"size": "128"}, "half the size of the photos, here 64x64"),
        ({"patch": "128"}, "do not lie in photos of 64"),
        ({"heldout": "photos"}, "--heldout is for scenes out of noise"),
    ],
)
def test_what_cannot_be_enlarged_is_refused(
    data: Path, changes: dict[str, str], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    placed = {name: str(data / value) if name in ("scenes", "heldout") else value for name, value in changes.items()}
    assert main(command(data, **placed)) == 2
    assert words in capfd.readouterr().err
