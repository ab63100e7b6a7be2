"""The convolution of a doubled map that is never written: the same as the two steps by themselves."""

import pytest
import torch
from torch import Tensor

from shanshui.networks.filters import double
from shanshui.networks.stylizers import doubled
from shanshui.networks.stylizers.doubled import convolve_doubled
from shanshui.networks.stylizers.feedforward import ConditionalInstanceNorm, ConvNorm


def layer() -> ConvNorm:
    torch.manual_seed(0)
    return ConvNorm(5, 6, lambda channels: ConditionalInstanceNorm(channels, 1))


def maps(height: int, width: int, count: int = 2) -> Tensor:
    return torch.randn(count, 5, height, width, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("height", "width"), [(2, 2), (2, 9), (3, 3), (4, 7), (16, 11)])
def test_it_equals_doubling_and_then_convolving(height: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doubled, "_WORTHWHILE", 0)
    convolution, x = layer().convolution, maps(height, width)
    with torch.inference_mode():
        made = convolve_doubled(x, convolution)
        torch.testing.assert_close(made, convolution(double(x)), atol=1e-5, rtol=1e-5)


def test_large_maps_take_the_short_way_and_small_ones_the_plain_one(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[torch.Size] = []

    def watched(x: Tensor) -> Tensor:
        sizes.append(x.shape[2:])
        return double(x)

    monkeypatch.setattr(doubled, "double", watched)
    convolution = layer().convolution
    with torch.inference_mode():
        convolve_doubled(maps(16, 16), convolution)
        assert sizes == [(16, 16)]
        sizes.clear()
        large = maps(256, 128, count=1)
        made = convolve_doubled(large, convolution)
        assert max(min(size) for size in sizes) == 2, "only borders are doubled"
        torch.testing.assert_close(made, convolution(double(large)), atol=1e-5, rtol=1e-5)


def test_gradients_are_those_of_the_two_steps() -> None:
    x = maps(256, 128, count=1).requires_grad_()
    convolution = layer().convolution
    (slopes,) = torch.autograd.grad(convolve_doubled(x, convolution).square().sum(), x)
    (expected,) = torch.autograd.grad(convolution(double(x)).square().sum(), x)
    assert torch.equal(slopes, expected)
