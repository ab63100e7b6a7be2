"""Penalties: their values where they are known, and their gradients against finite differences in float64."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from shanshui.objectives.penalties import (
    gradient_penalty,
    mode_seeking_penalty,
    path_length_penalty,
    zero_centred_penalty,
)
from shanshui.objectives.regularizers import clip_weights, l1, l2

SHAPE = (3, 4, 5)  # of an image


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=random(seed), dtype=torch.float64)


def linear(direction: Tensor) -> Callable[[Tensor], Tensor]:
    """A critic that is equally steep everywhere."""
    return lambda images: (images * direction).sum((1, 2, 3))[:, None] + 0.7


def direction(length: float) -> Tensor:
    drawn = normal(*SHAPE)
    return drawn * (length / float(drawn.norm()))


@pytest.mark.parametrize(("steepness", "penalty"), [(1.0, 0.0), (3.0, 40.0), (0.5, 2.5)])
def test_a_linear_critic_pays_for_its_slope_not_being_one(steepness: float, penalty: float) -> None:
    critic = linear(direction(steepness))
    value = gradient_penalty(critic, normal(6, *SHAPE), normal(6, *SHAPE, seed=1), random())
    assert value.item() == pytest.approx(penalty, abs=1e-12)


def test_the_slope_is_taken_between_a_real_and_a_generated_image_at_a_place_of_its_own() -> None:
    """D(x) = |x|^2 / 2 is as steep at a point as the point is far from 0: the penalty tells where it looked."""
    seen: list[Tensor] = []

    def critic(images: Tensor) -> Tensor:
        seen.append(images.detach())
        return images.square().sum((1, 2, 3)) / 2

    real, fake = torch.ones(200, 1, 1, 1, dtype=torch.float64), -torch.ones(200, 1, 1, 1, dtype=torch.float64)
    value = gradient_penalty(critic, real, fake, random(), strength=1.0)
    (places,) = seen
    assert places.min() > -1 and places.max() < 1 and places.unique().numel() == 200
    assert abs(places.mean()) < 0.15 and places.std() == pytest.approx(2 / math.sqrt(12), abs=0.1)
    assert value.item() == pytest.approx(float((places.abs() - 1).square().mean()))
    again = gradient_penalty(critic, real, fake, random(), strength=1.0)
    assert torch.equal(value, again)


def test_the_zero_centred_penalty_of_a_linear_critic_is_half_its_squared_slope() -> None:
    weight = direction(1.7)
    value = zero_centred_penalty(linear(weight), normal(6, *SHAPE), strength=8.0)
    assert value.item() == pytest.approx(8 / 2 * 1.7**2)


def test_many_logits_of_an_image_count_as_their_mean() -> None:
    weight = direction(1.7)

    def patches(images: Tensor) -> Tensor:
        return linear(weight)(images).expand(-1, 9).reshape(-1, 1, 3, 3)

    value = zero_centred_penalty(patches, normal(6, *SHAPE), strength=8.0)
    assert value.item() == pytest.approx(8 / 2 * 1.7**2)


def test_images_do_not_learn_from_the_penalties_of_a_critic() -> None:
    weight = direction(2.0).requires_grad_()
    real, fake = normal(2, *SHAPE).requires_grad_(), normal(2, *SHAPE, seed=1).requires_grad_()
    (
        gradient_penalty(linear(weight), real, fake, random()) + zero_centred_penalty(linear(weight), fake, 1.0)
    ).backward()
    assert weight.grad is not None and real.grad is None and fake.grad is None


def test_a_critic_without_any_slope_has_a_finite_gradient() -> None:
    """Residual networks whose last layer starts at zero begin like this."""
    weight = torch.zeros(SHAPE, requires_grad=True)
    gradient_penalty(linear(weight), torch.randn(2, *SHAPE), torch.randn(2, *SHAPE), random()).backward()
    assert weight.grad is not None and weight.grad.isfinite().all()


def isotropic(scale: float) -> Callable[[Tensor], Tensor]:
    """Scenes of 1 x D pixels that are their style, scaled: every noise y has the length scale |y|."""
    return lambda styles: scale * styles[:, None, None, :]


def test_path_length_is_the_length_of_the_noise_through_the_transposed_jacobian() -> None:
    styles = normal(4, 64).requires_grad_()
    noise = torch.randn(4, 1, 1, 64, generator=random()).double() / 8
    lengths = 3 * noise.flatten(1).norm(dim=1)
    value, average = path_length_penalty(isotropic(3.0), styles, torch.tensor(2.0), random())
    expected = 2 + 0.01 * (lengths.mean().item() - 2)
    assert average.item() == pytest.approx(expected)
    assert value.item() == pytest.approx(2 * (lengths - expected).square().mean().item())
    assert not average.requires_grad


def test_equal_lengths_that_are_the_average_cost_nothing() -> None:
    """One style, one noise: the lengths differ from the average only if it is told to be another."""
    styles = normal(1, 64).requires_grad_()
    length = torch.randn(1, 64, generator=random()).double().norm() / 8
    value, average = path_length_penalty(isotropic(1.0), styles, length, random())
    assert value.item() == pytest.approx(0, abs=1e-20) and average.item() == pytest.approx(length.item())
    assert path_length_penalty(isotropic(1.0), styles, length / 2, random())[0] > 0.1


def test_layers_that_share_a_style_are_averaged_over() -> None:
    """Scenes that look at layer 0 alone: the squared length is spread over three layers."""
    length = torch.randn(1, 64, generator=random()).double().norm() / 8
    styles = normal(1, 3, 64).requires_grad_()
    _, average = path_length_penalty(lambda w: isotropic(1.0)(w[:, 0]), styles, torch.tensor(0.0), random())
    assert average.item() == pytest.approx(0.01 * length.item() / math.sqrt(3))


def test_gradients_of_path_length_reach_the_mapping_network() -> None:
    mapping, synthesis = nn.Linear(4, 6), nn.Linear(6, 12)
    styles = mapping(torch.randn(3, 4))
    value, _ = path_length_penalty(lambda w: synthesis(w).tanh().view(3, 3, 2, 2), styles, torch.tensor(0.0), random())
    value.backward()
    assert mapping.weight.grad is not None and mapping.weight.grad.abs().sum() > 0
    assert synthesis.weight.grad is not None and synthesis.weight.grad.abs().sum() > 0


def test_mode_seeking_is_the_inverse_of_how_much_scenes_change_with_latents() -> None:
    first, second = normal(5, 8), normal(5, 8, seed=1)
    scenes = (0.25 * first.view(5, 2, 2, 2), 0.25 * second.view(5, 2, 2, 2))
    assert float(mode_seeking_penalty(scenes, (first, second), strength=3.0)) == pytest.approx(3 / 0.25, rel=1e-4)


def test_a_generator_that_ignores_its_latents_pays_a_finite_price() -> None:
    latents = (normal(5, 8), normal(5, 8, seed=1))
    collapsed = torch.zeros(5, 3, 2, 2)
    assert 1e4 < float(mode_seeking_penalty((collapsed, collapsed), latents)) < math.inf


def test_l1_and_l2_add_up_over_all_tensors_and_their_slopes_are_sign_and_weight() -> None:
    weights = [torch.tensor([[1.0, -2.0]], requires_grad=True), torch.tensor([3.0, 0.0], requires_grad=True)]
    assert l1(weights).item() == 6 and l2(weights).item() == 7
    assert [slope.tolist() for slope in torch.autograd.grad(l1(weights), weights)] == [[[1, -1]], [1, 0]]
    assert [slope.tolist() for slope in torch.autograd.grad(l2(weights), weights)] == [[[1, -2]], [3, 0]]


def test_clipping_bounds_every_weight_in_place_and_leaves_small_ones() -> None:
    layer = nn.Linear(2, 1)
    nn.init.constant_(layer.weight, -3.0)
    nn.init.constant_(layer.bias, 0.005)
    clip_weights(layer.parameters(), 0.01)
    assert layer.weight.tolist() == [[pytest.approx(-0.01)] * 2]
    assert layer.bias.item() == pytest.approx(0.005)
    assert layer.weight.requires_grad


class Curved(nn.Module):
    """A critic, or a synthesis network, that bends: its slope depends on the place."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.inner = nn.Parameter(normal(inputs, 7) / 3)
        self.outer = nn.Parameter(normal(7, outputs, seed=1))

    def forward(self, given: Tensor) -> Tensor:
        answers: Tensor = nn.functional.softplus(given.flatten(1) @ self.inner) @ self.outer
        return answers


