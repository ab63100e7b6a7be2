"""The inpainter's learner: terms by name, fills that improve, exact resumes, nothing that is not finite."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor

from shanshui.errors import ConfigError, NonFiniteError
from shanshui.networks.discriminators.patchgan import PatchGANConfig
from shanshui.networks.encoders.vgg19 import VGG19
from shanshui.networks.inpainter import Inpainter, InpainterConfig
from shanshui.scenes.masks import mask_at
from shanshui.training.learners import inpainter as inpainter_module
from shanshui.training.learners.inpainter import InpainterLearner, InpainterTeaching
from shanshui.training.update import AdamConfig

SIZE = 32
Make = Callable[..., InpainterLearner]


@pytest.fixture(scope="module")
def encoder() -> VGG19:
    return VGG19()


@pytest.fixture
def make(encoder: VGG19, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setattr(inpainter_module, "VGG19", lambda: encoder)

    def learner(**changes: Any) -> InpainterLearner:
        values: dict[str, Any] = {
            "inpainter": InpainterConfig(width=8, widest=16, halvings=1, dilations=(1, 2), latent=4),
            "discriminator": PatchGANConfig(height=SIZE, width=SIZE, channels=4, layers=2, normalization="spectral"),
            "content": {"relu2_2": 1.0},
            "style": {"relu1_2": 1.0},
            "adam": AdamConfig(learning_rate=3e-3, beta1=0.5),
        }
        photos = [np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)]
        return InpainterLearner(
            InpainterTeaching(**{**values, **changes}),
            photos=photos,
            seed=3,
            fabric=Fabric(accelerator="cpu", devices=1),
        )

    return learner


def photos(images_seen: int, count: int = 4) -> Tensor:
    return torch.rand(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(images_seen)) * 2 - 1


def run(learner: InpainterLearner, first: int, steps: int) -> list[Mapping[str, Tensor]]:
    return [learner.step(photos(seen), seen) for seen in range(first, first + 4 * steps, 4)]


def test_terms_say_what_they_are(make: Make) -> None:
    terms = run(make(), 0, 1)[0]
    assert set(terms) == {
        *("discriminator.hinge", "logits.real", "logits.fake", "inpainter.hinge"),
        *("pixels.hole", "pixels.known", "content.relu2_2", "style.relu1_2", "variety"),
    }
    without = run(make(adversarial=0.0, variety=0.0), 0, 1)[0]
    assert set(terms) - set(without) == {"inpainter.hinge", "variety"}


def test_it_learns_a_batch_by_heart(make: Make) -> None:
    learner = make(adversarial=0.0, variety=0.0, content={}, style={}, decay=1.0)
    batch = torch.nn.functional.interpolate(photos(0)[..., ::8, ::8], scale_factor=8.0)
    errors = [float(learner.step(batch, 0)["pixels.hole"]) for _ in range(60)]
    assert errors[-1] < 0.6 * errors[0]


def test_only_patches_that_see_a_hole_are_judged(make: Make) -> None:
    learner = make()
    mask = torch.zeros(1, 1, SIZE, SIZE)
    places = learner._patches(mask)
    logits = learner._discriminator.network(torch.zeros(1, 3, SIZE, SIZE))
    assert places.shape == logits.shape and places.nonzero().tolist() == [[0, 0]], "a mean needs something"
    mask[..., 8:12, 12:16] = 1  # one cell of 4 x 4 pixels: row 2, column 3, of which the logits leave out the rim
    chosen = learner._patches(mask).view(6, 6)
    assert chosen.nonzero().tolist() == [[1, 2]]


def test_some_photos_are_filled_twice(make: Make) -> None:
    batch = torch.rand(8, 3, SIZE, SIZE)
    task = make()._task(batch, 0)
    assert torch.equal(task.photos[:8], batch)
    assert torch.equal(task.photos[8:], task.photos[:2]) and torch.equal(task.masks[8:], task.masks[:2])
    assert not torch.equal(task.latents[8:], task.latents[:2])
    assert torch.equal(task.masks[5, 0], torch.from_numpy(mask_at(3, 5, SIZE, SIZE)))


def test_a_resumed_run_is_an_uninterrupted_one(make: Make) -> None:
    whole, first, second = (make() for _ in range(3))
    run(whole, 0, 4)
    run(first, 0, 2)
    second.load_state_dict(first.state_dict())
    run(second, 8, 2)
    one, other = (learner.snapshot().state_dict() for learner in (whole, second))
    assert all(torch.equal(one[name], other[name]) for name in one)
    for part in ("inpainter", "discriminator"):
        one, other = (learner.state_dict()[part]["network"] for learner in (whole, second))
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_what_is_not_finite_is_refused(make: Make) -> None:
    learner = make()
    before = {name: value.clone() for name, value in learner.snapshot().state_dict().items()}
    with pytest.raises(NonFiniteError):
        learner.step(torch.full((4, 3, SIZE, SIZE), float("nan")), 0)
    after = learner.snapshot().state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_sheet_and_pictures_to_judge(make: Make) -> None:
    learner = make()
    (sheet,) = learner.samples()
    assert sheet.shape == (SIZE, 4 * SIZE, 3)
    drawn = list(learner.draw(3))
    assert [picture.shape for picture in drawn] == [(SIZE, SIZE, 3)] * 3
    hole = mask_at(3, 0, SIZE, SIZE) > 0
    np.testing.assert_array_equal(drawn[0][~hole], sheet[:, -SIZE:][~hole])
    assert isinstance(learner.snapshot(), Inpainter)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ConfigError, match="no game"):
        InpainterTeaching(game="chess")
    with pytest.raises(ConfigError, match="apart is above 0"):
        InpainterTeaching(apart=0.0)
    with pytest.raises(ConfigError, match="at least 0"):
        InpainterTeaching(adversarial=-1.0)
