"""Scene generation: a scene is a function of (seed, index) alone."""

from itertools import islice

import numpy as np
import pytest
import torch
from PIL import Image

from shanshui.errors import ConfigError
from shanshui.networks.generators.fastgan import FastGAN, FastGANConfig
from shanshui.pipelines.generate import SceneGenerator


@pytest.fixture(scope="module")
def scenes() -> SceneGenerator:
    torch.manual_seed(0)
    return SceneGenerator(FastGAN(FastGANConfig(doublings=2, latent=4, width=4)))


def near(first: Image.Image, second: Image.Image) -> bool:
    return int(np.abs(np.asarray(first, np.int16) - np.asarray(second, np.int16)).max()) <= 1


def test_the_same_seed_gives_the_same_images_and_another_seed_others(scenes: SceneGenerator) -> None:
    first, again, other = (list(scenes.generate(3, seed)) for seed in (5, 5, 6))
    assert all(a.tobytes() == b.tobytes() for a, b in zip(first, again, strict=True))
    assert not any(a.tobytes() == b.tobytes() for a, b in zip(first, other, strict=True))


def test_a_scene_depends_neither_on_the_count_nor_on_the_batch(scenes: SceneGenerator) -> None:
    many = list(scenes.generate(5, 1, batch_size=5))
    assert all(near(a, b) for a, b in zip(many, scenes.generate(5, 1, batch_size=2), strict=True))
    assert near(many[0], next(scenes.generate(1, 1)))


def test_scenes_are_made_as_they_are_asked_for(scenes: SceneGenerator) -> None:
    assert len(list(islice(scenes.generate(10**9, 0, batch_size=1), 2))) == 2


def test_a_wider_scene_has_the_size_that_was_asked_for(scenes: SceneGenerator) -> None:
    (scene,) = scenes.generate(1, size=(16, 48))
    assert scene.size == (48, 16)


def test_truncation_zero_makes_all_scenes_alike(scenes: SceneGenerator) -> None:
    first, second = scenes.generate(2, truncation=0.0)
    assert near(first, second)
    assert not near(*scenes.generate(2, truncation=1.0))


@pytest.mark.parametrize(
    "wrong",
    [{"count": -1}, {"seed": -1}, {"truncation": 1.1}, {"size": (10, 16)}, {"size": (0, 16)}, {"batch_size": 0}],
)
def test_impossible_wishes_are_refused_before_the_first_scene(scenes: SceneGenerator, wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        scenes.generate(**{"count": 1, **wrong})  # type: ignore[arg-type]
