"""The enlarger's learner: questions that belong to their answers, learning, exact resumes, nothing not finite."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor

from shanshui.errors import ConfigError, NonFiniteError
from shanshui.networks.discriminators.patchgan import PatchGANConfig
from shanshui.networks.discriminators.projected import ProjectedConfig
from shanshui.networks.encoders.efficientnet_lite import EfficientNetLite1
from shanshui.networks.enlarger import EnlargerConfig, halved
from shanshui.networks.generators.enlarged import Enlarged
from shanshui.networks.generators.fastgan import FastGAN, FastGANConfig
from shanshui.training.learners.enlarger import EnlargerLearner, EnlargerTeaching
from shanshui.training.update import AdamConfig

SIDE, PATCH, COUNT = 64, 32, 4
ADAM = AdamConfig(learning_rate=2e-3, beta1=0.0, beta2=0.99)
Make = Callable[..., EnlargerLearner]


@pytest.fixture(scope="module")
def encoder() -> EfficientNetLite1:
    return EfficientNetLite1()


@pytest.fixture
def make(encoder: EfficientNetLite1, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setattr("shanshui.networks.discriminators.projected.EfficientNetLite1", lambda: encoder)
    config = EnlargerTeaching(
        enlarger=EnlargerConfig(width=8, blocks=1),
        patch=PATCH,
        patches=PatchGANConfig(height=PATCH, width=PATCH, channels=4, layers=2, normalization="spectral"),
        projected=ProjectedConfig(height=PATCH, width=PATCH),
        adam=ADAM,
        discriminator_adam=ADAM,
    )
    shown = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)

    def learner(*, labels: int = 0, **changes: Any) -> EnlargerLearner:
        torch.manual_seed(0)
        scenes = FastGAN(FastGANConfig(doublings=3, latent=4, width=4, labels=labels)).plain()
        return EnlargerLearner(
            replace(config, **changes),
            scenes=scenes,
            photos=[shown],
            seed=3,
            fabric=Fabric(accelerator="cpu", devices=1),
        )

    return learner


def photos(images_seen: int) -> Tensor:
    """Edges between two colours, as sharp as pixels allow."""
    random = torch.Generator().manual_seed(images_seen)
    angle = torch.rand(COUNT, 1, 1, 1, generator=random) * 6.3
    rows, columns = torch.meshgrid(*2 * [torch.arange(SIDE) - SIDE / 2], indexing="ij")
    far = rows * angle.sin() + columns * angle.cos()
    return torch.where(far.div(6).floor() % 2 > 0, 0.7, -0.5).expand(-1, 3, -1, -1).contiguous()


def run(learner: EnlargerLearner, first: int, steps: int) -> list[Mapping[str, Tensor]]:
    return [learner.step(photos(seen), seen) for seen in range(first, first + COUNT * steps, COUNT)]


def test_terms_say_what_they_are(make: Make) -> None:
    assert set(run(make(), 0, 1)[0]) == {
        *("pixels", "faith", "enlarger.patches", "enlarger.projected"),
        *(f"logits.{judge}.{kind}" for judge in ("patches", "projected") for kind in ("real", "fake")),
    }


@pytest.mark.parametrize("labels", [0, 3])
def test_questions_belong_to_their_answers(make: Make, labels: int) -> None:
    small, wanted = make(labels=labels)._exercise(photos(0), 0)
    assert small.shape == (2 * COUNT, 3, PATCH // 2, PATCH // 2) and wanted.shape == (COUNT, 3, PATCH, PATCH)
    inside = (..., slice(3, -3), slice(3, -3))  # what the filter sees of the rest of the photo
    assert torch.allclose(halved(wanted)[inside], small[:COUNT][inside], atol=1e-5)


def test_it_finds_a_third_of_the_sharpness_that_halving_took(make: Make) -> None:
    learner = make(adversarial=0.0, faith=0.0, adam=replace(ADAM, learning_rate=1e-2))
    errors = [float(learner.step(photos(0), 0)["pixels"]) for _ in range(100)]
    assert errors[-1] < 0.7 * errors[0]


def test_the_generator_in_front_stays_as_it_is(make: Make) -> None:
    learner = make()
    before = {name: value.clone() for name, value in learner._scenes.state_dict().items()}
    run(learner, 0, 2)
    snapshot = learner.snapshot()
    assert isinstance(snapshot, Enlarged) and snapshot.size == (SIDE, SIDE)
    assert all(torch.equal(before[name], value) for name, value in snapshot.scenes.state_dict().items())


def test_a_resumed_run_is_an_uninterrupted_one(make: Make) -> None:
    whole, first, second = (make() for _ in range(3))
    run(whole, 0, 4)
    run(first, 0, 2)
    second.load_state_dict(first.state_dict())
    run(second, 2 * COUNT, 2)
    for part in ("enlarger", "patches", "projected"):
        one, other = (learner.state_dict()[part]["network"] for learner in (whole, second))
        assert all(torch.equal(one[name], other[name]) for name in one)
    one, other = (learner.snapshot().state_dict() for learner in (whole, second))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_what_is_not_finite_is_refused(make: Make) -> None:
    learner = make()
    before = {name: value.clone() for name, value in learner.snapshot().state_dict().items()}
    with pytest.raises(NonFiniteError):
        learner.step(torch.full((COUNT, 3, SIDE, SIDE), float("nan")), 0)
    after = learner.snapshot().state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_sheet_and_scenes_to_judge(make: Make) -> None:
    learner = make()
    (sheet,) = learner.samples()
    assert sheet.ndim == 3 and sheet.shape[1] >= 3 * SIDE
    one, other = list(learner.draw(10)), list(learner.draw(10))
    assert len(one) == 10 and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert one[0].shape == (SIDE, SIDE, 3)


@pytest.mark.parametrize("changes", [{"patch": 16}, {"patch": 66}, {"pixels": -1.0}])
def test_what_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        EnlargerTeaching(**changes)
