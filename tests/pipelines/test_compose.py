"""Composing: the slider, seeds, sizes, and the controls of every stylizer."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from shanshui.checkpoints.weights import save_snapshot
from shanshui.errors import ConfigError, ModelError
from shanshui.images.pixels import Pixels
from shanshui.networks.composer import ComposerConfig
from shanshui.networks.generators.dcgan import DCGAN, DCGANConfig
from shanshui.networks.joint import JointConfig, JointPipeline
from shanshui.networks.stylizers.feedforward import FeedForwardConfig
from shanshui.pipelines.compose import SceneComposer
from shanshui.pipelines.generate import SceneGenerator
from shanshui.pipelines.treatment import Treatment


@pytest.fixture
def network() -> JointPipeline:
    torch.manual_seed(0)
    stylizer = FeedForwardConfig(styles=("ink", "oil"), width=8, blocks=1, deep_width=8, deep_blocks=1)
    pipeline = JointPipeline(
        JointConfig(stylizer=stylizer, composer=ComposerConfig(width=8, widest=16, latent=4, style=8))
    )
    with torch.no_grad():
        for name, parameter in pipeline.composer.named_parameters():
            if "to_rgb.weight" in name or "noise_strength" in name:
                parameter.copy_(0.3 * torch.randn_like(parameter))
        for name, parameter in pipeline.stylizer.named_parameters():
            if name.endswith((".gamma", ".beta")):
                parameter.copy_(0.1 * torch.randn_like(parameter))
    return pipeline


@pytest.fixture
def photo() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (45, 70, 3), dtype=np.uint8)


def test_slider_and_seed_choose_the_picture(network: JointPipeline, photo: Pixels) -> None:
    compose = SceneComposer(network)
    assert compose.styles == ("ink", "oil")
    scene = np.asarray(compose(photo, "ink", 0.3, seed=4))
    assert scene.shape == photo.shape
    np.testing.assert_array_equal(scene, np.asarray(compose(photo, "ink", 0.3, seed=4)))
    assert (scene != np.asarray(compose(photo, "ink", 0.9, seed=4))).any()
    assert (scene != np.asarray(compose(photo, "ink", 0.3, seed=5))).any()
    assert (scene != np.asarray(compose(photo, "oil", 0.3, seed=4))).any()


def test_the_controls_of_stylizers_hold(network: JointPipeline, photo: Pixels) -> None:
    stylizer = SceneComposer(network).at(0.5)
    mask = np.zeros((45, 70), np.float32)
    mask[:, 35:] = 1
    painted = stylizer.paint(photo, "oil", Treatment(mask=mask)).pixels
    np.testing.assert_array_equal(painted[:, :35], photo[:, :35])
    assert (painted[:, 35:] != photo[:, 35:]).any()
    np.testing.assert_array_equal(stylizer.paint(photo, "oil", Treatment(strength=0.0)).pixels, photo)


def test_scenes_out_of_noise(network: JointPipeline) -> None:
    generator = SceneGenerator(DCGAN(DCGANConfig(width=4, latent=8, doublings=3)))
    scenes = list(SceneComposer(network).scenes(generator, {"ink": 0.5, "oil": 0.5}, count=2, seed=7))
    assert [(scene.height, scene.width) for scene in scenes] == [generator.size] * 2
    assert (scenes[0].pixels != scenes[1].pixels).any()


def test_a_snapshot_makes_the_same_pictures(network: JointPipeline, photo: Pixels, tmp_path: Path) -> None:
    save_snapshot(tmp_path / "composer.safetensors", network, {"task": "composer"})
    loaded = SceneComposer.from_pretrained(tmp_path / "composer.safetensors")
    made, wanted = (np.asarray(each(photo, "ink")).astype(int) for each in (loaded, SceneComposer(network)))
    assert np.abs(made - wanted).max() <= 3  # snapshots hold half precision


def test_what_cannot_be_composed_is_refused(network: JointPipeline, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"naturalness 1\.5"):
        SceneComposer(network).at(1.5)
    with pytest.raises(ConfigError, match="no style 'baroque'"):
        SceneComposer(network)(Image.new("RGB", (40, 40)), "baroque")
    save_snapshot(tmp_path / "stylizer.safetensors", network.stylizer, {})
    with pytest.raises(ModelError, match="not a composer"):
        SceneComposer.from_pretrained(tmp_path / "stylizer.safetensors")
