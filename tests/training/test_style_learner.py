"""The style learner: targets from paintings, styles in turn, a step that learns, a state that continues exactly."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from PIL import Image
from torch import Tensor

from shanshui.checkpoints.weights import save_snapshot
from shanshui.errors import ConfigError, DataError
from shanshui.networks.encoders.vgg19 import VGG19
from shanshui.networks.stylizers.feedforward import FeedForwardStylizer
from shanshui.objectives.attacks import attacked, movement
from shanshui.objectives.style import StyleObjective
from shanshui.training.learners import style as style_module
from shanshui.training.learners.exemplars import style_targets
from shanshui.training.learners.style import (
    AddedStyleLearner,
    StyleConfig,
    StyleLearner,
    StyleTeaching,
    new_network,
    styles_in_turn,
)
from shanshui.training.update import AdamConfig

SIZE = 32
STYLES = {"night": ("night.png",), "day": ("day.png",), "both": ("night.png", "day.png")}

Make = Callable[..., StyleLearner]


@pytest.fixture(scope="module")
def encoder() -> VGG19:
    return VGG19()


@pytest.fixture
def paintings(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for name, low, high in (("night", 0, 90), ("day", 150, 256)):
        Image.fromarray(random.integers(low, high, (40, 56, 3), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    return tmp_path


@pytest.fixture
def make(paintings: Path, encoder: VGG19, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes small learners that share one encoder, because loading it takes longer than learning."""
    monkeypatch.setattr(style_module, "VGG19", lambda: encoder)
    photo = np.random.default_rng(1).integers(0, 256, (24, SIZE, 3), dtype=np.uint8)

    def learner(**changes: Any) -> StyleLearner:
        values: dict[str, Any] = {
            "styles": STYLES,
            "painting_side": SIZE,
            "width": 8,
            "blocks": 1,
            "deep_width": 8,
            "deep_blocks": 1,
            "content": {"relu2_2": 1.0},
            "style": {"relu1_2": 1.0, "relu2_2": 1.0},
            "moments": {"relu2_1": 1.0},
            "palette": 1.0,
            "group": 2,
            "adam": AdamConfig(learning_rate=5e-3, beta1=0.9, clip_norm=5.0),
        }
        fabric = Fabric(accelerator="cpu", devices=1)
        config = StyleConfig(**{**values, **changes})
        return StyleLearner(config, new_network(config, 3), data=paintings, photos=[photo], seed=3, fabric=fabric)

    return learner


def photos(images_seen: int, count: int = 6) -> Tensor:
    return torch.rand(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(images_seen)) * 2 - 1


def run(learner: StyleLearner, first: int, steps: int) -> list[Mapping[str, Tensor]]:
    return [learner.step(photos(seen), seen) for seen in range(first, first + 6 * steps, 6)]


def weights(learner: StyleLearner) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in learner.snapshot().state_dict().items()}


def test_terms_are_named_after_what_they_compare(make: Make) -> None:
    terms = make().step(photos(0), 0)
    named = ["content.relu2_2", "style.relu1_2", "style.relu2_2", "moments.relu2_1", "tone", "palette", "tv"]
    assert list(terms) == named
    assert all(term.shape == () and not term.requires_grad for term in terms.values())


def test_learning_comes_closer_to_the_styles(make: Make) -> None:
    adam = AdamConfig(learning_rate=1e-2, beta1=0.9, clip_norm=5.0)
    history = run(make(styles={"day": ("day.png",)}, adam=adam), 0, 24)
    for name, share in (("palette", 0.7), ("style.relu1_2", 0.7)):
        early, late = (sum(float(terms[name]) for terms in part) for part in (history[:6], history[-6:]))
        assert late < share * early, name


def test_steadiness_is_learned_when_asked_for(make: Make) -> None:
    assert "steadiness" not in make().step(photos(0), 0)
    adam = AdamConfig(learning_rate=1e-2, beta1=0.9, clip_norm=5.0)
    history = run(make(styles={"day": ("day.png",)}, adam=adam, steadiness=20.0), 0, 24)
    early, late = (sum(float(terms["steadiness"]) for terms in part) for part in (history[:6], history[-6:]))
    assert 0 < late < 0.7 * early


