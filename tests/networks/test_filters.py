"""Filters and filtered resampling: constants pass, and the fast forms equal the definitions."""

import numpy as np
import pytest
import torch
from scipy import signal
from torch import Tensor
from torch.nn import functional as F

from shanshui.networks.filters import SMOOTH, Blur, Doubling, EqualizedHalving, double

ROW = torch.tensor([1.0, 3, 3, 1]) / 8


def spread(x: Tensor) -> Tensor:
    """Each pixel at the upper left of four, the others zero."""
    y = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    y[..., ::2, ::2] = x
    return y


@pytest.mark.parametrize(("taps", "padding"), [((1, 2, 1), 1), (SMOOTH, 1), (SMOOTH, 2)])
def test_blur_is_a_convolution_with_the_binomial_kernel(taps: tuple[int, ...], padding: int) -> None:
    x = torch.randn(1, 2, 6, 7)
    kernel = np.outer(taps, taps) / sum(taps) ** 2
    expected = [signal.convolve2d(np.pad(channel, padding), kernel, mode="valid") for channel in x[0].numpy()]
    assert np.allclose(Blur(taps, padding=padding)(x)[0].numpy(), expected, atol=1e-6)


def test_blur_preserves_a_constant_away_from_the_border() -> None:
    blurred = Blur((1, 2, 1), padding=1, gain=3.0)(torch.full((1, 2, 6, 6), 0.7))
    assert torch.allclose(blurred[..., 1:-1, 1:-1], torch.tensor(2.1))


def test_blur_removes_a_checkerboard() -> None:
    board = (torch.arange(8)[:, None] + torch.arange(8)) % 2 * 2.0 - 1
    assert Blur((1, 2, 1), padding=0)(board[None, None]).abs().max() < 1e-6


def test_the_filter_of_stylegan_is_that_of_stylegan2() -> None:
    assert np.convolve([1, 1], [1, 2, 1]).tolist() == list(SMOOTH)


def test_doubling_is_spreading_convolving_and_filtering() -> None:
    x, weight = torch.randn(2, 3, 4, 5), torch.randn(6, 3, 3, 3)
    # Two zeros in front and one behind let every product of the 3 x 3 kernel appear.
    convolved = F.conv2d(F.pad(spread(x), (2, 1, 2, 1)), weight.flip(2, 3))
    filtered = F.conv2d(F.pad(convolved, (1, 1, 1, 1)), 4 * torch.outer(ROW, ROW).expand(6, 1, 4, 4), groups=6)
    assert torch.allclose(Doubling()(x, weight), filtered, atol=1e-4)


def test_away_from_the_border_doubling_is_nearest_doubling_convolution_and_blur() -> None:
    """The layer of StyleGAN: what `generators.stylegan` promises."""
    x, weight = torch.randn(2, 3, 6, 7), torch.randn(4, 3, 3, 3)
    nearest = F.interpolate(x, scale_factor=2.0)
    expected = Blur((1, 2, 1), padding=1)(F.conv2d(nearest, weight.flip(2, 3), padding=1))
    assert torch.allclose(Doubling()(x, weight)[..., 2:-2, 2:-2], expected[..., 2:-2, 2:-2], atol=1e-4)


def test_doubled_maps_are_filtered_by_1_3_3_1() -> None:
    x = torch.randn(1, 2, 5, 4)
    expected = F.conv2d(F.pad(spread(x), (2, 1, 2, 1)), 4 * torch.outer(ROW, ROW).expand(2, 1, 4, 4), groups=2)
    assert torch.allclose(double(x)[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1], atol=1e-5)
    assert torch.allclose(double(torch.full((1, 1, 2, 2), 0.3)), torch.tensor(0.3)), "the border is repeated"


@pytest.mark.parametrize("kernel", [1, 3])
def test_halving_is_filtering_convolving_and_keeping_every_second_position(kernel: int) -> None:
    layer, x = EqualizedHalving(3, 5, kernel), torch.randn(2, 3, 8, 6)
    around = 1 + kernel // 2
    filtered = F.conv2d(F.pad(x, (around,) * 4), torch.outer(ROW, ROW).expand(3, 1, 4, 4), groups=3)
    expected = F.conv2d(filtered, layer.scaled_weight(), layer.scaled_bias())[..., ::2, ::2]
    assert layer(x).shape == (2, 5, 4, 3)
    assert torch.allclose(layer(x), expected, atol=1e-5)


def test_resampling_shifts_nothing() -> None:
    """A mirrored map gives the mirrored result, for a kernel that is symmetric."""
    x, weight = torch.randn(1, 2, 4, 6), torch.ones(2, 2, 3, 3)
    doubling, halving = Doubling(), EqualizedHalving(2, 2, 3)
    torch.nn.init.ones_(halving.weight)
    assert torch.allclose(doubling(x.flip(3), weight), doubling(x, weight).flip(3), atol=1e-5)
    assert torch.allclose(halving(x.flip(3)), halving(x).flip(3), atol=1e-5)
    assert torch.allclose(double(x.flip(3)), double(x).flip(3), atol=1e-5)


def test_filters_are_no_part_of_the_state() -> None:
    assert set(EqualizedHalving(2, 2, 3).state_dict()) == {"weight", "bias"}
    assert Doubling().state_dict() == {}


def test_gradients_of_gradients_are_right() -> None:
    x = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(Doubling().double(), (x, weight))
    assert torch.autograd.gradgradcheck(EqualizedHalving(2, 1, 3).double(), x)
    assert torch.autograd.gradgradcheck(lambda y: double(y).square(), x)
