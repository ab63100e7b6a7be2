"""One optimiser's step: clipped, checked, at the rate of the schedule."""

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from shanshui.errors import NonFiniteError
from shanshui.training.schedules import Schedule
from shanshui.training.update import AdamConfig, Updater, frozen


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


def test_clipping_bounds_the_length_of_the_gradient() -> None:
    one = updater(clip_norm=0.5)
    one(terms(one, 1e3), 0)
    gradient = torch.cat(
        [parameter.grad.flatten() for parameter in one.network.parameters() if parameter.grad is not None]
    )
    assert gradient.norm() == pytest.approx(0.5, rel=1e-3)


def test_a_frozen_network_passes_gradients_on_and_learns_again_afterwards() -> None:
    network, x = nn.Linear(2, 1), torch.ones(1, 2, requires_grad=True)
    with frozen(network):
        network(x).sum().backward()
    assert x.grad is not None and network.weight.grad is None
    assert network.weight.requires_grad


@pytest.mark.parametrize(
    ("schedule", "seen", "factor"),
    [
        (Schedule(), 10**6, 1.0),
        (Schedule(warm_up=100), 25, 0.25),
        (Schedule(kind="linear", decay_images=100), 75, 0.25),
        (Schedule(kind="linear", decay_images=100), 500, 0.0),
        (Schedule(kind="cosine", decay_images=100), 50, 0.5),
        (Schedule(kind="cosine", decay_images=100, floor=0.2), 100, 0.2),
    ],
)
def test_schedules_are_functions_of_images_seen(schedule: Schedule, seen: int, factor: float) -> None:
    assert schedule.factor(seen) == pytest.approx(factor)
