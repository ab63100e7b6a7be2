"""Failures planted in tiny trainings on generated images: each is told by its own alarm and by no other."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from PIL import Image

from shanshui.errors import ExplodingError, NonFiniteError
from shanshui.evaluation.features import FeatureSet, extract
from shanshui.evaluation.judge import Judge
from shanshui.events import Alarmed, Event
from shanshui.networks.discriminators.dcgan import DCGANDiscriminatorConfig
from shanshui.networks.generators.dcgan import DCGANConfig
from shanshui.scenes.dataset import SceneDataset
from shanshui.scenes.sources import open_source
from shanshui.training.course import Plan
from shanshui.training.learners.scene import SceneLearner
from shanshui.training.learners.strategy import SceneConfig, fitted
from shanshui.training.loop import train
from shanshui.training.run import RunFolder
from shanshui.training.settings import TrainSettings
from shanshui.training.update import AdamConfig
from shanshui.training.watch import Watch

SIDE = 16
FEATURE = "vgg19_relu5_4"
ADAM = AdamConfig(learning_rate=1e-3, beta1=0.5, beta2=0.99)
CONFIG = fitted(
    SceneConfig(
        generator=DCGANConfig(latent=8, width=8),
        discriminator=DCGANDiscriminatorConfig(channels=8, normalization="none"),
        game="non-saturating",
        augmentation="none",
        generator_adam=ADAM,
        discriminator_adam=ADAM,
        average_half_life=64,
    ),
    SIDE,
    SIDE,
)
SETTINGS = TrainSettings(
    images=640, batch_size=8, checkpoint_every=640, sample_every=640, judge_every=128, log_every=640, workers=1
)


def thumbnails(images: torch.Tensor) -> dict[str, torch.Tensor]:
    """Features of a network that nobody has to load: the image at 4 x 4 pixels."""
    return {FEATURE: torch.nn.functional.avg_pool2d(images, 4).flatten(1)}


@pytest.fixture
def skies(tmp_path: Path) -> SceneDataset:
    """Horizons of many heights under skies of many colours."""
    folder, random = tmp_path / "skies", np.random.default_rng(0)
    folder.mkdir()
    for index in range(40):
        picture = np.empty((SIDE, SIDE, 3), np.uint8)
        horizon = random.integers(4, 12)
        picture[:horizon], picture[horizon:] = random.integers(0, 256, (2, 3))
        Image.fromarray(picture).save(folder / f"{index:02d}.png")
    return SceneDataset(open_source(folder), SIDE, SIDE, flip=False, min_scale=1.0)


def alarms_of(path: Path, dataset: SceneDataset, config: SceneConfig, settings: TrainSettings = SETTINGS) -> set[str]:
    heard: list[Event] = []
    photos = [dataset.still(index) for index in range(len(dataset))]
    real = extract(photos, thumbnails, height=SIDE, width=SIDE)
    judge = Judge(
        {FEATURE: FeatureSet(FEATURE, real[FEATURE].values)},
        thumbnails,
        height=SIDE,
        width=SIDE,
        fakes=40,
        figures=[f"kid_{FEATURE}"],
        photo=lambda row: photos[row],
    )
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    plan = Plan(config, partial(SceneLearner, seed=0, fabric=fabric))
    run = RunFolder.create(path, {})
    try:
        train(plan, dataset, settings, run, card={}, emit=heard.append, watch=Watch(judge=judge))
    except (NonFiniteError, ExplodingError):
        assert any(isinstance(event, Alarmed) for event in heard)
    return {event.alarm for event in heard if isinstance(event, Alarmed)}


def test_a_healthy_training_gives_no_alarm(tmp_path: Path, skies: SceneDataset) -> None:
    assert alarms_of(tmp_path / "run", skies, CONFIG) == set()


def test_latents_that_are_zero_are_a_collapse(
    tmp_path: Path, skies: SceneDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SceneLearner, "_latents", lambda self, count, random: torch.zeros(count, 8))
    assert alarms_of(tmp_path / "run", skies, CONFIG) == {"collapse"}


def test_rates_a_thousand_times_too_high_explode(tmp_path: Path, skies: SceneDataset) -> None:
    wild = replace(ADAM, learning_rate=1000 * ADAM.learning_rate)
    config = replace(CONFIG, generator_adam=wild, discriminator_adam=wild)
    assert alarms_of(tmp_path / "run", skies, config) == {"exploding"}


def test_a_generator_that_does_not_learn_is_stalled(tmp_path: Path, skies: SceneDataset) -> None:
    config = replace(CONFIG, generator_adam=replace(ADAM, learning_rate=0.0))
    assert alarms_of(tmp_path / "run", skies, config) == {"stalled"}


def test_a_generator_that_repeats_its_photographs_has_memorised_them(
    tmp_path: Path, skies: SceneDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_heart(self: Any, count: int, random: torch.Generator) -> Iterable[np.ndarray]:
        drift = next(moves)
        return (
            np.clip(skies.still(row % len(skies)).astype(int) + drift, 0, 255).astype(np.uint8) for row in range(count)
        )

    moves = iter(range(3, 1000))
    monkeypatch.setattr(SceneLearner, "_draw", by_heart)
    assert alarms_of(tmp_path / "run", skies, CONFIG) == {"memorisation"}
    assert list((tmp_path / "run" / "samples").glob("nearest-*.png"))
