"""CycleGAN and CUT: named terms, states that continue exactly, a history that is repeatable, one painting."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from PIL import Image
from torch import Tensor

from shanshui.checkpoints.state import load_state, save_state
from shanshui.checkpoints.weights import save_snapshot
from shanshui.errors import ConfigError, DataError, NonFiniteError
from shanshui.networks.discriminators.patchgan import PatchGANConfig
from shanshui.networks.stylizers.feedforward import FeedForwardConfig, FeedForwardStylizer
from shanshui.networks.stylizers.translators import (
    LightTranslator,
    LightTranslatorConfig,
    ResNetTranslatorConfig,
)
from shanshui.training.answers import lower_rate, more_augmentation, slower_discriminator
from shanshui.training.learners.cut import CUTConfig, CUTLearner
from shanshui.training.learners.cyclegan import CycleGANConfig, CycleGANLearner
from shanshui.training.learners.history import HistoryPool
from shanshui.training.learners.translation import TranslationConfig, TranslationLearner
from shanshui.training.update import AdamConfig

SIZE = 32
TINY: Mapping[str, Any] = {"width": 4, "blocks": 1, "deep_width": 6, "deep_blocks": 2}

Make = Callable[..., TranslationLearner]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four dark blue paintings, and a blank one."""
    random = np.random.default_rng(0)
    (tmp_path / "white").mkdir()
    Image.fromarray(np.full((40, 56, 3), 255, np.uint8)).save(tmp_path / "white" / "0.png")
    (tmp_path / "night").mkdir()
    for index in range(4):
        pixels = random.integers(0, 60, (40, 56, 3), dtype=np.uint8) + np.array([0, 0, 120], np.uint8)
        Image.fromarray(pixels).save(tmp_path / "night" / f"{index}.png")
    return tmp_path


@pytest.fixture
def make(data: Path) -> Make:
    shown = list(np.random.default_rng(1).integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8))

    def learner(kind: str, **changes: Any) -> TranslationLearner:
        adam = AdamConfig(learning_rate=2e-3, beta1=0.5, beta2=0.999)
        values: dict[str, Any] = {
            "paintings": "night",
            "translator": LightTranslatorConfig(style="night", **TINY),
            "discriminator": PatchGANConfig(height=SIZE, width=SIZE, channels=4, layers=2),
            "generator_adam": adam,
            "discriminator_adam": adam,
            **changes,
        }
        fabric = Fabric(accelerator="cpu", devices=1)
        if kind == "cyclegan":
            config = CycleGANConfig(**{"history": 3, **values})
            return CycleGANLearner(config, data=data, photos=shown, seed=3, fabric=fabric)
        if kind == "fastcut":
            values |= {"contrast": 10.0, "identity_contrast": 0.0, "flips": True}
        return CUTLearner(CUTConfig(head_width=8, **values), data=data, photos=shown, seed=3, fabric=fabric)

    return learner


every_kind = pytest.mark.parametrize("kind", ["cyclegan", "cut", "fastcut"])


def photos(images_seen: int, count: int = 2) -> Tensor:
    return torch.rand(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(images_seen)) * 2 - 1


def run(learner: TranslationLearner, first: int, steps: int) -> list[Mapping[str, Tensor]]:
    return [learner.step(photos(seen), seen) for seen in range(first, first + 2 * steps, 2)]


def test_terms_are_named_after_what_they_compare(make: Make) -> None:
    assert list(make("cyclegan").step(photos(0), 0)) == [
        *("discriminator.paintings", "discriminator.photos", "generator.paintings", "generator.photos"),
        *("cycle.photos", "cycle.paintings", "identity.paintings", "identity.photos"),
    ]
    assert list(make("cut").step(photos(0), 0)) == [
        *("discriminator", "generator", "contrast.photos", "contrast.paintings")
    ]
    terms = make("fastcut").step(photos(0), 0)
    assert list(terms) == ["discriminator", "generator", "contrast.photos"]
    assert all(term.shape == () and not term.requires_grad for term in terms.values())


@every_kind
def test_a_saved_learner_continues_bit_for_bit(kind: str, make: Make, tmp_path: Path) -> None:
    """Six images fill the history of three, so that what it keeps matters."""
    straight, resumed = make(kind), make(kind)
    run(straight, 0, 3)
    save_state(tmp_path / "a.state", straight.state_dict())
    resumed.load_state_dict(load_state(tmp_path / "a.state"))
    run(straight, 6, 3)
    run(resumed, 6, 3)
    continued = resumed.snapshot().state_dict()
    for name, expected in straight.snapshot().state_dict().items():
        torch.testing.assert_close(continued[name], expected, rtol=0, atol=0)


@every_kind
def test_pictures_take_on_the_colour_of_the_paintings(kind: str, make: Make) -> None:
    quick = AdamConfig(learning_rate=5e-3, beta1=0.5, beta2=0.999)
    learner = make(kind, average_half_life=1, generator_adam=quick)
    before = np.stack(list(learner.draw(3))).mean((0, 1, 2))
    run(learner, 0, 40)
    after = np.stack(list(learner.draw(3))).mean((0, 1, 2))
    blueness = [mean[2] - mean[:2].mean() for mean in (before, after)]
    assert blueness[1] > blueness[0] + 5


@every_kind
def test_what_is_not_finite_is_refused_and_nothing_moves(kind: str, make: Make) -> None:
    learner = make(kind)
    before = deepcopy(learner.state_dict())
    with pytest.raises(NonFiniteError):
        learner.step(photos(0) * torch.nan, 0)
    after = learner.snapshot().state_dict()
    for name, expected in before["average"].items():
        torch.testing.assert_close(after[name], expected, rtol=0, atol=0)


