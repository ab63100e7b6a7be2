"""One optimiser's step: clipped, checked, at the rate of the schedule."""

from pathlib import Path
from typing import Literal, get_args

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from shanshui.checkpoints.state import load_state, save_state
from shanshui.errors import ConfigError, NonFiniteError
from shanshui.training.schedules import Schedule
from shanshui.training.update import AdamConfig, Updater, frozen

Precision = Literal["32-true", "bf16-mixed"]


def updater(**config: object) -> Updater:
    torch.manual_seed(0)
    return Updater(Fabric(accelerator="cpu", devices=1), nn.Linear(3, 1), AdamConfig(**config))  # type: ignore[arg-type]


def weights(of: Updater) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten().clone() for parameter in of.network.parameters()])


def terms(of: Updater, scale: float = 1.0) -> dict[str, torch.Tensor]:
    output = of.network(torch.ones(1, 3))
    return {"near": scale * output.square().sum(), "far": scale * output.sum()}


def test_a_step_goes_downhill_on_the_sum_of_the_terms() -> None:
    one = updater(learning_rate=1e-3)
    before = sum(terms(one).values())
    one(terms(one), 0)
    assert sum(terms(one).values()) < before


def test_the_schedule_scales_the_step() -> None:
    warming = updater(learning_rate=1e-2, schedule=Schedule(warm_up=100))
    start = weights(warming)
    warming(terms(warming), 0)
    assert torch.equal(weights(warming), start)
    warming(terms(warming), 50)
    assert not torch.equal(weights(warming), start)


@pytest.mark.parametrize("scale", [float("nan"), float("inf")])
def test_a_term_that_is_not_finite_is_named_and_changes_nothing(scale: float) -> None:
    one = updater()
    start = weights(one)
    with pytest.raises(NonFiniteError, match="near"):
        one(terms(one, scale), 0)
    assert torch.equal(weights(one), start)


def test_a_gradient_that_is_not_finite_is_named_and_changes_nothing() -> None:
    one = updater()
    start = weights(one)
    # The square root is finite at 0, its slope is not.
    root = (one.network(torch.ones(1, 3)) * 0).sum().abs().sqrt()
    with pytest.raises(NonFiniteError, match=r"gradient of .*weight"):
        one({"root": root}, 0)
    assert torch.equal(weights(one), start)


def gradient(of: Updater) -> torch.Tensor:
    return torch.cat([parameter.grad.flatten() for parameter in of.network.parameters() if parameter.grad is not None])


def test_clipping_bounds_the_length_of_the_gradient() -> None:
    one = updater(clip_norm=0.5)
    one(terms(one, 1e3), 0)
    assert gradient(one).norm() == pytest.approx(0.5, rel=1e-3)


def test_clipping_by_value_bounds_each_entry_and_leaves_small_ones() -> None:
    free, clipped = updater(), updater(clip_value=0.2)
    for one in (free, clipped):
        one({"slanted": one.network(torch.tensor([[0.1, -5.0, 0.0]])).sum()}, 0)
    assert torch.equal(gradient(free), torch.tensor([0.1, -5.0, 0.0, 1.0]))
    assert torch.equal(gradient(clipped), torch.tensor([0.1, -0.2, 0.0, 0.2]))


def test_the_length_is_clipped_after_the_values() -> None:
    one = updater(clip_value=0.2, clip_norm=0.1)
    one({"slanted": one.network(torch.tensor([[0.1, -5.0, 0.0]])).sum()}, 0)
    torch.testing.assert_close(gradient(one), torch.tensor([0.1, -0.2, 0.0, 0.2]) * (0.1 / 0.3))


def test_the_parts_of_a_batch_give_the_gradient_and_the_step_of_the_whole() -> None:
    batch = torch.randn(6, 3)
    whole, parts = updater(), updater()

    def mean_square(of: Updater, images: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"square": of.network(images).square().mean(), "sum": of.network(images).mean()}

    for seen in (0, 6):
        whole(mean_square(whole, batch), seen)
        for part in (batch[:1], batch[1:4], batch[4:]):
            parts.backward(mean_square(parts, part), share=len(part) / 6)
        parts.step(seen)
        torch.testing.assert_close(gradient(parts), gradient(whole))
        torch.testing.assert_close(weights(parts), weights(whole))


def test_gradients_that_another_player_left_do_not_count() -> None:
    clean, soiled = updater(), updater()
    (1e3 * soiled.network(torch.ones(1, 3)).sum()).backward()
    for one in (clean, soiled):
        one(terms(one), 0)
    assert torch.equal(gradient(clean), gradient(soiled))


