"""Translations from the command line: a run whose best snapshot paints under its name, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shanshui.checkpoints.weights import load_snapshot
from shanshui.cli import main
from shanshui.commands.translation_lessons import settle_translation, with_name
from shanshui.errors import ConfigError
from shanshui.networks.stylizers.translators import LightTranslator, LightTranslatorConfig
from shanshui.recipes.translation import CUT_128, TRANSLATION_RECIPES

TINY = ["--size", "32", "--start", "None", "--translator.width", "4", "--translator.deep-width", "4"]
TINY += ["--translator.deep-blocks", "1", "--discriminator.channels", "4", "--discriminator.layers", "2"]
TINY += ["--batch-size", "2", "--workers", "1", "--precision", "32-true", "--photos", "photos", "--shown", "shown"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHANSHUI_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three photos to learn on, and twelve photos and paintings, the fewest that can be judged."""
    random = np.random.default_rng(0)
    for name, count in (("photos", 3), ("shown", 12), ("paintings", 12)):
        (tmp_path / name).mkdir()
        for index in range(count):
            pixels = random.integers(0, 256, (36, 36, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{index:02d}.png")
    return tmp_path


def train(data: Path, *flags: str, recipe: str = "cut-128") -> int:
    command = ["train", "translation", "--recipe", recipe, "--data", str(data), "--run", str(data / "run")]
    return main([*command, *TINY, *flags])


def test_the_best_snapshot_paints_under_its_name(data: Path, photo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert train(data, "--paintings", "paintings", "--style", "mine", "--images", "4", "--json") == 0
    ended = json.loads(capfd.readouterr().out)
    assert [name.partition("_")[0] for name in ended["figures"]] == ["kid", "kid", "frechet", "frechet", "content"]
    network, header = load_snapshot(Path(ended["best"]))
    assert isinstance(network, LightTranslator) and network.config.style == "mine"
    assert header.card["task"] == "translation" and header.card["looks_through"] is None

    painted = data / "painted.png"
    assert main(["stylize", str(photo), "--model", ended["best"], "--style", "mine", "--out", str(painted)]) == 0
    with Image.open(painted) as picture, Image.open(photo) as original:
        assert picture.size == original.size
    assert main(["stylize", str(photo), "--model", ended["best"], "--style", "ink", "--out", str(painted)]) == 2
    assert "mine" in capfd.readouterr().err


def test_a_single_painting_is_learned_from_without_a_judge(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    flags = ["--paintings", "paintings/00.png", "--painting-scale", "0.4", "--images", "4", "--history", "2"]
    assert train(data, *flags, "--json", recipe="cyclegan-128") == 0
    ended = json.loads(capfd.readouterr().out)
    assert ended["best"] is None and Path(ended["snapshot"]).exists()


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["--size", "36"], "multiple of 8"),
        (["--size", "8"], "at least 12"),
        (["--discriminator.height", "48"], "follows from --size"),
        (["--judged", "3"], "--judged"),
        (["--game", "wasserstein"], "least-squares"),
    ],
)
def test_what_cannot_work_is_one_sentence(
    flags: list[str], named: str, data: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train(data, "--paintings", "paintings", "--images", "2", *flags) == 2
    assert named in capfd.readouterr().err
    assert not (data / "run").exists()


def test_every_recipe_fits_its_own_size() -> None:
    for recipe in TRANSLATION_RECIPES.values():
        settled = settle_translation(recipe, Path())
        assert settled.learner.discriminator.height == settled.learner.discriminator.width == recipe.size
        assert recipe.learner.generator_adam.schedule.decay_images == recipe.settings.images


def test_a_translator_takes_the_shape_of_the_model_that_it_begins_with() -> None:
    """The tiny painter of these tests."""
    translator = settle_translation(CUT_128, Path()).learner.translator
    assert translator == LightTranslatorConfig(style="monet", width=4, blocks=1, deep_width=4, deep_blocks=1)


def test_a_name_changes_nothing_but_the_name() -> None:
    assert with_name(CUT_128, None) is CUT_128
    assert with_name(CUT_128, "ink").learner.translator.style == "ink"
    with pytest.raises(ConfigError, match="name"):
        with_name(CUT_128, "")
