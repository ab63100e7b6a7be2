"""StyleGAN: adaptive instance normalisation, and the paper's number of parameters."""

import pytest
import torch
from torch.nn import functional as F

from shanshui.networks.generators.stylegan import AdaptiveNorm, StyleGAN, StyleGANConfig


def test_adaptive_norm_is_instance_norm_scaled_and_shifted_by_the_style() -> None:
    torch.manual_seed(0)
    norm, x, styles = AdaptiveNorm(6, 4), 3 * torch.randn(2, 4, 5, 7) + 1, torch.randn(2, 6)
    scale, shift = norm.affine(styles)[:, :, None, None].chunk(2, dim=1)
    assert torch.allclose(norm(x, styles), (1 + scale) * F.instance_norm(x, eps=1e-8) + shift, atol=1e-4)


def test_a_flat_map_stays_finite() -> None:
    norm = AdaptiveNorm(6, 4)
    assert torch.isfinite(norm(torch.full((1, 4, 4, 4), 0.3), torch.randn(1, 6))).all()


def test_the_paper_has_twenty_six_million_parameters() -> None:
    """26.2 million (table 1), of which the colour layers of the eight smaller sizes only serve to grow."""
    with torch.device("meta"):
        network = StyleGAN(StyleGANConfig(doublings=8, width=16))
    colors_while_growing = sum(3 * channels + 3 for channels in network.config.channels[:-1])
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count + colors_while_growing == 26_219_627
    assert network.size == (1024, 1024) and network.layers == 18


def test_gradients_of_gradients_are_right() -> None:
    torch.manual_seed(0)
    norm = AdaptiveNorm(3, 2).double()
    x = torch.randn(1, 2, 2, 3, dtype=torch.float64, requires_grad=True)
    styles = torch.randn(1, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(norm, (x, styles))


@pytest.mark.parametrize("sizes", [1, 3])
def test_two_layers_a_size(sizes: int) -> None:
    network = StyleGAN(StyleGANConfig(doublings=sizes, latent=4, width=2, widest=4, style=4, mapping_layers=1))
    assert network.layers == 2 * (sizes + 1)
