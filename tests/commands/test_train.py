"""Training from the command line: recipes and their flags, run folders, resuming, early stops."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shanshui.checkpoints.weights import load_snapshot
from shanshui.cli import main
from shanshui.commands.style_lessons import with_styles
from shanshui.errors import ConfigError
from shanshui.networks.generators.fastgan import FastGAN
from shanshui.recipes import RECIPES
from shanshui.recipes.painter import PAINTER, StyleRecipe
from shanshui.recipes.painter_any import PAINTER_ANY

TINY = ["--size", "32", "--generator.width", "4"]
TINY += ["--batch-size", "2", "--workers", "1", "--precision", "32-true"]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(3):
        pixels = np.random.default_rng(seed).integers(0, 255, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{seed}.png")
    return folder


def train_scene(photos: Path, run: Path, *flags: str) -> int:
    command = ["train", "scene", "--recipe", "landscape-64", "--data", str(photos), "--run", str(run)]
    return main([*command, *TINY, *flags])


def test_a_run_begins_continues_and_says_how_it_ended(
    photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert train_scene(photos, run, "--images", "4", "--licence", "CC0", "--json") == 0
    ended = json.loads(capfd.readouterr().out)
    assert (ended["images_seen"], ended["reason"], ended["best"]) == (4, "complete", None)
    network, header = load_snapshot(Path(ended["snapshot"]))
    assert isinstance(network, FastGAN) and network.config.width == 4
    assert header.card["licence"] == "CC0" and header.card["images_seen"] == 4
    assert json.loads((run / "config.json").read_text())["learner"]["generator"]["doublings"] == 3
    assert "Finished: all images seen." in (run / "report.html").read_text(encoding="utf-8")

    assert train_scene(photos, run, "--images", "6") == 2, "a run is not begun twice in one folder"
    assert "--resume" in capfd.readouterr().err
    assert train_scene(photos, run, "--images", "6", "--resume", "--seed", "9") == 2, "nor resumed as another"
    assert "seed" in capfd.readouterr().err
    assert train_scene(photos, run, "--images", "6", "--resume", "--json") == 0
    assert json.loads(capfd.readouterr().out)["images_seen"] == 6


def test_a_figure_that_is_not_measured_cannot_stop_a_run(
    photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train_scene(photos, tmp_path / "run", "--stop-when", "beauty<1") == 2
    assert "beauty" in capfd.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("flag", ["--generator.doublings", "--discriminator.height"])
def test_what_follows_from_the_size_cannot_be_given_beside_it(
    flag: str, photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train_scene(photos, tmp_path / "run", flag, "7") == 2
    assert f"{flag} follows from --size" in capfd.readouterr().err


def test_every_field_of_a_recipe_is_a_flag_with_its_value(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "scene", "--recipe", "landscape-128", "--help"]) == 0
    shown = capfd.readouterr().out
    for flag in ("--images", "--batch-size", "--size", "--seed", "--resume", "--checkpoint-every", "--sample-every"):
        assert f"{flag} " in shown
    assert "--generator.doublings" in shown and "--generator-adam.learning-rate" in shown
    assert all(name in shown for name in RECIPES["scene"])


def test_help_of_train_lists_learners_and_recipes(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--help"]) == 0
    shown = capfd.readouterr().out
    assert all(name in shown for recipes in RECIPES.values() for name in recipes)
    assert main(["train"]) == 2 and main(["train", "cooking"]) == 2


def test_own_styles_replace_those_of_the_recipe() -> None:
    recipe = with_styles(PAINTER, ("mine=a.zip,b/c.jpg", "yours=d"))
    assert isinstance(recipe, StyleRecipe)
    assert recipe.learner.styles == {"mine": ("a.zip", "b/c.jpg"), "yours": ("d",)}
    assert with_styles(PAINTER, ()) is PAINTER


@pytest.mark.parametrize("styles", [("mine",), ("=a",), ("mine=",), ("a=b", "a=c")])
def test_what_names_no_style_is_refused(styles: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="--style"):
        with_styles(PAINTER, styles)


def test_a_recipe_for_any_painting_takes_no_styles() -> None:
    assert with_styles(PAINTER_ANY, ()) is PAINTER_ANY
    with pytest.raises(ConfigError, match="any painting"):
        with_styles(PAINTER_ANY, ("mine=a.jpg",))