@every_kind
def test_exactly_flat_skies_do_no_harm(kind: str, make: Make) -> None:
    """Instance normalisation of nothing at all multiplies gradients: both sides are dithered."""
    learner = make(kind, paintings="white", translator=LightTranslatorConfig(**{**TINY, "deep_blocks": 6}))
    for seen in (0, 2, 4):
        terms = learner.step(torch.ones(2, 3, SIZE, SIZE), seen)
        assert all(term.isfinite() and term.abs() < 100 for term in terms.values())


def test_the_full_network_learns_as_well(make: Make) -> None:
    terms = make("cut", translator=ResNetTranslatorConfig(style="night", width=4, blocks=2)).step(photos(0), 0)
    assert all(term.isfinite() for term in terms.values())


def test_a_mirrored_photo_is_compared_with_the_photo_as_it_was(make: Make) -> None:
    """What the encoder sees in a mirrored picture, turned back, is compared with the photo: equal ones are found."""
    learner = make("fastcut")
    assert isinstance(learner, CUTLearner)
    images = photos(0)
    known = learner._seen(images)
    fitting = learner._contrast(images.flip(3), known, 0, "photos", mirrored=True)
    turned = learner._contrast(images.flip(3), known, 0, "photos")
    assert fitting < turned


def test_paintings_follow_from_images_seen_and_one_painting_has_many_crops(make: Make) -> None:
    one = "night/0.png"
    first, second = (make("cut", paintings=one, painting_scale=0.4) for _ in range(2))
    torch.testing.assert_close(first._paintings_at(6, 4), second._paintings_at(6, 4), rtol=0, atol=0)
    crops = first._paintings_at(6, 4)
    assert len({crop.sum().item() for crop in crops}) == 4


def test_the_sheet_shows_each_photo_beside_its_picture(make: Make) -> None:
    learner = make("cut")
    (sheet,) = learner.samples()
    pictures = list(learner.draw(4))
    assert sheet.shape == (SIZE, 6 * SIZE, 3)
    np.testing.assert_array_equal(sheet[:, 3 * SIZE : 4 * SIZE], pictures[1])
    np.testing.assert_array_equal(pictures[3], pictures[0])


def test_the_discriminator_has_an_opinion_and_does_not_change(make: Make) -> None:
    learner = make("cyclegan")
    logits = learner.opinion(photos(0, 3))
    assert logits is not None and logits.shape == (3,)
    torch.testing.assert_close(learner.opinion(photos(0, 3)), logits, rtol=0, atol=0)


def test_it_begins_with_the_brushes_of_a_painter(make: Make, tmp_path: Path) -> None:
    torch.manual_seed(0)
    painter = FeedForwardStylizer(FeedForwardConfig(styles=("calm", "wild"), **TINY))
    save_snapshot(tmp_path / "painter.safetensors", painter, {})
    started = make("cut", start=str(tmp_path / "painter.safetensors")).snapshot()
    assert isinstance(started, LightTranslator) and started.config.style == "night"
    weight = "down.convolution.weight"
    torch.testing.assert_close(started.painter.state_dict()[weight], painter.state_dict()[weight], atol=1e-3, rtol=0)
    with pytest.raises(ConfigError, match="--start"):
        TranslationConfig(translator=ResNetTranslatorConfig(), start="painter")


def test_missing_paintings_are_one_sentence(make: Make) -> None:
    with pytest.raises(DataError, match="dusk"):
        make("cut", paintings="dusk")


@pytest.mark.parametrize("values", [{"game": "chess"}, {"game": "wasserstein"}, {"adversarial": -1.0}])
def test_what_makes_no_sense_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        TranslationConfig(**values)


def test_a_history_shows_old_images_half_of_the_time_and_is_repeatable() -> None:
    def shown(restore_at: int | None = None) -> list[float]:
        pool, values = HistoryPool(4, seed=1, purpose="test"), []
        for number in range(204):
            if number == restore_at:
                state, pool = pool.state_dict(), HistoryPool(4, seed=1, purpose="test")
                pool.load_state_dict(state)
            values.append(float(pool.shown(torch.full((1, 3, 2, 2), float(number)), number)[0, 0, 0, 0]))
        return values

    values = shown()
    assert values[:4] == [0, 1, 2, 3]
    old = [number - value for number, value in enumerate(values) if value != number]
    assert 70 < len(old) < 130 and max(old) > 4
    assert shown(restore_at=100) == values


def test_without_a_history_the_newest_is_shown() -> None:
    images = torch.rand(3, 3, 2, 2)
    torch.testing.assert_close(HistoryPool(0, seed=0, purpose="test").shown(images, 0), images)
    with pytest.raises(ConfigError, match="history"):
        HistoryPool(-1, seed=0, purpose="test")


def test_remedies_know_both_players_of_a_translation() -> None:
    config = CUTConfig()
    slower, lower = slower_discriminator(config), lower_rate(config)
    assert isinstance(slower, CUTConfig) and isinstance(lower, CUTConfig)
    assert slower.generator_adam == config.generator_adam == AdamConfig(beta1=0.5, beta2=0.999)
    for adam in (slower.discriminator_adam, lower.generator_adam, lower.discriminator_adam):
        assert adam.learning_rate == pytest.approx(0.2 * config.generator_adam.learning_rate)
    assert more_augmentation(config) is None
