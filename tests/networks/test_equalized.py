"""Equalised learning rate: variance one through every layer, and steps of the same relative size."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from shanshui.networks.equalized import ACTIVATION_GAIN, EqualizedConv2d, EqualizedLinear, activate


def test_a_linear_layer_is_its_definition() -> None:
    layer, x = EqualizedLinear(16, 3, gain=2.0, bias=0.5, rate=0.01), torch.randn(4, 16)
    # Stored divided by the rate, multiplied by it when used.
    matrix = 0.01 * layer.weight / 4
    assert torch.allclose(layer(x), 2 * (x @ matrix.t() + 0.5), atol=1e-5)


def test_a_convolution_is_its_definition() -> None:
    layer, x = EqualizedConv2d(4, 3, 3, gain=2.0), torch.randn(2, 4, 5, 6)
    nn.init.normal_(layer.bias)  # type: ignore[arg-type]
    expected = F.conv2d(x, layer.weight / 6, layer.bias, padding=1)
    assert torch.allclose(layer(x), 2 * expected, atol=1e-5)


@pytest.mark.parametrize("rate", [1.0, 0.01])
def test_unit_variance_in_is_unit_variance_out_whatever_the_rate(rate: float) -> None:
    torch.manual_seed(0)
    assert EqualizedLinear(64, 64, rate=rate)(torch.randn(512, 64)).std().item() == pytest.approx(1, abs=0.05)
    # Inside, where no padding lowers it.
    assert EqualizedConv2d(32, 64, 3)(torch.randn(8, 32, 9, 9))[..., 1:-1, 1:-1].std().item() == pytest.approx(
        1, abs=0.05
    )


def test_one_step_of_adam_is_a_hundred_times_shorter_at_a_hundredth_of_the_rate() -> None:
    def moved_by(rate: float) -> float:
        torch.manual_seed(0)
        layer, x = EqualizedLinear(8, 8, rate=rate), torch.randn(16, 8)
        before = layer(x).detach()
        optimizer = torch.optim.Adam(layer.parameters(), lr=1e-4)
        layer(x).sum().backward()
        optimizer.step()
        distance: float = (layer(x) - before).abs().mean().item()
        return distance

    assert moved_by(1.0) / moved_by(0.01) == pytest.approx(100, rel=0.05)


def test_a_gain_in_front_of_the_activation_equals_one_behind_it() -> None:
    layer, x = EqualizedConv2d(4, 3, 1, gain=ACTIVATION_GAIN), torch.randn(2, 4, 5, 5)
    plain = F.conv2d(x, layer.weight / 2, layer.bias)
    expected = 2**0.5 * F.leaky_relu(plain, 0.2)
    assert torch.allclose(activate(layer(x)), expected, atol=1e-5)


def test_an_activated_layer_nearly_keeps_the_second_moment() -> None:
    x = ACTIVATION_GAIN * torch.randn(100_000)
    assert activate(x).square().mean().item() == pytest.approx((2 + 2 * 0.2**2) / 2, rel=0.02)


@pytest.mark.parametrize("layer", [EqualizedLinear(3, 2), EqualizedConv2d(3, 2, 3)], ids=["linear", "convolution"])
def test_gradients_of_gradients_are_right(layer: nn.Module) -> None:
    shape = (2, 3) if isinstance(layer, EqualizedLinear) else (2, 3, 3, 3)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda y: activate(layer.double()(y)), x)