def test_holding_still_under_attack_is_learned_when_asked_for(make: Make) -> None:
    assert "robustness" not in make().step(photos(0), 0)
    adam = AdamConfig(learning_rate=1e-2, beta1=0.9, clip_norm=5.0)
    moved = [
        moved_under_attack(run_of(make(styles={"day": ("day.png",)}, adam=adam, robustness=weight), 24))
        for weight in (0.0, 50.0)
    ]
    assert moved[1] < 0.7 * moved[0]


def run_of(learner: StyleLearner, steps: int) -> StyleLearner:
    run(learner, 0, steps)
    return learner


def moved_under_attack(learner: StyleLearner) -> float:
    """Root mean square, in steps of eight bits, of what an attack of two such steps does to photos not learned from."""
    network, share = learner.snapshot(), torch.ones(6, 1)
    unseen = photos(10_000)
    worst = attacked(
        lambda x: network(x, share), unseen, reach=4 / 255, steps=4, random=torch.Generator().manual_seed(0)
    )
    with torch.no_grad():
        return float(127.5 * movement(network(worst, share), network(unseen, share)).mean().sqrt())


def test_a_network_may_begin_as_another(make: Make, tmp_path: Path) -> None:
    base = run_of(make(), 1).snapshot()
    assert isinstance(base, FeedForwardStylizer)
    save_snapshot(tmp_path / "base.safetensors", base, {})
    wanted = StyleConfig(styles={"day": (), "dusk": ()}, content={}, style={}, start=str(tmp_path / "base.safetensors"))
    network = new_network(wanted, 0)
    assert network.config == replace(base.config, styles=("day", "dusk"))
    assert all(parameter.requires_grad for parameter in network.parameters())
    photo, day = photos(5, 1), list(STYLES).index("day")
    expected = base(photo, torch.eye(3)[day : day + 1])
    torch.testing.assert_close(network(photo, torch.eye(2)[:1]), expected, rtol=0, atol=0.02)  # half precision


def test_a_restored_learner_continues_bit_for_bit(make: Make) -> None:
    straight, resumed = (make(steadiness=1.0, robustness=1.0) for _ in range(2))
    run(straight, 0, 2)
    resumed.load_state_dict(deepcopy(straight.state_dict()))
    run(straight, 12, 2)
    run(resumed, 12, 2)
    continued = weights(resumed)
    for name, expected in weights(straight).items():
        torch.testing.assert_close(continued[name], expected, rtol=0, atol=0)


def test_every_style_has_its_turn_and_depends_on_images_seen_alone() -> None:
    chosen = [styles_in_turn(3, seen, 6, 2, len(STYLES)).tolist() for seen in range(0, 60, 6)]
    assert all(sorted(styles) == [0, 1, 2] for styles in chosen)
    assert len({tuple(styles) for styles in chosen}) > 1
    assert styles_in_turn(3, 54, 6, 2, len(STYLES)).tolist() == chosen[-1]


def test_a_sky_that_is_exactly_flat_leaves_gradients_finite(make: Make) -> None:
    learner = make(blocks=10, deep_blocks=10)
    told = learner.step(torch.full((6, 3, SIZE, SIZE), -1.0), 0)
    assert all(torch.isfinite(term) for term in told.values())


def test_a_batch_that_cannot_be_grouped_is_one_sentence(make: Make) -> None:
    with pytest.raises(ConfigError, match="multiple"):
        make().step(photos(0, count=5), 0)


def test_the_snapshot_is_the_average_and_stays_as_it_was(make: Make) -> None:
    learner = make()
    run(learner, 0, 1)
    snapshot = learner.snapshot()
    assert isinstance(snapshot, FeedForwardStylizer)
    assert snapshot.config.styles == tuple(STYLES)
    before = deepcopy(snapshot.state_dict())
    run(learner, 6, 1)
    for name, tensor in snapshot.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)
    assert any(not torch.equal(tensor, before[name]) for name, tensor in weights(learner).items())


