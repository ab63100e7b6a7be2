"""PatchGAN: the patch that a logit sees, the number of logits and weights, and that any size fits."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from shanshui.errors import ConfigError
from shanshui.networks.discriminators.patchgan import PatchGAN, PatchGANConfig, receptive_field
from shanshui.networks.normalization import Normalization

TINY = PatchGANConfig(height=32, width=32, channels=4)


def judge(config: PatchGANConfig = TINY) -> PatchGAN:
    torch.manual_seed(0)
    return PatchGAN(config)


@pytest.mark.parametrize(("layers", "side"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_a_logit_sees_a_patch_of_the_published_size(layers: int, side: int) -> None:
    assert receptive_field(layers) == side
    network = judge(replace(TINY, channels=1, layers=layers, height=256, width=256, normalization="none")).double()
    images = torch.randn(1, 3, 256, 256, dtype=torch.float64, requires_grad=True)
    logits = network(images)[0]
    places = int(len(logits) ** 0.5)
    logits.view(places, places)[places // 2, places // 2].backward()
    assert images.grad is not None
    rows, columns = images.grad[0].abs().sum(0).nonzero(as_tuple=True)
    assert rows.max() - rows.min() + 1 == side
    assert columns.max() - columns.min() + 1 == side


def test_five_layers_see_286_pixels() -> None:
    assert receptive_field(5) == 286


def test_as_many_weights_as_the_published_70_pixel_discriminator() -> None:
    """2,764,737 with a bias in every convolution; a normalising layer has scale and shift instead of the bias."""
    plain = judge(PatchGANConfig(normalization="none"))
    assert sum(parameter.numel() for parameter in plain.parameters()) == 2_764_737
    normalised = judge(PatchGANConfig())
    assert sum(parameter.numel() for parameter in normalised.parameters()) == 2_764_737 + 128 + 256 + 512
    channels = [module.out_channels for module in plain.modules() if isinstance(module, nn.Conv2d)]
    assert channels == [64, 128, 256, 512, 1]


@pytest.mark.parametrize(("size", "places"), [((256, 256), 30 * 30), ((32, 32), 2 * 2), ((24, 100), 1 * 10)])
def test_one_network_judges_any_size_place_by_place(size: tuple[int, int], places: int) -> None:
    assert judge()(torch.randn(2, 3, *size)).shape == (2, places)


def test_logits_are_in_the_order_of_their_places() -> None:
    network = judge(replace(TINY, layers=1, normalization="none"))
    plain, spot = torch.zeros(1, 3, 32, 64), torch.zeros(1, 3, 32, 64)
    spot[..., 28:, :4] = 1  # bottom left
    changed = (network(spot) - network(plain))[0].abs().view(14, 30) > 0
    assert changed[-1, 0] and not changed[:, 15:].any() and not changed[:7].any()


@pytest.mark.parametrize("normalization", ["batch", "layer", "instance", "spectral", "none"])
@pytest.mark.parametrize("layers", [1, 3])
def test_every_parameter_gets_a_gradient(normalization: Normalization, layers: int) -> None:
    network = judge(replace(TINY, normalization=normalization, layers=layers))
    network(torch.randn(2, 3, 32, 48)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())
    assert network.has_batch_norm == (normalization == "batch")


def test_it_judges_the_smallest_image_and_refuses_a_smaller_one() -> None:
    for layers in (1, 2, 3):
        side = 3 * 2**layers
        assert judge(replace(TINY, layers=layers, height=side, width=side))(torch.randn(2, 3, side, side)).shape[1] == 1
        with pytest.raises(ConfigError, match=f"at least {side}x{side} pixels"):
            replace(TINY, layers=layers, height=side, width=side - 1)


def test_images_are_judged_one_by_one() -> None:
    network, images = judge(), torch.randn(3, 3, 32, 32)
    assert torch.allclose(network(images)[1:2], network(images[1:2]), atol=1e-6)


def test_memory_format_changes_nothing() -> None:
    network, images = judge(), torch.randn(2, 3, 32, 32)
    expected = network(images)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    assert torch.allclose(network(images), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"layers": 0}, "at least one layer"), ({"labels": 2}, "cannot be told labels"), ({"channels": 0}, "1 channel")],
)
def test_impossible_configurations_are_refused_in_a_sentence(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        replace(TINY, **change)
