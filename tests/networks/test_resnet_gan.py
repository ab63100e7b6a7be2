"""Residual networks: what trading convolution and resampling leaves unchanged, sizes, depth, and the critic's form."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shanshui.errors import ConfigError
from shanshui.networks.discriminators.resnet import ResNetDiscriminator, ResNetDiscriminatorConfig
from shanshui.networks.generators.resnet import ResNet, ResNetConfig
from shanshui.networks.normalization import Normalization
from shanshui.networks.resampling import EnlargingConvolution, halving_convolution
from shanshui.networks.residual import Residual
from shanshui.networks.spectral import SpectralConv2d

TINY = ResNetConfig(doublings=3, latent=8, width=4)
TINY_JUDGE = ResNetDiscriminatorConfig(height=32, width=32, channels=4)


def generator(config: ResNetConfig = TINY) -> ResNet:
    torch.manual_seed(0)
    return ResNet(config)


def judge(config: ResNetDiscriminatorConfig = TINY_JUDGE) -> ResNetDiscriminator:
    torch.manual_seed(0)
    return ResNetDiscriminator(config)


def depth(network: nn.Module) -> int:
    """3 x 3 convolutions on the way from input to output."""
    return sum(
        isinstance(module, EnlargingConvolution) or (isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3))
        for module in network.modules()
    )


@pytest.mark.parametrize("size", [(4, 4), (1, 5)])
def test_enlarging_convolution_equals_enlarging_then_convolving(size: tuple[int, int]) -> None:
    enlarge, x = EnlargingConvolution(3, 5).double(), torch.randn(2, 3, *size, dtype=torch.float64)
    kernel = enlarge.weight.flip(2, 3).transpose(0, 1)
    assert torch.allclose(enlarge(x), F.conv2d(F.interpolate(x, scale_factor=2), kernel, padding=1), atol=1e-12)


@pytest.mark.parametrize("size", [(4, 6), (5, 9)])
def test_halving_convolution_equals_convolving_then_pooling(size: tuple[int, int]) -> None:
    halve, x = halving_convolution("none", 3, 5).double(), torch.randn(2, 3, *size, dtype=torch.float64)
    convolution = halve[-1]
    assert isinstance(convolution, nn.Conv2d)
    expected = F.avg_pool2d(F.conv2d(x, convolution.weight, convolution.bias, padding=1), 2)
    assert torch.allclose(halve(x), expected, atol=1e-12)


def test_the_first_block_is_the_paper_s() -> None:
    """conv, ReLU, conv, pool beside pool, 1 x 1: no activation of pixels (Miyato et al. 2018, appendix B)."""
    block = judge(replace(TINY_JUDGE, normalization="none")).blocks[0]
    assert isinstance(block, Residual)
    first, second, skip = (module for module in block.modules() if isinstance(module, nn.Conv2d))
    images = torch.randn(2, 3, 8, 8)
    branch = F.conv2d(F.relu(F.conv2d(images, first.weight, padding=1)), second.weight, padding=1)
    expected = F.avg_pool2d(branch, 2) + F.conv2d(F.avg_pool2d(images, 2), skip.weight)
    assert torch.allclose(block(images), expected, atol=1e-5)


def test_a_block_does_not_write_into_its_input() -> None:
    block = judge(replace(TINY_JUDGE, normalization="none")).blocks[1]
    x = torch.randn(1, 4, 8, 8)
    before = x.clone()
    block(x)
    assert torch.equal(x, before)


@pytest.mark.parametrize(
    ("start", "doublings", "size"), [((4, 4), 3, (32, 32)), ((9, 16), 2, (36, 64)), ((2, 4), 7, (256, 512))]
)
def test_scenes_are_the_start_doubled_and_a_judge_of_that_size_gives_one_logit(
    start: tuple[int, int], doublings: int, size: tuple[int, int]
) -> None:
    network = generator(replace(TINY, start=start, doublings=doublings, width=1))
    scenes = network(network.draw_latents(2, torch.Generator()))
    assert scenes.shape == (2, 3, *size) and network.size == size
    assert scenes.abs().max() <= 1
    height, width = size
    assert judge(replace(TINY_JUDGE, height=height, width=width, channels=1))(scenes).shape == (2, 1)


def test_weights_by_hand() -> None:
    """Two doublings of width 1 have 4, 2, 1 channels; 8 x 8 pixels are halved once."""
    assert sum(p.numel() for p in generator(replace(TINY, doublings=2, width=1)).parameters()) == (
        (8 + 1) * 4 * 16  # the linear layer
        + (2 * 4 + 9 * 4 * 2 + 2 * 2 + 9 * 2 * 2 + 4 * 2)  # a block: norm, 3 x 3, norm, 3 x 3, skip
        + (2 * 2 + 9 * 2 * 1 + 2 * 1 + 9 * 1 * 1 + 2 * 1)
        + (2 * 1 + (9 * 1 + 1) * 3)  # norm and pixels
    )
    assert sum(p.numel() for p in judge(replace(TINY_JUDGE, height=8, width=8, channels=1)).parameters()) == (
        (9 * 3 + 1) + (9 + 1) + (3 + 1) + (1 + 1)  # 3 x 3, 3 x 3, skip, logit
    )


@pytest.mark.parametrize("blocks", [1, 2, 4])
def test_depth_is_a_matter_of_configuration(blocks: int) -> None:
    sizes, convolutions, to_rgb = 3, 2, 1
    deep = judge(replace(TINY_JUDGE, blocks=blocks))
    assert depth(deep) == sizes * blocks * convolutions
    assert depth(generator(replace(TINY, blocks=blocks))) == sizes * blocks * convolutions + to_rgb
    assert deep(torch.randn(2, 3, 32, 32)).shape == (2, 1)


@pytest.mark.parametrize("blocks", [1, 2])
def test_every_parameter_gets_a_gradient(blocks: int) -> None:
    networks: list[tuple[nn.Module, Tensor]] = [(generator(replace(TINY, blocks=blocks)), torch.randn(4, 8))]
    for normalization in ("spectral", "layer"):
        config = replace(TINY_JUDGE, blocks=blocks, normalization=normalization)
        networks.append((judge(config), torch.randn(4, 3, 32, 32)))
    for network, inputs in networks:
        network(inputs).square().sum().backward()
        assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


def test_sum_pooling_counts_positions_and_mean_pooling_does_not() -> None:
    total, mean = (judge(replace(TINY_JUDGE, normalization="none", pooling=pooling)) for pooling in ("sum", "mean"))
    images = torch.randn(2, 3, 32, 32)
    assert torch.allclose(total(images), 4 * 4 * mean(images), rtol=1e-4, atol=1e-5)


def test_larger_images_have_one_logit_too() -> None:
    assert judge()(torch.randn(2, 3, 40, 72)).shape == (2, 1)


def test_spectral_norm_is_everywhere_or_nowhere() -> None:
    spectral, plain = judge(), judge(replace(TINY_JUDGE, normalization="none"))
    convolutions = [module for module in spectral.modules() if isinstance(module, nn.Conv2d)]
    assert all(isinstance(module, SpectralConv2d) for module in convolutions)
    assert not any(isinstance(module, SpectralConv2d) for module in plain.modules())


@pytest.mark.parametrize("normalization", ["layer", "instance", "spectral", "none"])
def test_the_critic_s_logit_is_its_image_s_alone_and_can_be_penalised(normalization: Normalization) -> None:
    network = judge(replace(TINY_JUDGE, normalization=normalization, blocks=2)).eval()
    assert not network.has_batch_norm
    images = torch.randn(3, 3, 32, 32, requires_grad=True)
    logits = network(images)
    assert torch.allclose(network(images[1:2]), logits[1:2], atol=1e-4)
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    gradient.square().sum().backward()
    slopes = {name: parameter.grad for name, parameter in network.named_parameters()}
    assert all(slope is not None and slope.any() for name, slope in slopes.items() if name.endswith("weight"))


def test_batch_norm_is_admitted_and_admits_it() -> None:
    assert judge(replace(TINY_JUDGE, normalization="batch")).has_batch_norm


def test_in_evaluation_a_scene_is_a_function_of_its_latent_alone() -> None:
    network = generator(replace(TINY, blocks=2)).eval()
    latents = torch.randn(3, 8)
    assert torch.allclose(network(latents)[1:2], network(latents[1:2]), atol=1e-5)
    assert torch.equal(network(latents, random=torch.Generator().manual_seed(1)), network(latents))


def test_bfloat16_agrees_with_float32() -> None:
    networks: list[tuple[nn.Module, Tensor]] = [
        (judge(replace(TINY_JUDGE, channels=16)), torch.randn(4, 3, 32, 32)),
        (generator(replace(TINY, width=16)), torch.randn(4, 8)),
    ]
    for network, inputs in networks:
        network(inputs)
        with torch.no_grad():
            expected = network.eval()(inputs)
            with torch.autocast("cpu", torch.bfloat16):
                rounded = network(inputs)
        assert (rounded - expected).abs().max() < 0.05 * expected.abs().max()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"blocks": 0}, "at least one block"),
        ({"pooling": "max"}, "choose sum or mean"),
        ({"width": 7}, "at least 8x8"),
        ({"labels": 2}, "cannot be told labels"),
    ],
)
def test_impossible_configurations_are_refused_in_a_sentence(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        replace(TINY_JUDGE, **change)


def test_a_generator_without_blocks_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one block"):
        replace(TINY, blocks=0)
