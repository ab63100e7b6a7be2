"""The learner of any painting: a painting for each photo, an encoder that is taught, a state that continues exactly."""

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

from shanshui.checkpoints.weights import save_snapshot
from shanshui.errors import ConfigError, DataError, ModelError
from shanshui.networks.encoders.vgg19 import VGG19
from shanshui.networks.stylizers.arbitrary import ArbitraryConfig, ArbitraryStylizer
from shanshui.networks.stylizers.feedforward import ConditionalInstanceNorm, FeedForwardConfig, FeedForwardStylizer
from shanshui.training.learners import any_style as learner_module
from shanshui.training.learners.any_style import AnyStyleConfig, AnyStyleLearner
from shanshui.training.update import AdamConfig

SIZE = 32
DECODER: Mapping[str, Any] = {"width": 8, "blocks": 1, "deep_width": 8, "deep_blocks": 1}

Make = Callable[..., AnyStyleLearner]


@pytest.fixture(scope="module")
def encoder() -> VGG19:
    return VGG19()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for name, low, high in (("night", 0, 90), ("day", 150, 256)):
        (tmp_path / name).mkdir()
        pixels = random.integers(low, high, (2, 40, 56, 3), dtype=np.uint8)
        for index, painting in enumerate(pixels):
            Image.fromarray(painting).save(tmp_path / name / f"{index}.png")
    return tmp_path


