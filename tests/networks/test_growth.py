"""A generator begins where another one is."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from shanshui.errors import ConfigError
from shanshui.networks.gated import GatedUp
from shanshui.networks.generators.fastgan import FastGAN, FastGANConfig
from shanshui.networks.generators.growth import begin_as, grown
from shanshui.networks.generators.stylegan2 import StyleGAN2, StyleGAN2Config

SMALL = FastGANConfig(doublings=4, latent=16, width=8)


def learned(config: FastGANConfig = SMALL) -> FastGAN:
    """A generator whose batch norms have seen some scenes, and whose scenes are as vivid as a trained one's."""
    torch.manual_seed(3)
    network = FastGAN(config)
    newest = list(network.ups.values())[-1]
    assert isinstance(newest, GatedUp)
    torch.nn.init.constant_(newest.norm.weight, 8.0)
    for _ in range(20):
        network(network.draw_latents(32, torch.Generator().manual_seed(1)), labels(network, 32))
    return network.eval()


def labels(network: FastGAN, count: int) -> torch.Tensor | None:
    return torch.arange(count) % network.config.labels if network.config.labels else None


def scenes(network: FastGAN) -> torch.Tensor:
    with torch.no_grad():
        made: torch.Tensor = network.eval()(
            network.draw_latents(32, torch.Generator().manual_seed(7)), labels(network, 32)
        )
    return made


def likeness(one: torch.Tensor, other: torch.Tensor) -> float:
    return float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1])


@pytest.mark.parametrize("config", [SMALL, replace(SMALL, start=(3, 5), labels=3)])
def test_a_grown_generator_makes_the_small_ones_scenes_enlarged(config: FastGANConfig) -> None:
    small = learned(config)
    large = grown(small)
    enlarged = F.interpolate(scenes(small), scale_factor=2.0, mode="bilinear")
    assert large.size == (small.size[0] * 2, small.size[1] * 2)
    assert likeness(scenes(large), enlarged) > 0.9
    fresh = FastGAN(large.config)
    assert abs(likeness(scenes(fresh), enlarged)) < 0.5


def test_it_grows_as_often_as_the_size_asks_for() -> None:
    small, large = learned(replace(SMALL, doublings=2)), FastGAN(SMALL)
    begin_as(large, small)
    assert likeness(F.avg_pool2d(scenes(large), 8), F.avg_pool2d(scenes(small), 2)) > 0.85


def test_a_network_of_the_same_size_is_taken_over_whole() -> None:
    network = FastGAN(SMALL)
    known = learned()
    begin_as(network, known.plain())
    # Trained networks estimate the norms of their weights; here they are computed.
    torch.testing.assert_close(scenes(network), scenes(known), atol=0.03, rtol=0)


def test_every_layer_of_a_grown_generator_learns() -> None:
    large = grown(learned()).train()
    large(large.draw_latents(4, torch.Generator().manual_seed(0))).square().mean().backward()
    assert [name for name, weight in large.named_parameters() if weight.grad is None or not weight.grad.any()] == []


@pytest.mark.parametrize(
    ("network", "known", "message"),
    [
        (FastGAN(SMALL), FastGAN(replace(SMALL, width=16)), "other widths"),
        (FastGAN(SMALL), FastGAN(replace(SMALL, doublings=5)), "64x64 pixels cannot begin as a FastGAN of 128x128"),
        (FastGAN(replace(SMALL, block="full")), FastGAN(replace(SMALL, block="full", doublings=3)), "cannot begin"),
        (FastGAN(SMALL), StyleGAN2(StyleGAN2Config(width=8, widest=16)), "cannot begin as a StyleGAN2"),
    ],
)
def test_what_cannot_begin_as_another_says_why(network: FastGAN, known: FastGAN, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        begin_as(network, known)
