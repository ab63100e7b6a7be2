"""The mapping network: scale-free in latents, told labels, slow to learn."""

import pytest
import torch

from shanshui.networks.mapping import MappingNetwork


def network(labels: int = 0) -> MappingNetwork:
    torch.manual_seed(0)
    return MappingNetwork(64, 32, depth=8, labels=labels)


def test_the_length_of_a_latent_does_not_matter() -> None:
    latents = torch.randn(3, 64)
    assert torch.allclose(network()(latents), network()(7 * latents), atol=1e-5)


def test_styles_start_with_unit_power() -> None:
    # sqrt 2 is a little more than the gain that leaky ReLU needs: a power of 1.04 for each of eight layers.
    torch.manual_seed(0)
    power = MappingNetwork(512, 512, depth=8)(torch.randn(64, 512)).square().mean().item()
    assert power == pytest.approx(1.04**8, rel=0.2)


def test_eight_layers_of_the_paper_have_two_million_parameters() -> None:
    with torch.device("meta"):
        paper = MappingNetwork(512, 512, depth=8)
    assert sum(parameter.numel() for parameter in paper.parameters()) == 8 * (512 * 512 + 512)


def test_labels_change_styles() -> None:
    told, latents = network(labels=3), torch.randn(2, 64)
    zeros, ones = torch.zeros(2, dtype=torch.int64), torch.ones(2, dtype=torch.int64)
    assert told(latents, zeros).shape == (2, 32)
    assert not torch.allclose(told(latents, zeros), told(latents, ones), atol=0.01)


def test_labels_must_fit() -> None:
    with pytest.raises(ValueError, match="labels"):
        network()(torch.randn(2, 64), torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="labels"):
        network(labels=3)(torch.randn(2, 64))


def test_autocast_leaves_it_precise() -> None:
    latents, mapping = torch.randn(2, 64), network()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(mapping(latents), mapping(latents.clone()))
        inside = mapping(latents)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, mapping(latents))