@pytest.fixture
def make(data: Path, encoder: VGG19, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes small learners that share one encoder, because loading it takes longer than learning."""
    monkeypatch.setattr(learner_module, "VGG19", lambda: encoder)
    photo = np.random.default_rng(1).integers(0, 256, (24, SIZE, 3), dtype=np.uint8)

    def learner(**changes: Any) -> AnyStyleLearner:
        values: dict[str, Any] = {
            "paintings": ("night", "day"),
            "painting_size": SIZE,
            "examples": ("night", "day"),
            "network": ArbitraryConfig(**DECODER, encoder_width=8, encoder_deep_width=8, encoder_blocks=1, code=8),
            "content": {"relu2_2": 1.0},
            "style": {"relu1_2": 1.0},
            "moments": {"relu2_1": 1.0},
            "palette": 1.0,
            "adam": AdamConfig(learning_rate=5e-3, beta1=0.9, clip_norm=5.0),
        }
        config = AnyStyleConfig(**{**values, **changes})
        return AnyStyleLearner(config, data=data, photos=[photo], seed=3, fabric=Fabric(accelerator="cpu", devices=1))

    return learner


def photos(images_seen: int, count: int = 4) -> Tensor:
    return torch.rand(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(images_seen)) * 2 - 1


def run(learner: AnyStyleLearner, first: int, steps: int) -> list[Mapping[str, Tensor]]:
    return [learner.step(photos(seen), seen) for seen in range(first, first + 4 * steps, 4)]


def weights(learner: AnyStyleLearner) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in learner.snapshot().state_dict().items()}


def test_terms_are_named_after_what_they_compare(make: Make) -> None:
    terms = make().step(photos(0), 0)
    pictures = ["content.relu2_2", "style.relu1_2", "moments.relu2_1", "tone", "palette", "tv"]
    assert list(terms) == [*pictures, "distillation.relu4_1"]
    assert all(term.shape == () and not term.requires_grad for term in terms.values())


def test_learning_comes_closer_to_paintings_and_to_the_teacher(make: Make) -> None:
    history = run(make(adam=AdamConfig(learning_rate=1e-2, beta1=0.9, clip_norm=5.0)), 0, 30)
    for name, share in (("palette", 0.8), ("style.relu1_2", 0.8), ("distillation.relu4_1", 0.9)):
        early, late = (sum(float(terms[name]) for terms in part) for part in (history[:6], history[-6:]))
        assert late < share * early, name


def test_a_restored_learner_continues_bit_for_bit(make: Make) -> None:
    straight, resumed = make(), make()
    run(straight, 0, 2)
    resumed.load_state_dict(deepcopy(straight.state_dict()))
    run(straight, 8, 2)
    run(resumed, 8, 2)
    continued = weights(resumed)
    for name, expected in weights(straight).items():
        torch.testing.assert_close(continued[name], expected, rtol=0, atol=0)


def test_paintings_take_turns_and_depend_on_images_seen_alone(make: Make) -> None:
    first, second = make(recoloured=0.0), make(recoloured=0.0)
    for seen in (0, 4, 8):
        bright = first._paintings_at(seen, 4).mean((1, 2, 3)) > 0
        assert bright.sum() == 2  # the day has two turns of four
    torch.testing.assert_close(first._paintings_at(8, 4), second._paintings_at(8, 4), rtol=0, atol=0)
    assert not torch.equal(first._paintings_at(8, 4), first._paintings_at(12, 4))


def test_recolouring_moves_whole_channels_of_some_paintings(make: Make) -> None:
    plain, coloured = (make(recoloured=share)._paintings_at(0, 4) for share in (0.0, 1.0))
    means = [images.mean((2, 3)) for images in (plain, coloured)]
    torch.testing.assert_close(*(mean.sort(1).values for mean in means))
    assert not torch.equal(plain, coloured)


def test_a_group_shares_a_painting(make: Make) -> None:
    assert len(make(group=2)._paintings_at(0, 4)) == 2
    with pytest.raises(ConfigError, match="multiple"):
        make(group=3).step(photos(0), 0)


def test_the_snapshot_is_the_stylizer_alone_and_stays_as_it_was(make: Make) -> None:
    learner = make()
    run(learner, 0, 1)
    snapshot = learner.snapshot()
    assert isinstance(snapshot, ArbitraryStylizer)
    before = deepcopy(snapshot.state_dict())
    run(learner, 4, 1)
    for name, tensor in snapshot.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)
    assert any(not torch.equal(tensor, before[name]) for name, tensor in weights(learner).items())


def test_samples_show_paintings_above_and_photos_beside_their_pictures(make: Make) -> None:
    learner = make()
    (sheet,) = learner.samples()
    assert sheet.shape == (2 * 24, 3 * SIZE, 3)
    assert sheet[:24, SIZE : 2 * SIZE].mean() < 60 < 180 < sheet[:24, 2 * SIZE :].mean()
    drawn = list(learner.draw(3))
    np.testing.assert_array_equal(drawn[1], sheet[24:, 2 * SIZE :])
    np.testing.assert_array_equal(drawn[2], drawn[0])


def test_it_begins_with_the_brushes_of_a_model_of_named_styles(make: Make, tmp_path: Path) -> None:
    torch.manual_seed(0)
    painter = FeedForwardStylizer(FeedForwardConfig(styles=("calm", "wild"), **DECODER))
    theirs = painter.get_submodule("stem.norm")
    assert isinstance(theirs, ConditionalInstanceNorm)
    torch.nn.init.normal_(theirs.gamma)
    save_snapshot(tmp_path / "painter.safetensors", painter, {})
    stylizer = make(start=str(tmp_path / "painter.safetensors")).snapshot()
    assert isinstance(stylizer, ArbitraryStylizer)
    convolution = "deep.0.first.convolution.weight"
    torch.testing.assert_close(stylizer.state_dict()[convolution], painter.state_dict()[convolution], atol=1e-3, rtol=0)
    for style in range(2):
        for mine, rows in zip(stylizer.stem.norm.affine(torch.eye(8)[[style]]), theirs.rows(), strict=True):
            torch.testing.assert_close(mine[0], rows[style], atol=1e-2, rtol=1e-2)


def test_what_it_cannot_begin_from_is_one_sentence(make: Make, tmp_path: Path) -> None:
    other = FeedForwardStylizer(FeedForwardConfig(styles=("calm",), **{**DECODER, "blocks": 2}))
    save_snapshot(tmp_path / "other.safetensors", other, {})
    with pytest.raises(ConfigError, match="blocks"):
        make(start=str(tmp_path / "other.safetensors"))
    save_snapshot(tmp_path / "any.safetensors", make().snapshot(), {})
    with pytest.raises(ModelError, match="named styles"):
        make(start=str(tmp_path / "any.safetensors"))


def test_a_missing_data_set_is_one_sentence(make: Make) -> None:
    with pytest.raises(DataError, match="dusk"):
        make(paintings=("dusk",))


def test_its_own_encoder_may_not_choose_its_best_snapshot() -> None:
    assert AnyStyleLearner.looks_through == "vgg19"
