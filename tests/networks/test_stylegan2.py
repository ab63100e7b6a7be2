"""StyleGAN2: modulation equals its definition, gradients of gradients, the paper's numbers, the discriminator."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shanshui.errors import ConfigError
from shanshui.networks.discriminators.stylegan2 import (
    HalvingBlock,
    StyleGAN2Discriminator,
    StyleGAN2DiscriminatorConfig,
)
from shanshui.networks.filters import Blur, Doubling
from shanshui.networks.generators.stylegan2 import StyledConvolution, StyleGAN2, StyleGAN2Config
from shanshui.networks.modulation import ToRGB, convolve, demodulation

TINY = StyleGAN2Config(doublings=1, latent=3, start=(2, 3), width=2, widest=3, style=3, mapping_layers=1)
TINY_JUDGE = StyleGAN2DiscriminatorConfig(height=8, width=12, channels=3, widest=4, mapping_layers=2)


def discriminator(config: StyleGAN2DiscriminatorConfig = TINY_JUDGE) -> StyleGAN2Discriminator:
    torch.manual_seed(0)
    return StyleGAN2Discriminator(config)


def layer(*, doubling: bool) -> StyledConvolution:
    torch.manual_seed(0)
    size = (8, 10) if doubling else (4, 5)
    made = StyledConvolution(Doubling() if doubling else convolve, 6, 3, 7, size)
    nn.init.normal_(made.bias)
    nn.init.constant_(made.noise.strengths, 0.3)
    return made


def weight_of_each_image(layer: StyledConvolution, styles: Tensor) -> Tensor:
    """w'' of section 2.2, written down: (N, O, I, 3, 3). The equalised weight is 1 / sqrt(fan in) of the parameter."""
    weight = layer.weight / (3 * 9) ** 0.5
    modulated = layer.modulation(styles)[:, None, :, None, None] * weight
    norms: Tensor = (modulated.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8).sqrt()
    unit: Tensor = modulated / norms
    return unit


def by_definition(layer: StyledConvolution, x: Tensor, styles: Tensor, *, doubling: bool) -> Tensor:
    """One convolution for each image with a weight of its own."""
    smooth = Blur((1, 3, 3, 1), padding=1, gain=4).to(x.dtype)
    maps = []
    for image, weight in zip(x, weight_of_each_image(layer, styles), strict=True):
        if doubling:
            maps.append(smooth(F.conv_transpose2d(image[None], weight.transpose(0, 1), stride=2)))
        else:
            maps.append(F.conv2d(image[None], weight, padding=1))
    noisy = torch.cat(maps) + 0.3 * layer.noise.fixed + layer.bias
    return 2**0.5 * F.leaky_relu(noisy, 0.2)


@pytest.mark.parametrize("doubling", [False, True])
def test_modulation_of_maps_equals_modulation_of_weights(doubling: bool) -> None:
    made = layer(doubling=doubling)
    x, styles = torch.randn(2, 3, 4, 5), torch.randn(2, 6)
    assert torch.allclose(made(x, styles, None), by_definition(made, x, styles, doubling=doubling), atol=1e-4)


@pytest.mark.parametrize("doubling", [False, True])
def test_their_gradients_and_second_gradients_are_equal(doubling: bool) -> None:
    """The penalty of path lengths differentiates the gradient by the style: here by the style and the weight."""
    made = layer(doubling=doubling).double()
    x = torch.randn(2, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    styles = torch.randn(2, 6, dtype=torch.float64, requires_grad=True)
    direction = torch.randn(2, 7, *((8, 10) if doubling else (4, 5)), dtype=torch.float64)

    def gradients(output: Tensor) -> list[Tensor]:
        leaves = [x, styles, made.weight, made.modulation.affine.weight]
        first = torch.autograd.grad((output * direction).sum(), leaves, create_graph=True)
        length = sum(gradient.square().sum() for gradient in first[:2])
        return [*first, *torch.autograd.grad(length, leaves)]  # type: ignore[arg-type]

    fast = gradients(made(x, styles, None))
    slow = gradients(by_definition(made, x, styles, doubling=doubling))
    assert all(torch.allclose(a, b, atol=1e-8) for a, b in zip(fast, slow, strict=True))


def test_demodulated_maps_have_unit_variance_whatever_the_style() -> None:
    torch.manual_seed(0)
    made = StyledConvolution(convolve, 6, 64, 32, (10, 10))
    factors = 5 * torch.randn(16, 64)
    y = F.conv2d(torch.randn(16, 64, 10, 10) * factors[:, :, None, None], made.weight)
    demodulated = y * demodulation(made.weight, factors)[:, :, None, None]
    assert demodulated.var(dim=(1, 2, 3)).sub(1).abs().max() < 0.2


def test_styles_start_at_a_factor_of_one() -> None:
    made = layer(doubling=False)
    assert torch.equal(made.modulation(torch.zeros(2, 6)), torch.ones(2, 3))


def test_colours_are_a_modulated_convolution_that_is_not_demodulated() -> None:
    colors, x, styles = ToRGB(6, 4), torch.randn(2, 4, 3, 5), torch.randn(2, 6)
    nn.init.normal_(colors.bias)
    weights = colors.modulation(styles)[:, None, :, None, None] * colors.weight / 2
    expected = torch.cat([F.conv2d(image[None], w, colors.bias) for image, w in zip(x, weights, strict=True)])
    assert torch.allclose(colors(x, styles), expected, atol=1e-5)


def test_the_paper_has_thirty_and_twenty_nine_million_parameters_at_1024_px() -> None:
    """What the authors' program prints for configuration F."""
    with torch.device("meta"):
        generator = StyleGAN2(StyleGAN2Config(doublings=8, width=32))
        judge = StyleGAN2Discriminator(StyleGAN2DiscriminatorConfig(height=1024, width=1024, channels=32))
    assert generator.layers == 18 and generator.size == (1024, 1024)
    assert sum(parameter.numel() for parameter in generator.parameters()) == 30_370_060
    assert sum(parameter.numel() for parameter in judge.parameters()) == 29_012_513


