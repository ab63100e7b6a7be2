"""Variants of photos: which, how many, and that they depend on nothing but the seed, the photo and their number."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from shanshui.errors import ConfigError
from shanshui.images.picture import Picture
from shanshui.networks.generators.r3gan import R3GAN, R3GANConfig
from shanshui.networks.stylizers.feedforward import FeedForwardConfig, FeedForwardStylizer
from shanshui.pipelines.augment import Augmenter, Generated, Painted
from shanshui.pipelines.generate import SceneGenerator
from shanshui.pipelines.painters import NamedPainter
from shanshui.pipelines.stylize import Stylizer

STYLES = ("ink", "monet", "oil")
LABELS = ("alp", "beach")


@pytest.fixture(scope="module")
def painted() -> Painted:
    torch.manual_seed(0)
    network = FeedForwardStylizer(FeedForwardConfig(styles=STYLES, width=4, blocks=1, deep_width=4, deep_blocks=1))
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith((".gamma", ".beta")):
                parameter.copy_(0.1 * torch.randn_like(parameter))
    return Painted(painter=Stylizer(NamedPainter(network)), model="painter", styles=STYLES, strengths=(0.3, 0.8))


def scenes(labels: int) -> SceneGenerator:
    torch.manual_seed(0)
    return SceneGenerator(R3GAN(R3GANConfig(width=4, group=4, latent=8, doublings=3, labels=labels)))


@pytest.fixture(scope="module")
def generated() -> Generated:
    return Generated(generator=scenes(2), model="scenes", labels=LABELS)


def photo() -> Picture:
    return Picture(np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8))


def test_kinds_and_styles_take_turns(painted: Painted, generated: Generated) -> None:
    augmenter = Augmenter([painted, generated])
    for name in ("a.png", "b.png"):
        variants = augmenter.variants(name, 6)
        assert Counter(variant.kind for variant in variants) == {"stylised": 3, "generated": 3}
        assert {variant.style for variant in variants if variant.kind == "stylised"} == set(STYLES)
        assert len({variant.seed for variant in variants}) == 6
    firsts = Counter(augmenter.variants(f"{number}.png", 1)[0].style for number in range(300))
    assert all(count > 30 for count in firsts.values()), firsts
    strengths = [augmenter.variants(f"{number}.png", 1)[0].strength for number in range(300)]
    drawn = [strength for strength in strengths if strength is not None]
    assert 0.3 <= min(drawn) < 0.35 and 0.75 < max(drawn) <= 0.8


def test_more_variants_begin_with_the_same_ones(painted: Painted, generated: Generated) -> None:
    augmenter = Augmenter([painted, generated], seed=5)
    assert augmenter.variants("a.png", 7)[:3] == augmenter.variants("a.png", 3)
    assert Augmenter([painted], seed=5).variants("a.png", 3) != Augmenter([painted], seed=6).variants("a.png", 3)


def test_a_painting_is_of_its_photo(painted: Painted) -> None:
    augmenter = Augmenter([painted])
    first, second = augmenter.variants("a.png", 2)
    made = augmenter.make(first, photo(), "beach").pixels
    assert made.shape == photo().pixels.shape
    np.testing.assert_array_equal(made, augmenter.make(first, photo(), "beach").pixels)
    assert (made != photo().pixels).any()
    assert (made != augmenter.make(second, photo(), "beach").pixels).any()


def test_a_generated_scene_is_of_the_label(generated: Generated) -> None:
    augmenter = Augmenter([generated])
    (variant,) = augmenter.variants("a.png", 1)
    alp, beach = (augmenter.make(variant, photo(), label).pixels for label in LABELS)
    assert (alp != beach).any()
    (expected,) = scenes(2).generate(1, variant.seed, label=1)
    np.testing.assert_array_equal(beach, np.asarray(expected))


def test_a_generator_that_knows_other_labels_is_refused() -> None:
    with pytest.raises(ConfigError, match="was told no labels and the photos have 2"):
        Generated(generator=scenes(0), model="scenes", labels=LABELS)
    with pytest.raises(ConfigError, match="knows 3 labels and the photos have 2"):
        Generated(generator=scenes(3), model="scenes", labels=LABELS)
    for labels in ((), ("alp",)):  # nothing to tell apart
        lonely = Generated(generator=scenes(0), model="scenes", labels=labels)
        assert lonely.make(lonely.choose(0, 3), photo(), labels[0] if labels else None).pixels.any()


def test_what_cannot_work_is_refused(painted: Painted) -> None:
    changes: list[tuple[dict[str, Any], str]] = [
        ({"styles": ("baroque",)}, "no style 'baroque'"),
        ({"styles": ()}, "no style to paint in"),
        ({"strengths": (0.8, 0.3)}, "no range"),
        ({"strengths": (0.3, 1.3)}, "1.3 is outside"),
    ]
    for change, words in changes:
        with pytest.raises(ConfigError, match=words):
            replace(painted, **change)
    with pytest.raises(ConfigError, match="at least one kind"):
        Augmenter([])
    with pytest.raises(ConfigError, match="seed -1 is outside"):
        Augmenter([painted], seed=-1)
