"""Spectral convolutions: the norm is one, and evaluation leaves the state alone."""

import torch

from shanshui.networks.spectral import SpectralConv2d


def trained_for(passes: int) -> SpectralConv2d:
    torch.manual_seed(0)
    convolution = SpectralConv2d(4, 6, 3, padding=1)
    for _ in range(passes):
        convolution(torch.zeros(1, 4, 5, 5))
    return convolution


def test_power_iteration_finds_the_largest_singular_value() -> None:
    weight = trained_for(50).plain().weight
    assert torch.isclose(torch.linalg.matrix_norm(weight.flatten(1), 2), torch.tensor(1.0), atol=1e-4)


def test_the_scale_of_the_weight_does_not_matter() -> None:
    convolution, image = trained_for(20).eval(), torch.randn(1, 4, 5, 5)
    before = convolution(image)
    with torch.no_grad():
        convolution.weight.mul_(7)
    assert torch.allclose(convolution(image), before, atol=1e-6)


def test_evaluation_does_not_move_the_estimate() -> None:
    convolution = trained_for(1).eval()
    before = convolution.direction.clone()
    convolution(torch.randn(1, 4, 5, 5))
    assert torch.equal(convolution.direction, before)
