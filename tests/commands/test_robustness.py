"""`shanshui evaluate --robustness`: every stylizer and composer can be attacked, and the table says what came of it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from shanshui.checkpoints.weights import save_snapshot
from shanshui.cli import main
from shanshui.networks.composer import ComposerConfig
from shanshui.networks.joint import JointConfig, JointPipeline
from shanshui.networks.stylizers.feedforward import FeedForwardConfig
from shanshui.networks.stylizers.translators import LightTranslator, LightTranslatorConfig

QUICK = ["--steps", "2", "--count", "2", "--size", "32", "--json"]


def measured(capfd: pytest.CaptureFixture[str], *flags: str) -> dict[str, object]:
    capfd.readouterr()
    assert main(["evaluate", "--robustness", *flags, *QUICK]) == 0
    told: dict[str, object] = json.loads(capfd.readouterr().out)
    return told


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for seed in range(3):
        pixels = np.random.default_rng(seed).integers(0, 256, (40, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{seed}.png")
    return tmp_path / "photos"


def test_the_worst_change_is_told_beside_noise_of_its_size(photos: Path, capfd: pytest.CaptureFixture[str]) -> None:
    told = measured(capfd, "painter", "--photos", str(photos), "--eps", "1", "4")
    assert (told["model"], told["count"], told["size"]) == ("painter", 2, "32")
    reaches = told["reaches"]
    assert isinstance(reaches, list)
    assert [reach["eps"] for reach in reaches] == [1.0, 4.0]
    for reach in reaches:
        assert 0 < reach["photo"]["value"] <= reach["eps"]
        assert reach["attack"]["value"] > reach["noise"]["value"] > 0
        assert reach["ratio"] == pytest.approx(reach["attack"]["value"] / reach["noise"]["value"])
    assert reaches[1]["attack"]["value"] > reaches[0]["attack"]["value"]
    styles = told["styles"]
    assert isinstance(styles, list)
    assert set(styles[0]["attack"]) == {"ink", "monet"}
    assert measured(capfd, "painter", "--photos", str(photos), "--eps", "1", "4") == told


def test_people_read_a_table(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--robustness=painter", "--style", "ink", *QUICK[:-1], "--eps", "2"]) == 0
    text = capfd.readouterr().out
    assert text.startswith("painter, ink, 2 steps of attack at 32\n")
    assert "\n2/255 " in text


def test_other_painters_and_composers_can_be_attacked(
    photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    stylizer = FeedForwardConfig(styles=("ink", "oil"), width=8, blocks=1, deep_width=8, deep_blocks=1)
    composer = ComposerConfig(width=8, widest=16, latent=4, style=8)
    save_snapshot(
        tmp_path / "composer.safetensors", JointPipeline(JointConfig(stylizer=stylizer, composer=composer)), {}
    )
    translator = LightTranslatorConfig(style="night", width=4, blocks=1, deep_width=4, deep_blocks=1)
    save_snapshot(tmp_path / "translator.safetensors", LightTranslator(translator), {})
    for model, flags, style in (
        ("painter-any", ["--style", str(photos / "0.png")], str(photos / "0.png")),
        (str(tmp_path / "composer.safetensors"), ["--style", "oil", "--naturalness", "0.7"], "oil"),
        (str(tmp_path / "translator.safetensors"), [], "night"),
    ):
        told = measured(capfd, model, *flags, "--photos", str(photos), "--eps", "2")
        styles = told["styles"]
        assert isinstance(styles, list)
        assert list(styles[0]["attack"]) == [style]


def test_what_cannot_be_is_one_sentence(photos: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for flags, words in (
        (["landscape"], "neither a stylizer nor a composer"),
        (["nothing"], "no model 'nothing'"),
        (["painter", "--style", "baroque"], "no style 'baroque'"),
        (["painter-any"], "no style 'any'"),
        (["painter", "--eps", "0"], "--eps 0.0 cannot be"),
        (["painter", "--steps", "0"], "--steps is 0"),
        (["painter", "--naturalness", "2"], "naturalness 2.0 is outside"),
        (["painter", "--photos", str(photos / "0.png")], "at least 2 photos"),
    ):
        capfd.readouterr()
        assert main(["evaluate", "--robustness", *flags, *(QUICK if "--steps" not in flags else [])]) == 2
        error = capfd.readouterr().err.strip().splitlines()
        assert words in error[-1], error


def test_the_usual_evaluation_points_to_it(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--help"]) == 0
    assert "--robustness" in capfd.readouterr().out
    assert main(["evaluate", "--robustness", "painter", "--help"]) == 0
    assert "--eps" in capfd.readouterr().out