def test_weights_are_drawn_to_zero_and_biases_are_not() -> None:
    one = updater(l1=0.5, l2=3.0)
    weight = next(one.network.parameters()).detach().clone()
    # A loss whose own gradient is zero.
    one({"nothing": 0 * one.network(torch.ones(1, 3)).sum()}, 0)
    torch.testing.assert_close(
        gradient(one), torch.cat([(0.5 * weight.sign() + 3.0 * weight).flatten(), torch.zeros(1)])
    )


@pytest.mark.parametrize("precision", get_args(Precision))
def test_a_penalty_may_take_gradients_of_what_the_network_answers(precision: Precision) -> None:
    torch.manual_seed(0)
    inner, outer = nn.Linear(3, 64), nn.Linear(64, 1)
    images = torch.randn(4, 3, requires_grad=True)
    with torch.no_grad():
        exact = (torch.sigmoid(inner(images)) * outer.weight) @ inner.weight

    bend = nn.Sequential(inner, nn.Softplus(), outer)
    one = Updater(Fabric(accelerator="cpu", devices=1, precision=precision), bend, AdamConfig())
    answers = one.differentiable(images)
    assert torch.equal(answers, one.network(images)) and answers.dtype == torch.float32
    (slopes,) = torch.autograd.grad(answers.sum(), images, create_graph=True)
    torch.testing.assert_close(slopes.detach(), exact, rtol=0.05, atol=0.01)
    one({"slope": slopes.square().sum()}, 0)
    assert gradient(one).abs().sum() > 0


def test_beta2_follows_its_schedule() -> None:
    """R3GAN's: from .9 to .99."""
    one = updater(beta2=0.99, beta2_schedule=Schedule(warm_up=100, rise="cosine", start=0.9 / 0.99))
    for seen, expected in ((0, 0.9), (50, 0.945), (100, 0.99), (500, 0.99)):
        one(terms(one), seen)
        (group,) = one.state_dict()["optimizer"]["param_groups"]
        assert group["betas"] == pytest.approx((0.0, expected))


def test_a_small_beta2_forgets_the_large_gradients_of_the_past() -> None:
    """Adam divides by the root of the second moment: with beta2 = 0 that is the present gradient, and a step is lr."""
    one = updater(learning_rate=1e-2, beta2=0.99, beta2_schedule=Schedule(warm_up=100))
    one({"large": 1e4 * one.network(torch.ones(1, 3)).sum()}, 0)
    start = weights(one)
    one({"small": one.network(torch.ones(1, 3)).sum()}, 0)
    torch.testing.assert_close(start - weights(one), torch.full((4,), 1e-2))


def test_lazy_penalties_have_an_adam_that_makes_up_for_their_additional_step() -> None:
    """Karras et al. 2020, appendix B, with its own numbers: lr .002 and betas (0, .99) every 16 steps."""
    lazy = AdamConfig(learning_rate=2e-3, beta1=0.5, beta2=0.99, clip_norm=3.0).lazily(16)
    assert lazy.learning_rate == pytest.approx(2e-3 * 16 / 17)
    assert (lazy.beta1, lazy.beta2) == pytest.approx((0.5 ** (16 / 17), 0.99 ** (16 / 17)))
    assert lazy.clip_norm == 3.0
    with pytest.raises(ConfigError, match="every 0 steps"):
        AdamConfig().lazily(0)


def test_a_frozen_network_passes_gradients_on_and_learns_again_afterwards() -> None:
    network, x = nn.Linear(2, 1), torch.ones(1, 2, requires_grad=True)
    with frozen(network):
        network(x).sum().backward()
    assert x.grad is not None and network.weight.grad is None
    assert network.weight.requires_grad


def test_a_state_from_a_file_goes_on_in_another_memory_format(tmp_path: Path) -> None:
    """Files know no channels-last: moments that were read must still belong to the weights that they belonged to."""

    def convolution() -> Updater:
        torch.manual_seed(0)
        network = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return Updater(Fabric(accelerator="cpu", devices=1), network, AdamConfig(learning_rate=0.1))

    def step(of: Updater, seed: int) -> None:
        images = torch.rand(1, 3, 5, 5, generator=torch.Generator().manual_seed(seed))
        of({"size": of.network(images).square().sum()}, 0)

    straight, resumed = convolution(), convolution()
    step(straight, 0)
    save_state(tmp_path / "a.state", straight.state_dict())
    resumed.load_state_dict(load_state(tmp_path / "a.state"))
    for one in (straight, resumed):
        step(one, 1)
    assert torch.equal(weights(resumed), weights(straight))