IMAGES, OTHERS = normal(3, *SHAPE), normal(3, *SHAPE, seed=2)


@pytest.mark.parametrize(
    ("outputs", "penalty"),
    [
        (1, lambda network: gradient_penalty(network, IMAGES, OTHERS, random())),
        (4, lambda network: zero_centred_penalty(network, IMAGES, strength=5.0)),
        (
            12,
            lambda network: mode_seeking_penalty(
                (network(IMAGES).view(3, 3, 2, 2), network(OTHERS).view(3, 3, 2, 2)),
                (normal(3, 8), normal(3, 8, seed=1)),
            ),
        ),
        (2, lambda network: l1([network.inner]) + l2([network.outer])),
    ],
    ids=["gradient", "zero-centred", "mode seeking", "l1 and l2"],
)
def test_gradients_agree_with_finite_differences(outputs: int, penalty: Callable[[Curved], Tensor]) -> None:
    network = Curved(math.prod(SHAPE), outputs)
    analytic = torch.autograd.grad(penalty(network), [network.inner, network.outer])
    for weight, slope in zip([network.inner, network.outer], analytic, strict=True):
        assert _difference(lambda: penalty(network), weight) == pytest.approx((slope * _step(weight)).sum().item())


def test_the_gradient_of_path_length_agrees_with_finite_differences_at_a_fixed_average() -> None:
    network = Curved(60, 2)
    styles = normal(3, 60).requires_grad_()
    start = torch.tensor(0.3, dtype=torch.float64)
    penalty, average = path_length_penalty(lambda w: network(w).view(3, 1, 1, 2), styles, start, random())
    noise = torch.randn(3, 2, generator=random()).double() / math.sqrt(2)

    def held() -> Tensor:
        (slopes,) = torch.autograd.grad((network(styles) * noise).sum(), styles)
        lengths: Tensor = torch.linalg.vector_norm(slopes, dim=1)
        return 2 * (lengths - average).square().mean()

    torch.testing.assert_close(penalty, held())
    analytic = torch.autograd.grad(penalty, [network.inner, network.outer])
    for weight, slope in zip([network.inner, network.outer], analytic, strict=True):
        assert _difference(held, weight) == pytest.approx((slope * _step(weight)).sum().item())


def _step(weight: Tensor) -> Tensor:
    """A direction in which nothing is special."""
    return normal(*weight.shape, seed=9)


def _difference(value: Callable[[], Tensor], weight: Tensor, size: float = 1e-6) -> float:
    """The slope of `value()` along `_step(weight)`, by central differences."""
    with torch.no_grad():
        start = weight.clone()
        weight.add_(_step(weight), alpha=size)
    above = value().item()
    with torch.no_grad():
        weight.copy_(start).sub_(_step(weight), alpha=size)
    below = value().item()
    with torch.no_grad():
        weight.copy_(start)
    return (above - below) / (2 * size)
