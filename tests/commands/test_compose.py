"""`shanshui compose`: photos and noise, painted and taken back to nature."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from shanshui.checkpoints.weights import save_snapshot
from shanshui.cli import main
from shanshui.images.files import read_picture
from shanshui.networks.composer import ComposerConfig
from shanshui.networks.generators.dcgan import DCGAN, DCGANConfig
from shanshui.networks.joint import JointConfig, JointPipeline
from shanshui.networks.stylizers.feedforward import FeedForwardConfig


@pytest.fixture
def models(tmp_path: Path) -> list[str]:
    torch.manual_seed(0)
    stylizer = FeedForwardConfig(styles=("ink", "oil"), width=8, blocks=1, deep_width=8, deep_blocks=1)
    composer = ComposerConfig(width=8, widest=16, latent=4, style=8)
    pipeline = JointPipeline(JointConfig(stylizer=stylizer, composer=composer))
    with torch.no_grad():
        for name, parameter in pipeline.composer.named_parameters():
            if "to_rgb.weight" in name:
                parameter.copy_(0.3 * torch.randn_like(parameter))
    save_snapshot(tmp_path / "composer.safetensors", pipeline, {})
    save_snapshot(tmp_path / "scenes.safetensors", DCGAN(DCGANConfig(width=4, latent=8, doublings=3)), {})
    return ["--model", str(tmp_path / "composer.safetensors"), "--scenes", str(tmp_path / "scenes.safetensors")]


def test_a_photo_keeps_its_size_and_the_slider_counts(models: list[str], photo: Path, tmp_path: Path) -> None:
    pictures = []
    for naturalness in ("0.1", "0.9"):
        out = tmp_path / f"{naturalness}.png"
        assert (
            main(["compose", str(photo), "--style", "ink", "--naturalness", naturalness, *models, "--out", str(out)])
            == 0
        )
        pictures.append(read_picture(out).pixels)
    assert pictures[0].shape == read_picture(photo).pixels.shape
    assert (pictures[0] != pictures[1]).any()


def test_scenes_out_of_noise_have_seeds_of_their_own(
    models: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    flags = ["--style", "ink", "--count", "2", "--seed", "5", *models, "--out", str(tmp_path / "out"), "--json"]
    assert main(["compose", *flags]) == 0
    files = [Path(file) for file in json.loads(capfd.readouterr().out)["files"]]
    assert [file.name for file in files] == ["scene-5-ink.png", "scene-6-ink.png"]
    first, second = (read_picture(file).pixels for file in files)
    assert (first != second).any()
    alone = tmp_path / "alone.png"
    assert main(["compose", "--style", "ink", "--seed", "5", *models, "--out", str(alone)]) == 0
    np.testing.assert_array_equal(read_picture(alone).pixels, first)


def test_what_makes_no_sense_is_one_sentence(models: list[str], photo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for flags, words in (
        (["--style", "ink", "--naturalness", "2"], "naturalness 2.0 is outside"),
        (["--style", "ink", "--count", "3"], "--count is for scenes out of noise"),
        (["--style", "baroque"], "no style 'baroque'"),
    ):
        assert main(["compose", str(photo), *flags, *models]) == 2
        error = capfd.readouterr().err.strip().splitlines()
        assert words in error[-1]
