"""Every registered network passes the same checks, in its smallest form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from shanshui.checkpoints.registry import ARCHITECTURES, build
from shanshui.checkpoints.weights import load_snapshot, save_snapshot
from shanshui.networks.generators.base import SceneNetwork
from shanshui.networks.segmenters.zones import ZONES


@dataclass(frozen=True)
class Contract:
    """A tiny config, inputs for a batch of a given size, and the channels of what comes out."""

    config: Mapping[str, Any]
    inputs: Callable[[int], tuple[Tensor, ...]]
    channels: int = 3


CONTRACTS = {
    "dcgan": Contract({"doublings": 3, "latent": 4, "width": 2}, lambda count: (torch.randn(count, 4),)),
    "resnet": Contract({"doublings": 2, "latent": 4, "width": 2}, lambda count: (torch.randn(count, 4),)),
    "stylegan": Contract(
        {"doublings": 2, "latent": 4, "style": 4, "width": 2, "mapping_layers": 2},
        lambda count: (torch.randn(count, 4),),
    ),
    "stylegan2": Contract(
        {"doublings": 2, "latent": 4, "style": 4, "width": 2, "mapping_layers": 2},
        lambda count: (torch.randn(count, 4),),
    ),
    "r3gan": Contract({"doublings": 2, "latent": 4, "width": 2, "group": 2}, lambda count: (torch.randn(count, 4),)),
    "fastgan": Contract({"doublings": 4, "latent": 4, "width": 2}, lambda count: (torch.randn(count, 4, 1, 1),)),
    "enlarged": Contract(
        {
            "doublings": 4,
            "latent": 4,
            "scenes": {"doublings": 3, "latent": 4, "width": 2},
            "enlarger": {"width": 4, "blocks": 1},
        },
        lambda count: (torch.randn(count, 4, 1, 1),),
    ),
    "feedforward-stylizer": Contract(
        {"styles": ["day", "night"], "width": 4, "blocks": 1, "deep_width": 4, "deep_blocks": 1},
        lambda count: (torch.rand(count, 3, 33, 47) * 2 - 1, torch.tensor([[0.3, 0.7]]).expand(count, -1)),
    ),
    "arbitrary-stylizer": Contract(
        {
            "width": 4,
            "blocks": 1,
            "deep_width": 4,
            "deep_blocks": 1,
            "encoder_width": 4,
            "encoder_deep_width": 4,
            "encoder_blocks": 1,
            "code": 4,
        },
        lambda count: (torch.rand(count, 3, 33, 47) * 2 - 1, torch.rand(count, 3, 50, 29) * 2 - 1),
    ),
    "joint-pipeline": Contract(
        {
            "stylizer": {"styles": ["day", "night"], "width": 4, "blocks": 1, "deep_width": 4, "deep_blocks": 1},
            "composer": {"width": 4, "widest": 8, "halvings": 1, "latent": 4, "style": 4},
        },
        lambda count: (
            torch.rand(count, 3, 33, 47) * 2 - 1,
            torch.tensor([[0.3, 0.7]]).expand(count, -1),
            torch.randn(count, 4),
            torch.linspace(0, 1, count),
        ),
    ),
    "resnet-translator": Contract(
        {"style": "night", "width": 16, "blocks": 2}, lambda count: (torch.rand(count, 3, 33, 47) * 2 - 1,)
    ),
    "light-translator": Contract(
        {"style": "night", "width": 4, "blocks": 1, "deep_width": 4, "deep_blocks": 2},
        lambda count: (torch.rand(count, 3, 33, 47) * 2 - 1,),
    ),
    "inpainter": Contract(
        {"width": 4, "widest": 8, "halvings": 1, "dilations": [1, 2], "latent": 4},
        lambda count: (
            torch.rand(count, 3, 33, 47) * 2 - 1,
            (torch.rand(count, 1, 33, 47) < 0.4).float(),
            torch.randn(count, 4),
            torch.randn(count, 1, 33, 47),
        ),
    ),
    "zone-segmenter": Contract(
        {"width": 4, "side": 32}, lambda count: (torch.rand(count, 3, 33, 47) * 2 - 1,), channels=len(ZONES)
    ),
}


@pytest.fixture(params=ARCHITECTURES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def network(name: str) -> nn.Module:
    torch.manual_seed(0)
    return build(name, CONTRACTS[name].config)


def test_it_makes_images(name: str, network: nn.Module) -> None:
    make: Callable[..., Tensor] = network.sample if isinstance(network, SceneNetwork) else network
    images = make(*CONTRACTS[name].inputs(2))
    assert images.shape[:2] == (2, CONTRACTS[name].channels)
    assert images.abs().max() <= 1.5 and torch.isfinite(images).all()


def test_every_parameter_gets_a_gradient(name: str, network: nn.Module) -> None:
    network(*CONTRACTS[name].inputs(3)).square().sum().backward()
    untouched = [path for path, parameter in network.named_parameters() if parameter.grad is None]
    assert untouched == []


def test_evaluation_is_deterministic_and_treats_images_one_by_one(name: str, network: nn.Module) -> None:
    network.eval()
    inputs = CONTRACTS[name].inputs(3)
    whole = network(*inputs)
    assert torch.equal(network(*inputs), whole)
    assert torch.allclose(network(*(tensor[1:2] for tensor in inputs)), whole[1:2], atol=1e-5)


def test_a_snapshot_makes_the_same_images_but_for_half_precision(name: str, network: nn.Module, tmp_path: Path) -> None:
    network.eval()
    save_snapshot(tmp_path / "a.safetensors", network, {})
    loaded, _ = load_snapshot(tmp_path / "a.safetensors")
    inputs = CONTRACTS[name].inputs(2)
    assert torch.allclose(loaded(*inputs), network(*inputs), atol=2e-2)


def test_channels_last_memory_changes_nothing(name: str, network: nn.Module) -> None:
    network.eval()
    inputs = CONTRACTS[name].inputs(2)
    expected = network(*inputs)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    assert torch.allclose(network(*inputs), expected, atol=1e-5)


def test_bf16_changes_images_by_little(name: str, network: nn.Module) -> None:
    """By two hundredths of their contrast at most: bf16 keeps 8 bits, and errors add up over the layers."""
    network.eval()
    inputs = CONTRACTS[name].inputs(2)
    expected = network(*inputs)
    with torch.autocast("cpu", torch.bfloat16):
        reduced = network(*inputs).float()
    assert (reduced - expected).square().mean().sqrt() < 0.02 * expected.std()
