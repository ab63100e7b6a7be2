"""FastGAN-lite: sizes, what the fused upsampling equals, and what a gradient reaches."""

import pytest
import torch
from torch.nn import functional as F

from shanshui.networks.generators.fastgan import FastGAN, FastGANConfig, _enlarge_and_convolve
from shanshui.networks.spectral import without_spectral_norm

TINY = FastGANConfig(doublings=4, latent=8, width=2)


def tiny(config: FastGANConfig = TINY) -> FastGAN:
    torch.manual_seed(0)
    return FastGAN(config)


@pytest.mark.parametrize(("grid", "size"), [((1, 1), (64, 64)), ((1, 3), (64, 192)), ((2, 1), (128, 64))])
def test_scenes_have_the_size_of_their_latent_grid(grid: tuple[int, int], size: tuple[int, int]) -> None:
    network = tiny()
    assert network.grid_for(*size) == grid
    scenes = network(network.draw_latents(2, grid, torch.Generator()))
    assert scenes.shape == (2, 3, *size)
    assert scenes.abs().max() <= 1


@pytest.mark.parametrize("size", [(60, 64), (64, 0), (-64, 64)])
def test_other_sizes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="multiples of 64"):
        tiny().grid_for(*size)


@pytest.mark.parametrize("side", [2, 9])
def test_fused_upsampling_equals_enlarging_then_convolving(side: int) -> None:
    x, weight = torch.randn(2, 6, side, side + 1), torch.randn(5, 6, 3, 3)
    expected = F.conv2d(F.interpolate(x, scale_factor=2.0), weight, padding=1)
    assert torch.allclose(_enlarge_and_convolve(x, weight), expected, atol=1e-5)


def test_every_parameter_gets_a_gradient() -> None:
    network = tiny()
    network(torch.randn(4, 8, 1, 1)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().max() > 0 for parameter in network.parameters())


def test_the_large_map_is_gated_by_the_small_one() -> None:
    network = tiny().eval()
    latents = torch.randn(1, 8, 1, 1)
    before = network(latents)
    with torch.no_grad():
        for parameter in network.excitations.parameters():
            parameter.zero_()
    assert not torch.allclose(network(latents), before)


def test_dividing_the_spectral_norm_out_changes_no_pixel() -> None:
    network = tiny()
    network(torch.randn(4, 8, 1, 1))
    latents = torch.randn(2, 8, 1, 1)
    assert torch.allclose(without_spectral_norm(network)(latents), network.eval()(latents), atol=1e-5)


def test_evaluation_does_not_depend_on_the_rest_of_the_batch() -> None:
    network = tiny().eval()
    latents = torch.randn(3, 8, 1, 1)
    assert torch.allclose(network(latents)[1:2], network(latents[1:2]), atol=1e-6)