def test_gradients_of_gradients_of_the_generator_are_right() -> None:
    torch.manual_seed(0)
    network = StyleGAN2(TINY).double()
    styles = torch.randn(1, network.layers, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(network.synthesis, styles)


def test_gradients_of_gradients_of_the_discriminator_are_right() -> None:
    judge = discriminator(replace(TINY_JUDGE, height=8, width=8, channels=2, widest=2)).double()
    images = torch.randn(2, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(judge, images)


@pytest.mark.parametrize(
    ("size", "coarsest"), [((64, 64), (4, 4)), ((144, 256), (9, 16)), ((48, 80), (6, 10)), ((7, 9), (7, 9))]
)
def test_the_discriminator_halves_while_both_sides_allow(size: tuple[int, int], coarsest: tuple[int, int]) -> None:
    height, width = size
    judge = discriminator(replace(TINY_JUDGE, height=height, width=width))
    assert judge.gather.weight.shape[1] == 4 * coarsest[0] * coarsest[1] or judge.config.halvings == 0
    assert (height >> judge.config.halvings, width >> judge.config.halvings) == coarsest
    assert judge(torch.randn(2, 3, height, width)).shape == (2, 1)
    assert not judge.has_batch_norm


def test_a_block_is_the_sum_of_both_ways_over_the_root_of_two() -> None:
    judge = discriminator()
    block, x = judge.blocks[0], torch.randn(2, 3, 8, 12)
    assert isinstance(block, HalvingBlock)

    def activated(y: Tensor) -> Tensor:
        return 2**0.5 * F.leaky_relu(y, 0.2)

    around = activated(F.conv2d(x, block.convolve.weight / 27**0.5, padding=1))
    down = Blur((1, 3, 3, 1), padding=2)(around)
    down = activated(F.conv2d(down, block.halve.weight / 27**0.5, stride=2))
    skip = F.conv2d(Blur((1, 3, 3, 1), padding=1)(x), block.skip.weight / 3**0.5, stride=2)
    assert torch.allclose(block(x), (down + skip) / 2**0.5, atol=1e-5)


def test_every_parameter_of_the_discriminator_gets_a_gradient() -> None:
    judge = discriminator(replace(TINY_JUDGE, labels=2))
    judge(torch.randn(4, 3, 8, 12), torch.tensor([0, 1, 1, 0])).square().sum().backward()
    assert [name for name, p in judge.named_parameters() if p.grad is None or not p.grad.abs().max() > 0] == []


def test_a_logit_depends_on_how_different_the_batch_is() -> None:
    judge = discriminator()
    image = torch.randn(1, 3, 8, 12)
    alone = judge(image.expand(4, -1, -1, -1))[:1]
    among_others = judge(torch.cat([image, torch.randn(3, 3, 8, 12)]))[:1]
    assert not torch.allclose(alone, among_others, atol=1e-3)
    untold = discriminator(replace(TINY_JUDGE, group=1))
    assert torch.allclose(untold(image), untold(torch.cat([image, torch.randn(3, 3, 8, 12)]))[:1], atol=1e-5)


def test_logits_with_labels_are_products_with_the_label_s_vector() -> None:
    judge = discriminator(replace(TINY_JUDGE, labels=3))
    images = torch.randn(1, 3, 8, 12).expand(3, -1, -1, -1)
    logits = judge(images, torch.tensor([0, 1, 1]))
    assert logits.shape == (3, 1)
    assert torch.allclose(logits[1], logits[2], atol=1e-6) and not torch.allclose(logits[0], logits[1], atol=1e-4)
    for labels, network in ((None, judge), (torch.tensor([0, 0, 0]), discriminator())):
        with pytest.raises(ValueError, match="labels"):
            network(images, labels)


def test_the_discriminator_is_close_in_half_precision() -> None:
    judge = discriminator(replace(TINY_JUDGE, channels=16, widest=32))
    images = torch.randn(4, 3, 8, 12)
    with torch.autocast("cpu", torch.bfloat16):
        logits = judge(images)
    assert logits.dtype == torch.float32
    assert torch.allclose(logits, judge(images), atol=0.05)


@pytest.mark.parametrize("changes", [{"height": 0}, {"channels": 0}, {"group": 0}, {"labels": -1}])
def test_impossible_discriminators_are_refused(changes: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        replace(TINY_JUDGE, **changes)
