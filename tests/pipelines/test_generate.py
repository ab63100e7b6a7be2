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


def test_a_scene_of_the_trained_size_is_what_its_latent_says(scenes: SceneGenerator) -> None:
    """Number 2 of seed 9, by hand: the latent's generator is seeded with seed 9 and number 2 alone."""
    latent = torch.randn(1, 4, 1, 1, generator=torch.Generator().manual_seed(9 * 1_000_003 + 2))
    pixels = ((scenes._network(latent)[0].permute(1, 2, 0) + 1) * 127.5).round().to(torch.uint8).numpy()
    last = list(scenes.generate(3, 9, batch_size=1))[2]
    assert np.array_equal(np.asarray(last), pixels)


@pytest.mark.parametrize("method", ["generate", "panoramas"])
def test_a_wide_scene_depends_neither_on_the_count_nor_on_the_batch(scenes: SceneGenerator, method: str) -> None:
    make = getattr(scenes, method)
    many = list(make(4, 1, size=(16, 40), batch_size=50))
    assert all(scene.size == (40, 16) for scene in many)
    assert all(near(a, b) for a, b in zip(many, make(4, 1, size=(16, 40), batch_size=1), strict=True))
    assert not near(many[0], many[1])


def test_a_panorama_of_the_trained_size_is_another_scene_that_joins(scenes: SceneGenerator) -> None:
    (panorama,), (scene,) = scenes.panoramas(1, 3), scenes.generate(1, 3)
    assert panorama.size == scene.size and not near(panorama, scene)


def test_truncation_zero_makes_all_scenes_alike(scenes: SceneGenerator) -> None:
    first, second = scenes.generate(2, truncation=0.0)
    assert near(first, second)
    assert not near(*scenes.generate(2, truncation=1.0))


@pytest.mark.parametrize(
    "wrong",
    [{"count": -1}, {"seed": -1}, {"truncation": 1.1}, {"size": (10, 16)}, {"size": (32, 16)}, {"batch_size": 0}],
)
@pytest.mark.parametrize("method", ["generate", "panoramas"])
def test_impossible_wishes_are_refused_before_the_first_scene(
    scenes: SceneGenerator, method: str, wrong: dict[str, object]
) -> None:
    with pytest.raises(ConfigError):
        getattr(scenes, method)(**{"count": 1, **wrong})
