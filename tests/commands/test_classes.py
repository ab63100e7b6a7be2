"""Scenes by class: folders are labels, from the command that trains to the command that makes scenes."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shanshui.cli import main

RECIPES = {
    "stylegan2-64": ["--generator.mapping-layers", "1", "--discriminator.channels", "2", "--generator.style", "4"],
    "r3gan-64": ["--generator.group", "2", "--discriminator.channels", "2", "--discriminator.group", "2"],
    "projected-64": [],
}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two kinds of photos in folders of their own."""
    for kind, brightness in (("day", 200), ("night", 30)):
        (tmp_path / "photos" / kind).mkdir(parents=True)
        for seed in range(2):
            pixels = np.random.default_rng(seed).integers(brightness, brightness + 50, (40, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / kind / f"{seed}.png")
    return tmp_path / "photos"


@pytest.mark.parametrize("recipe", RECIPES)
def test_folders_become_classes_that_can_be_asked_for(
    recipe: str, photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "scene", "--recipe", recipe, "--data", str(photos), "--run", str(tmp_path / "run")]
    command += ["--labels", "folders", "--images", "8", "--batch-size", "4", "--size", "32", "--workers", "1"]
    command += ["--generator.width", "2", "--generator.latent", "4", "--device", "cpu", "--json"]
    assert main([*command, *RECIPES[recipe]]) == 0
    snapshot = json.loads(capfd.readouterr().out)["snapshot"]

    scenes = ["generate", "--model", snapshot, "--count", "2", "--json"]
    assert main([*scenes, "--label", "1", "--out", str(tmp_path / "nights")]) == 0
    assert main([*scenes, "--out", str(tmp_path / "both")]) == 0
    nights, both = (
        [np.asarray(Image.open(path)) for path in sorted((tmp_path / name).iterdir())] for name in ("nights", "both")
    )
    assert np.array_equal(nights[1], both[1]), "without a label the classes take turns: the second scene is of class 1"
    assert not np.array_equal(nights[0], both[0])

    capfd.readouterr()
    assert main([*scenes, "--label", "2", "--out", str(tmp_path / "none")]) == 2
    assert "2 classes" in capfd.readouterr().err
