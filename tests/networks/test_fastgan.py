"""FastGAN: sizes, what the fused upsampling equals, what a gradient reaches, noise, classes, shipped weights."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from shanshui.checkpoints.weights import load_snapshot
from shanshui.checkpoints.zoo import resolve
from shanshui.networks.gated import Noise, enlarge_and_convolve
from shanshui.networks.generators.fastgan import FastGAN, FastGANConfig

TINY = FastGANConfig(doublings=4, latent=8, width=2)
FULL = replace(TINY, block="full")


def tiny(config: FastGANConfig = TINY) -> FastGAN:
    torch.manual_seed(0)
    return FastGAN(config)


@pytest.mark.parametrize(("start", "size"), [((4, 4), (64, 64)), ((4, 12), (64, 192)), ((9, 16), (144, 256))])
def test_scenes_have_the_start_times_two_to_the_doublings(start: tuple[int, int], size: tuple[int, int]) -> None:
    network = tiny(replace(TINY, start=start))
    assert network.size == size
    scenes = network(network.draw_latents(2, torch.Generator()))
    assert scenes.shape == (2, 3, *size)
    assert scenes.abs().max() <= 1


@pytest.mark.parametrize("side", [2, 9])
def test_fused_upsampling_equals_enlarging_then_convolving(side: int) -> None:
    x, weight = torch.randn(2, 6, side, side + 1), torch.randn(5, 6, 3, 3)
    expected = F.conv2d(F.interpolate(x, scale_factor=2.0), weight, padding=1)
    assert torch.allclose(enlarge_and_convolve(x, weight), expected, atol=1e-5)


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


@pytest.mark.parametrize("config", [TINY, FULL])
def test_the_copy_for_use_has_no_spectral_norm_and_makes_the_same_scenes(config: FastGANConfig) -> None:
    network, latents = tiny(config), torch.randn(2, 8, 1, 1)
    network(torch.randn(4, 8, 1, 1))
    plain = network.plain()
    rebuilt = FastGAN(plain.config).eval()
    rebuilt.load_state_dict(plain.state_dict())
    assert not plain.config.spectral_norm
    for copy in (plain, rebuilt):
        assert torch.allclose(copy(latents), network.eval()(latents), atol=1e-5)


def test_evaluation_does_not_depend_on_the_rest_of_the_batch() -> None:
    network = tiny().eval()
    latents = torch.randn(3, 8, 1, 1)
    assert torch.allclose(network(latents)[1:2], network(latents[1:2]), atol=1e-6)


def test_the_shipped_landscape_is_what_its_weights_say_layer_by_layer() -> None:
    """The scene of the lite form written out without its fusions, from the tensors of the file by their names."""
    network, header = load_snapshot(resolve("landscape"))
    assert isinstance(network, FastGAN)
    assert {"doublings": 5, "latent": 128, "width": 32}.items() <= dict(header.config).items()
    state, latents = network.state_dict(), torch.randn(1, 128, 1, 1, generator=torch.Generator().manual_seed(0))

    def normalised_and_gated(x: Tensor, name: str) -> Tensor:
        statistics = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        return F.glu(F.batch_norm(x, *statistics, state[f"{name}.weight"], state[f"{name}.bias"]), dim=1)

    maps = {4: normalised_and_gated(F.conv2d(latents, state["start.linear.weight"]).view(1, -1, 4, 4), "start.norm")}
    for size in (8, 16, 32, 64, 128):
        enlarged = F.interpolate(maps[size // 2], scale_factor=2.0)
        x = F.conv2d(enlarged, state[f"ups.{size}.convolution.weight"], padding=1)
        x = normalised_and_gated(x, f"ups.{size}.norm")
        if size >= 64:
            low = F.adaptive_avg_pool2d(maps[size // 16], 4).flatten(1)
            squeezed = F.silu(low @ state[f"excitations.{size}.squeeze.weight"].flatten(1).T)
            x = x * torch.sigmoid(squeezed @ state[f"excitations.{size}.gate.weight"].flatten(1).T)[:, :, None, None]
        maps[size] = x
    expected = torch.tanh(F.conv2d(maps[128], state["to_rgb.weight"], padding=1))
    assert torch.allclose(network(latents), expected, atol=1e-4)


def test_the_full_form_has_two_convolutions_at_each_size() -> None:
    lite, full = tiny(), tiny(FULL)
    two = [module for module in full.ups.modules() if isinstance(module, torch.nn.Conv2d)]
    one = [module for module in lite.ups.modules() if isinstance(module, torch.nn.Conv2d)]
    assert len(two) == 2 * len(one) == 2 * TINY.doublings
    assert [layer.in_channels for layer in two[::2]] == [layer.in_channels for layer in one]


def test_noise_is_one_number_per_position_and_begins_at_nothing() -> None:
    noise, x = Noise(), torch.zeros(2, 3, 40, 50)
    assert torch.equal(noise(x, torch.Generator()), x)
    with torch.no_grad():
        noise.strength.fill_(0.5)
    added = noise(x, torch.Generator().manual_seed(0))
    assert torch.equal(added[:, :1].expand_as(added), added)
    assert added.std().item() == pytest.approx(0.5, rel=0.05)


def test_noise_comes_from_the_given_generator_in_training_alone() -> None:
    network = noisy()
    latents = torch.randn(2, 8, 1, 1)

    def scenes(seed: int) -> Tensor:
        made: Tensor = network(latents, None, torch.Generator().manual_seed(seed))
        return made

    assert torch.equal(scenes(0), scenes(0)) and not torch.allclose(scenes(0), scenes(1))
    assert torch.equal(network(latents), network(latents))
    network.eval()
    assert torch.equal(scenes(0), network(latents)) and torch.equal(scenes(0), scenes(1))


def test_every_parameter_of_the_full_form_gets_a_gradient() -> None:
    network = tiny(FULL)
    network(torch.randn(4, 8, 1, 1), None, torch.Generator()).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().max() > 0 for parameter in network.parameters())


def test_classes_change_scenes_and_must_fit() -> None:
    network = tiny(replace(TINY, labels=2)).eval()
    latents, labels = torch.randn(1, 8, 1, 1), torch.tensor([0])
    assert not torch.allclose(network(latents, labels), network(latents, 1 - labels))
    for wrong, given in ((network, None), (tiny(), labels)):
        with pytest.raises(ValueError, match="labels must fit"):
            wrong(latents, given)


@pytest.mark.parametrize("wrong", [{"block": "heavy"}, {"doublings": 9}, {"start": (0, 4)}, {"labels": -1}])
def test_impossible_configurations_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        FastGAN(replace(TINY, **wrong))  # type: ignore[arg-type]


def noisy() -> FastGAN:
    """The full form as after some training; spectral norm, whose estimate moves with every pass, is left out."""
    network = tiny(replace(FULL, spectral_norm=False))
    for module in network.modules():
        if isinstance(module, Noise):
            torch.nn.init.constant_(module.strength, 0.3)
    return network
