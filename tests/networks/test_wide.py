"""Wide scenes: the trained size stays as it is, a ring has no end, and places see nothing but their surroundings."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from shanshui.checkpoints.registry import build
from shanshui.networks.generators.base import SceneNetwork
from shanshui.networks.generators.r3gan import R3GAN, R3GANConfig
from shanshui.networks.generators.style_based import PixelNoise
from shanshui.networks.generators.wide import Places, along, around, cut, draw_wide_latents, merge, render_wide

SMALLEST = {"latent": 8, "width": 4}
STYLE_BASED = {**SMALLEST, "doublings": 2, "style": 8, "widest": 8, "mapping_layers": 2}
CONFIGS: dict[str, dict[str, Any]] = {
    "dcgan": {**SMALLEST, "doublings": 2},
    "resnet": {**SMALLEST, "doublings": 2},
    "stylegan": STYLE_BASED,
    "stylegan2": STYLE_BASED,
    "r3gan": {**SMALLEST, "doublings": 2, "group": 4},
    "fastgan": {**SMALLEST, "doublings": 4, "block": "full"},
}


@pytest.fixture(params=CONFIGS)
def network(request: pytest.FixtureRequest) -> SceneNetwork:
    return trained(request.param)


def trained(name: str, **changes: Any) -> SceneNetwork:
    """As after some training: noise has an effect, no layer is blind to its input, and batch norm knows its maps."""
    torch.manual_seed(0)
    network = build(name, {**CONFIGS[name], **changes})
    assert isinstance(network, SceneNetwork)
    for module in network.modules():
        if isinstance(module, PixelNoise):
            torch.nn.init.constant_(module.strengths, 0.3)
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    if name == "r3gan":
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, 0.0, 0.5)
    with torch.no_grad():
        labels = torch.zeros(8, dtype=torch.int64) if network.config.labels else None
        network(network.draw_latents(8, torch.Generator()), labels)
    return network.eval()


def drawn(network: SceneNetwork, places: Places, seed: int = 0) -> Tensor:
    return network.codes(draw_wide_latents(network, places, torch.Generator().manual_seed(seed)))


@torch.no_grad()
def render(network: SceneNetwork, codes: Tensor, places: Places) -> Tensor:
    return render_wide(network, codes, places)


def ring_of(network: SceneNetwork, *, widths: int) -> Places:
    height, width = network.size
    return around(network, height, widths * width)


def test_the_trained_size_is_one_place_and_its_scene_the_same_to_the_last_bit(network: SceneNetwork) -> None:
    places = along(network, *network.size)
    latents = network.draw_latents(1, torch.Generator().manual_seed(5))
    assert len(places.starts) == 1
    assert torch.equal(render(network, drawn(network, places, 5), places), network.sample(latents))


@pytest.mark.parametrize("lay", [along, around])
def test_wide_scenes_have_the_size_that_was_asked_for(
    network: SceneNetwork, lay: Callable[[SceneNetwork, int, int], Places]
) -> None:
    height, width = network.size
    for wide in (width + 2**network.config.doublings, 3 * width):
        places = lay(network, height, wide)
        codes = torch.cat([drawn(network, places, seed) for seed in range(2)])
        assert render(network, codes, places).shape == (2, 3, height, wide)


def test_turning_the_ring_of_codes_turns_the_scene(network: SceneNetwork) -> None:
    """No column of a ring is special, so the join, too, is a column like all others."""
    places = ring_of(network, widths=2)
    codes = drawn(network, places)
    assert len(places.starts) == 4
    turned = render(network, codes.roll(1, dims=0), places)
    half = network.size[1] // 2
    assert torch.allclose(turned, render(network, codes, places).roll(half, dims=3), atol=1e-5)
    assert not torch.allclose(turned, render(network, codes, places), atol=1e-2)


def test_the_edges_of_a_ring_join_and_those_of_a_strip_do_not() -> None:
    """Over many scenes a step across the join is as large as one where another place begins.

    The network's blocks are still the identity, so it makes smooth scenes, in which a cut shows.
    """
    torch.manual_seed(0)
    network = R3GAN(R3GANConfig(doublings=3, latent=8, width=4, group=4)).eval()
    height, width = network.size

    def ratio(places: Places) -> float:
        scenes = render(network, torch.cat([drawn(network, places, seed) for seed in range(50)]), places)
        steps = (scenes.roll(-1, dims=3) - scenes).abs().mean(dim=(0, 1, 2))
        return (steps[-1] / steps[width // 2 - 1 : -1 : width // 2].mean()).item()

    assert 0.5 < ratio(around(network, height, 2 * width)) < 1.5
    assert ratio(along(network, height, 2 * width)) > 4


def test_a_place_changes_its_surroundings_alone(network: SceneNetwork) -> None:
    """Pooling and normalisation see a place, not the whole width."""
    places = ring_of(network, widths=8)
    codes = drawn(network, places)
    other = codes.clone()
    other[0] = drawn(network, places, seed=1)[0]
    changes = (render(network, other, places) - render(network, codes, places)).abs().amax(dim=(0, 1, 2))
    width = network.size[1]
    assert changes[:width].max() > 1e-3
    assert changes[4 * width : 5 * width].max() < 1e-6


@pytest.mark.parametrize("scale", [1, 8])
def test_a_place_counts_most_in_its_middle_and_places_together_count_one(scale: int) -> None:
    covered, weights = Places(starts=(0, 2, 4, 6), width=4, columns=8).at(scale, 1)
    assert bool((weights.diff(dim=1)[:, : 2 * scale - 1] > 0).all()) and torch.allclose(weights, weights.flip(1))
    total = torch.zeros(8 * scale, dtype=torch.float64).index_add(0, covered.flatten(), weights.flatten())
    assert torch.allclose(total, torch.ones_like(total))


def test_the_network_stays_as_it_is(network: SceneNetwork) -> None:
    latents = network.draw_latents(1, torch.Generator())
    before = network.sample(latents)
    places = ring_of(network, widths=2)
    codes = drawn(network, places)
    assert torch.equal(render(network, codes, places), render(network, codes, places))
    assert torch.equal(network.sample(latents), before)
    assert not any(module._forward_hooks for module in network.modules())


def test_gradients_reach_the_codes_and_the_weights(network: SceneNetwork) -> None:
    places = ring_of(network, widths=2)
    codes = drawn(network, places).detach().requires_grad_()
    render_wide(network, codes, places).square().sum().backward()
    assert codes.grad is not None and bool((codes.grad.flatten(1).abs().amax(dim=1) > 0).all())
    assert any(parameter.grad is not None for parameter in network.parameters())


PLACES = [
    Places(starts=(0, 2, 4, 6), width=4, columns=8),
    Places(starts=(0, 3, 7), width=7, columns=10),
    Places(starts=(0, 2, 5), width=4, columns=9),
]


@pytest.mark.parametrize("places", PLACES)
def test_merging_what_places_see_of_a_map_gives_the_map(places: Places) -> None:
    wide = torch.randn(2, 3, 5, 4 * places.columns)
    assert torch.allclose(merge(cut(wide, places), places), wide, atol=1e-6)


@pytest.mark.parametrize("places", PLACES)
def test_merging_keeps_the_variance_of_noise_that_a_mean_would_lower(places: Places) -> None:
    noise = torch.randn(len(places.starts), 2000, 1, 2 * places.width)
    assert merge(noise, places, norm=2).var(dim=1).flatten().tolist() == pytest.approx(
        [1.0] * 2 * places.columns, abs=0.15
    )
    assert merge(noise, places).var(dim=1).min() < 0.7


def test_latents_of_places_are_standard_normal_and_have_half_their_variance_in_common() -> None:
    network = trained("dcgan", latent=4000)
    latents = draw_wide_latents(network, ring_of(network, widths=2), torch.Generator())
    assert latents.shape == (4, 4000)
    expected = 0.5 + 0.5 * torch.eye(4)
    assert torch.allclose(latents @ latents.T / 4000, expected, atol=4 / math.sqrt(4000))


def test_a_class_is_told_to_each_place() -> None:
    network = trained("fastgan", labels=2)
    places = ring_of(network, widths=2)
    codes = draw_wide_latents(network, places, torch.Generator())
    with torch.no_grad():
        first, second = (render_wide(network, codes, places, torch.full((4,), label)) for label in range(2))
    assert not torch.allclose(first, second)


def test_a_coarsest_map_with_an_odd_number_of_columns_goes_round_too() -> None:
    network = trained("stylegan2", start=(4, 7))
    places = ring_of(network, widths=1)
    scene = render(network, drawn(network, places), places)
    assert scene.shape == (1, 3, *network.size)


@pytest.mark.parametrize("lay", [along, around])
@pytest.mark.parametrize("size", [(32, 16), (16, 12), (16, 18), (8, 16), (0, 0)])
def test_heights_and_widths_that_cannot_be_are_refused(
    lay: Callable[[SceneNetwork, int, int], Places], size: tuple[int, int]
) -> None:
    network = trained("stylegan2")
    assert network.size == (16, 16)
    with pytest.raises(ValueError, match="16 pixels high and 16 or more wide, in steps of 4, not"):
        lay(network, *size)


def test_scenes_that_grow_from_a_single_column_have_one_size() -> None:
    network = trained("dcgan", start=(4, 1))
    assert len(along(network, *network.size).starts) == 1
    with pytest.raises(ValueError, match="one column"):
        around(network, *network.size)
