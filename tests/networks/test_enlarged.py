"""A generator with an enlarger behind it is a scene generator like any other."""

from dataclasses import replace

import pytest
import torch

from shanshui.networks.directions import closed_form, first_map
from shanshui.networks.enlarger import EnlargerConfig, bicubic
from shanshui.networks.generators.enlarged import Enlarged, enlarged
from shanshui.networks.generators.fastgan import FastGANConfig
from shanshui.networks.generators.wide import along, draw_wide_latents, render_wide

SMALL = FastGANConfig(doublings=3, latent=4, width=4, start=(4, 4))


@pytest.fixture
def network() -> Enlarged:
    torch.manual_seed(0)
    made = Enlarged(enlarged(SMALL, EnlargerConfig(width=4, blocks=1)))
    torch.nn.init.normal_(made.enlarger.strokes.weight, std=0.1)
    return made.eval()


def latents(network: Enlarged, count: int = 2) -> torch.Tensor:
    return network.draw_latents(count, torch.Generator().manual_seed(3))


def test_a_seed_makes_the_scene_of_the_small_generator_twice_as_large(network: Enlarged) -> None:
    torch.nn.init.zeros_(network.enlarger.strokes.weight)
    drawn = latents(network)
    assert network.size == (64, 64)
    assert torch.equal(network(drawn), bicubic(network.scenes(drawn)))


def test_scenes_for_use_are_in_range(network: Enlarged) -> None:
    torch.nn.init.constant_(network.enlarger.strokes.bias, 3.0)  # type: ignore[arg-type]
    assert network(latents(network)).max() > 1
    assert network.sample(latents(network)).abs().max() <= 1


def test_without_spectral_norm_it_makes_the_same_scenes(network: Enlarged) -> None:
    plain = network.plain()
    assert not plain.config.scenes.spectral_norm
    assert torch.allclose(plain(latents(network)), network(latents(network)), atol=1e-5)


def test_wide_scenes_have_no_seam_where_places_meet(network: Enlarged) -> None:
    places = along(network, 64, 128)
    wide = render_wide(network, draw_wide_latents(network, places, torch.Generator().manual_seed(0)), places)
    assert wide.shape == (1, 3, 64, 128)
    steps = (wide[..., 1:] - wide[..., :-1]).abs().mean((0, 1, 2))
    assert steps.max() < 4 * steps.mean()


def test_its_directions_are_those_of_the_small_generator(network: Enlarged) -> None:
    drawn = latents(network, 8)
    own, small = closed_form(network, drawn), closed_form(network.scenes, drawn)
    assert torch.equal(own.vectors, small.vectors)
    assert torch.equal(first_map(network, drawn), first_map(network.scenes, drawn))


@pytest.mark.parametrize("changes", [{"doublings": 3}, {"latent": 8}, {"labels": 2}])
def test_numbers_that_are_not_those_of_the_small_scenes_are_refused(changes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="doubles once more"):
        Enlarged(replace(enlarged(SMALL, EnlargerConfig()), **changes))  # type: ignore[arg-type]