def test_samples_show_the_photo_and_every_style(make: Make) -> None:
    learner = make()
    (sheet,) = learner.samples()
    assert sheet.shape == (24, 4 * SIZE, 3)
    drawn = list(learner.draw(5))
    assert len(drawn) == 5
    np.testing.assert_array_equal(drawn[0], sheet[:, SIZE : 2 * SIZE])
    np.testing.assert_array_equal(drawn[3], drawn[0])


def test_the_target_of_two_paintings_is_the_mean_of_theirs(paintings: Path, encoder: VGG19) -> None:
    objective = StyleObjective(
        content={}, style={"relu1_2": 1.0}, moments={"relu2_1": 1.0}, tone=0.0, palette=1.0, smoothness=0.0
    )
    targets = style_targets(
        STYLES, paintings, objective=objective, encode=encoder, side=SIZE, margin=0.0, device=torch.device("cpu")
    )
    for rows in (targets.grams["relu1_2"], targets.moments["relu2_1"], targets.palettes):
        torch.testing.assert_close(rows[2], (rows[0] + rows[1]) / 2)
        assert not torch.allclose(rows[0], rows[1])


def test_a_missing_painting_is_one_sentence(make: Make) -> None:
    with pytest.raises(DataError, match=r"dusk\.png"):
        make(styles={"dusk": ("dusk.png",)})


def test_its_own_encoder_may_not_choose_its_best_snapshot() -> None:
    assert StyleLearner.looks_through == "vgg19"


@pytest.fixture
def add(make: Make, paintings: Path) -> Callable[..., AddedStyleLearner]:
    """Makes learners that add the style `more` to a network of two."""
    base = make(styles={name: STYLES[name] for name in ("night", "day")})
    run(base, 0, 2)
    network = base.snapshot()
    assert isinstance(network, FeedForwardStylizer)

    def learner(**changes: Any) -> AddedStyleLearner:
        teaching = StyleTeaching(
            styles={"more": ("day.png",)},
            painting_side=SIZE,
            content={"relu2_2": 1.0},
            style={"relu1_2": 1.0, "relu2_2": 1.0},
            group=2,
            adam=AdamConfig(learning_rate=5e-3, beta1=0.9),
        )
        fabric = Fabric(accelerator="cpu", devices=1)
        teaching = replace(teaching, **changes)
        photo = np.zeros((24, SIZE, 3), np.uint8)
        return AddedStyleLearner(teaching, base=network, data=paintings, photos=[photo], seed=3, fabric=fabric)

    return learner


def test_an_added_style_learns_and_leaves_the_others_as_they_are(add: Callable[..., AddedStyleLearner]) -> None:
    learner = add()
    before = learner.snapshot()
    told = run(learner, 0, 12)
    after = learner.snapshot()
    assert isinstance(before, FeedForwardStylizer)
    assert isinstance(after, FeedForwardStylizer)
    assert after.config.styles == ("night", "day", "more")
    photo = photos(5, 1)
    for style in (0, 1):
        share = torch.eye(3)[style : style + 1]
        torch.testing.assert_close(after(photo, share), before(photo, share), rtol=0, atol=0)
    assert not torch.equal(after(photo, torch.eye(3)[2:]), before(photo, torch.eye(3)[2:]))
    assert told[-1]["style.relu2_2"] < told[0]["style.relu2_2"]


def test_adding_a_style_goes_on_exactly(add: Callable[..., AddedStyleLearner]) -> None:
    whole, first, second = add(), add(), add()
    run(whole, 0, 4)
    run(first, 0, 2)
    second.load_state_dict(first.state_dict())
    run(second, 12, 2)
    for name, tensor in whole.snapshot().state_dict().items():
        assert torch.equal(tensor, second.snapshot().state_dict()[name]), name


def test_a_style_that_the_base_knows_is_refused_before_anything_is_learned(
    add: Callable[..., AddedStyleLearner],
) -> None:
    with pytest.raises(ConfigError, match="knows a style 'day' already"):
        add(styles={"day": ("day.png",)})
