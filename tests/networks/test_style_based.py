"""What StyleGAN and StyleGAN2 share: sizes, mixed styles, noise, the mean style, determinism."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from shanshui.errors import ConfigError
from shanshui.networks.generators.style_based import StyleBasedConfig, StyleBasedGenerator
from shanshui.networks.generators.stylegan import StyleGAN, StyleGANConfig
from shanshui.networks.generators.stylegan2 import StyleGAN2, StyleGAN2Config

Build = Callable[..., StyleBasedGenerator]


def stylegan(**changes: object) -> StyleBasedGenerator:
    torch.manual_seed(0)
    tiny = StyleGANConfig(doublings=2, latent=8, start=(2, 3), width=4, widest=8, style=8, mapping_layers=2)
    return StyleGAN(replace(tiny, **changes))  # type: ignore[arg-type]


def stylegan2(**changes: object) -> StyleBasedGenerator:
    torch.manual_seed(0)
    tiny = StyleGAN2Config(doublings=2, latent=8, start=(2, 3), width=4, widest=8, style=8, mapping_layers=2)
    return StyleGAN2(replace(tiny, **changes))  # type: ignore[arg-type]


@pytest.fixture(params=[stylegan, stylegan2])
def build(request: pytest.FixtureRequest) -> Build:
    made: Build = request.param
    return made


def source(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noisy(network: StyleBasedGenerator) -> StyleBasedGenerator:
    """As after some training: noise has an effect."""
    for name, parameter in network.named_parameters():
        if name.endswith("strengths"):
            torch.nn.init.constant_(parameter, 0.5)
    return network


@pytest.mark.parametrize(("start", "size"), [((4, 4), (16, 16)), ((2, 3), (8, 12)), ((9, 16), (36, 64))])
def test_scenes_have_the_start_times_two_to_the_doublings(
    build: Build, start: tuple[int, int], size: tuple[int, int]
) -> None:
    network = build(start=start)
    assert network.size == size
    latents = network.draw_latents(2, source())
    assert network(latents, random=source()).shape == (2, 3, *size)
    shown = network.sample(latents)
    assert shown.shape == (2, 3, *size) and shown.abs().max() <= 1


def test_channels_double_up_to_the_widest() -> None:
    assert StyleBasedConfig(doublings=8, width=32).channels == (512, 512, 512, 512, 512, 256, 128, 64, 32)


def test_every_parameter_gets_a_gradient(build: Build) -> None:
    network = build(labels=2)
    network(torch.randn(4, 8), torch.tensor([0, 1, 1, 0]), source()).square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().max() > 0] == []


def test_training_is_a_function_of_the_given_randomness(build: Build) -> None:
    network, latents = noisy(build()), torch.randn(2, 8)
    scenes = network(latents, random=source(1))
    torch.manual_seed(123)
    assert torch.equal(network(latents, random=source(1)), scenes)
    assert not torch.allclose(network(latents, random=source(2)), scenes)


def test_without_randomness_or_in_evaluation_a_scene_is_a_function_of_its_latent(build: Build) -> None:
    network, latents = noisy(build()), torch.randn(3, 8)
    assert torch.equal(network(latents), network(latents))
    network.eval()
    whole = network(latents)
    assert torch.equal(network(latents, random=source(1)), network(latents, random=source(2)))
    assert torch.allclose(network(latents[1:2]), whole[1:2], atol=1e-5)


def test_noise_starts_without_effect_and_differs_from_pixel_to_pixel(build: Build) -> None:
    network, latents = build(mixing=0.0), torch.randn(1, 8)
    assert torch.equal(network(latents, random=source(1)), network(latents, random=source(2)))
    change = noisy(network)(latents, random=source(1)) - network(latents, random=source(2))
    assert change.std(dim=(2, 3)).min() > 0


def test_mixing_gives_the_late_layers_of_its_share_of_scenes_to_another_latent(build: Build) -> None:
    network, latents = build(mixing=0.75), torch.randn(400, 8)
    styles = network.styles(latents, random=source())
    own = network.mapping(latents)
    kept = (styles == own[:, None]).all(dim=2)
    assert kept[:, 0].all()
    assert bool((kept[:, 1:] <= kept[:, :-1]).all()), "a style that was given up does not come back"
    assert (~kept).any(dim=1).float().mean().item() == pytest.approx(0.75, abs=0.06)
    changes = kept[~kept.all(dim=1)].sum(dim=1)
    assert set(changes.tolist()) == set(range(1, network.layers)), "every border between layers is used"


def test_forward_is_mapping_then_synthesis(build: Build) -> None:
    network, latents = noisy(build()).eval(), torch.randn(2, 8)
    styles = network.mapping(latents)[:, None].expand(-1, network.layers, -1)
    assert torch.equal(network.synthesis(styles), network(latents))


def test_every_layer_has_a_say(build: Build) -> None:
    network = build().eval()
    styles = torch.randn(1, network.layers, 8, requires_grad=True)
    network.synthesis(styles).square().sum().backward()
    assert styles.grad is not None and styles.grad.abs().amax(dim=2).min() > 0


def test_the_mean_style_follows_training_at_a_decay_of_995_thousandths(build: Build) -> None:
    network, latents = build(), torch.randn(4, 8)
    expected = torch.zeros(8)
    for _ in range(3):
        network(latents, random=source())
        expected = 0.995 * expected + 0.005 * network.mapping(latents).mean(dim=0)
    assert torch.allclose(network.style_mean, expected, atol=1e-6)
    before = network.style_mean.clone()
    network.sample(latents)
    network.eval()(latents)
    assert torch.equal(network.style_mean, before)


def test_truncation_pulls_styles_to_their_mean(build: Build) -> None:
    network, latents = build().eval(), torch.randn(3, 8)
    torch.nn.init.normal_(network.style_mean)
    styles = network.style_mean + 0.5 * (network.mapping(latents) - network.style_mean)
    expected = network.synthesis(styles[:, None].expand(-1, network.layers, -1)).clamp(-1, 1)
    assert torch.allclose(network.sample(latents, truncation=0.5), expected, atol=1e-5)
    typical = network.sample(latents, truncation=0.0)
    assert torch.allclose(typical, typical[:1].expand_as(typical), atol=1e-5)
    assert torch.allclose(network.sample(latents), network(latents).clamp(-1, 1), atol=1e-5)


def test_the_state_is_all_there_is(build: Build) -> None:
    """A network with another's state continues as that one would: nothing is hidden."""
    network = noisy(build())
    network(torch.randn(4, 8), random=source(3))
    torch.manual_seed(99)
    other = type(network)(network.config)  # type: ignore[call-arg]
    other.load_state_dict(network.state_dict())
    latents = torch.randn(4, 8)
    assert torch.equal(other(latents, random=source(5)), network(latents, random=source(5)))
    assert torch.equal(other.style_mean, network.style_mean)
    assert torch.equal(other.eval()(latents), network.eval()(latents))


def test_labels_change_scenes(build: Build) -> None:
    network, latents = build(labels=2).eval(), torch.randn(2, 8)
    zeros, ones = torch.zeros(2, dtype=torch.int64), torch.ones(2, dtype=torch.int64)
    assert not torch.allclose(network(latents, zeros), network(latents, ones), atol=1e-3)
    with pytest.raises(ValueError, match="labels"):
        network(latents)


def test_half_precision_is_close(build: Build) -> None:
    network, latents = noisy(build(start=(4, 4), width=8, widest=32)).eval(), torch.randn(4, 8)
    expected = network(latents)
    with torch.autocast("cpu", torch.bfloat16):
        scenes = network(latents)
    assert scenes.dtype == torch.float32
    assert (scenes - expected).square().mean() < 4e-4 * expected.square().mean()


@pytest.mark.parametrize(
    "changes", [{"start": (0, 4)}, {"doublings": 0}, {"width": 0}, {"style": 0}, {"labels": -1}, {"mixing": 1.5}]
)
def test_impossible_configurations_are_refused(build: Build, changes: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="at least 1" if "mixing" not in changes else r"mixing cannot be 1\.5"):
        build(**changes)
