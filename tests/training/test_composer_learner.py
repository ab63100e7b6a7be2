"""The composer's learner: both halves learn, the style-transfer module waits for its turn, a resumed run is exact."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from PIL import Image
from torch import Tensor

from shanshui.errors import ConfigError
from shanshui.networks.composer import ComposerConfig
from shanshui.networks.discriminators.stylegan2 import StyleGAN2DiscriminatorConfig
from shanshui.networks.encoders.vgg19 import VGG19
from shanshui.networks.generators.dcgan import DCGAN, DCGANConfig
from shanshui.networks.joint import JointPipeline
from shanshui.networks.stylizers.feedforward import FeedForwardConfig, FeedForwardStylizer
from shanshui.training.learners import composer as composer_module
from shanshui.training.learners.composer import ComposerLearner
from shanshui.training.learners.composing import ComposerTeaching
from shanshui.training.update import AdamConfig

SIZE = 32
Make = Callable[..., ComposerLearner]


@pytest.fixture(scope="module")
def encoder() -> VGG19:
    return VGG19()


@pytest.fixture
def make(tmp_path: Path, encoder: VGG19, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setattr(composer_module, "VGG19", lambda: encoder)
    random = np.random.default_rng(0)
    for name, low, high in (("night", 0, 90), ("day", 150, 256)):
        Image.fromarray(random.integers(low, high, (40, 56, 3), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    torch.manual_seed(0)
    stylizer = FeedForwardStylizer(
        FeedForwardConfig(styles=("night", "day"), width=8, blocks=1, deep_width=8, deep_blocks=1)
    )
    generator = DCGAN(DCGANConfig(width=4, latent=8, doublings=2))

    def learner(**changes: Any) -> ComposerLearner:
        values: dict[str, Any] = {
            "styles": {"night": ("night.png",), "day": ("day.png",)},
            "painting_side": SIZE,
            "composer": ComposerConfig(width=8, widest=16, latent=4, style=8),
            "discriminator": StyleGAN2DiscriminatorConfig(height=SIZE, width=SIZE, channels=4, widest=8),
            "content": {"relu2_2": 1.0},
            "nature": {"relu1_1": 1.0},
            "style": {"relu1_2": 1.0},
            "palette": 1.0,
            "r1_every": 2,
            "adam": AdamConfig(learning_rate=1e-2, beta1=0.0),
        }
        return ComposerLearner(
            ComposerTeaching(**{**values, **changes}),
            stylizer,
            generator,
            data=tmp_path,
            photos=[random.integers(0, 256, (24, SIZE, 3), dtype=np.uint8)],
            seed=3,
            fabric=Fabric(accelerator="cpu", devices=1),
        )

    return learner


def photos(images_seen: int, count: int = 4) -> Tensor:
    return torch.rand(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(images_seen)) * 2 - 1


def run(learner: ComposerLearner, first: int, steps: int) -> list[Mapping[str, Tensor]]:
    return [learner.step(photos(seen), seen) for seen in range(first, first + 4 * steps, 4)]


def modules(learner: ComposerLearner) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    network = learner.snapshot()
    assert isinstance(network, JointPipeline)
    return dict(network.stylizer.state_dict()), dict(network.composer.state_dict())


def test_terms_say_which_half_they_belong_to(make: Make) -> None:
    first, second = run(make(), 0, 2)
    expected = {"discriminator.non-saturating", "composer.non-saturating", "logits.real", "logits.fake"}
    expected |= {"natural.content.relu1_1", "painted.content.relu2_2", "painted.style.relu1_2", "painted.palette"}
    assert expected <= set(first)
    assert "r1" in first
    assert "r1" not in second
    assert not {"natural.style.relu1_2", "natural.content.relu2_2", "painted.content.relu1_1"} & set(first)
    assert first["natural.palette"] == 0


def test_the_style_transfer_module_learns_from_its_turn_on(make: Make) -> None:
    learner = make(joint_from=8)
    stylizer, composer = modules(learner)
    run(learner, 0, 2)
    later_stylizer, later_composer = modules(learner)
    assert all(torch.equal(stylizer[name], later_stylizer[name]) for name in stylizer)
    assert not all(torch.equal(composer[name], later_composer[name]) for name in composer)
    run(learner, 8, 1)
    joint, _ = modules(learner)
    assert not all(torch.equal(stylizer[name], joint[name]) for name in stylizer)


def test_without_the_game_nothing_comes_from_the_discriminator(make: Make) -> None:
    assert "composer.non-saturating" not in run(make(adversarial=0.0), 0, 1)[0]
    assert "painted.style.relu1_2" not in run(make(styling=0.0), 0, 1)[0]


def test_a_scene_of_more_naturalness_is_judged_as_nature_more_often(make: Make) -> None:
    learner = make()
    tasks = [learner._task(photos(0, 64), position) for position in range(0, 64 * 30, 64)]
    values = torch.cat([task.naturalness for task in tasks])
    natural = torch.cat([torch.arange(64) < 32 for _ in tasks])
    assert values.mean().item() == pytest.approx(0.5, abs=0.02)  # uniform on the whole
    for low, high in ((0.0, 0.2), (0.4, 0.6), (0.8, 1.0)):
        there = (values >= low) & (values < high)
        assert natural[there].float().mean().item() == pytest.approx((low + high) / 2, abs=0.06)


def test_a_resumed_run_is_an_uninterrupted_one(make: Make) -> None:
    whole, first, second = (make(joint_from=4) for _ in range(3))
    run(whole, 0, 4)
    run(first, 0, 2)
    second.load_state_dict(first.state_dict())
    run(second, 8, 2)
    for one, other in zip(modules(whole), modules(second), strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_what_makes_no_sense_is_refused(make: Make) -> None:
    with pytest.raises(ConfigError, match="even number of photos"):
        make().step(photos(0, 3), 0)
    with pytest.raises(ConfigError, match="the same names in the same order"):
        make(styles={"day": ("day.png",)})
    with pytest.raises(ConfigError, match="no game"):
        ComposerTeaching(styles={}, game="chess")
