"""R3GAN: how its blocks begin, what its resampling equals, second derivatives, classes, wide scenes."""

from dataclasses import replace
from typing import TypeVar

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shanshui.errors import ConfigError
from shanshui.networks.discriminators.r3gan import R3GANDiscriminator, R3GANDiscriminatorConfig
from shanshui.networks.fixup import Double, Halve, ResidualBlock
from shanshui.networks.generators.r3gan import R3GAN, R3GANConfig

AnyModule = TypeVar("AnyModule", bound=nn.Module)
TINY = R3GANConfig(doublings=2, latent=6, width=4, group=4, start=(2, 3))
TINY_JUDGE = R3GANDiscriminatorConfig(height=8, width=12, channels=4, group=4, embedding=5)


def generator(config: R3GANConfig = TINY) -> R3GAN:
    torch.manual_seed(0)
    return awake(R3GAN(config))


def discriminator(config: R3GANDiscriminatorConfig = TINY_JUDGE) -> R3GANDiscriminator:
    torch.manual_seed(0)
    return awake(R3GANDiscriminator(config))


def awake(network: AnyModule) -> AnyModule:
    """As after some training: the residual branches are no longer zero."""
    for module in network.modules():
        if isinstance(module, ResidualBlock):
            nn.init.normal_(module.narrow.weight, std=0.3)
    return network


def test_channels_are_those_of_the_paper_at_256_px() -> None:
    with torch.device("meta"):
        network = R3GAN(R3GANConfig(doublings=6, width=96, blocks=2))
    blocks = [module for module in network.modules() if isinstance(module, ResidualBlock)]
    assert [block.narrow.out_channels for block in blocks[::2]] == [768, 768, 768, 768, 384, 192, 96]
    assert [block.mix.groups for block in blocks[::2]] == [96, 96, 96, 96, 48, 24, 12]


@pytest.mark.parametrize(("start", "size"), [((4, 4), (16, 16)), ((2, 3), (8, 12)), ((9, 16), (36, 64))])
def test_scenes_have_the_start_times_two_to_the_doublings(start: tuple[int, int], size: tuple[int, int]) -> None:
    network = generator(replace(TINY, start=start))
    assert network.size == size
    latents = network.draw_latents(2, torch.Generator())
    assert network(latents).shape == (2, 3, *size)
    assert network.sample(100 * latents).abs().max() == 1


@pytest.mark.parametrize(
    ("size", "coarsest"), [((64, 64), (4, 4)), ((144, 256), (9, 16)), ((48, 80), (6, 10)), ((7, 9), (7, 9))]
)
def test_the_discriminator_halves_as_often_as_both_sides_allow(
    size: tuple[int, int], coarsest: tuple[int, int]
) -> None:
    network = discriminator(replace(TINY_JUDGE, height=size[0], width=size[1]))
    assert network.basis.shape[1:] == coarsest
    assert network(torch.randn(2, 3, *size)).shape == (2, 1)


def test_a_block_begins_as_the_identity_but_its_weights_do_not_begin_at_zero() -> None:
    block = ResidualBlock(8, expansion=2, group=4, blocks=4)
    x = torch.randn(2, 8, 5, 6)
    assert torch.equal(block(x), x)
    block(x).sum().backward()
    assert block.narrow.weight.grad is not None and block.narrow.weight.grad.abs().min() > 0


def test_a_branch_begins_with_the_variance_of_fix_up() -> None:
    """Unit variance in; each of two layers and its leaky ReLU scales by L^(-1/4): variance L^(-1) in all."""
    torch.manual_seed(0)
    blocks = 16
    block = ResidualBlock(256, expansion=2, group=512, blocks=blocks)
    inside = F.leaky_relu(block.widen(torch.randn(4, 256, 12, 12)), 0.2)
    inside = F.leaky_relu(block.mix(inside), 0.2)[..., 1:-1, 1:-1]  # without the positions that see the zero border
    assert inside.square().mean().item() == pytest.approx(1 / blocks, rel=0.1)


def test_every_group_mixes_its_own_channels_alone() -> None:
    block = ResidualBlock(8, expansion=2, group=4, blocks=1)
    x = torch.randn(1, 16, 3, 3, requires_grad=True)
    (gradient,) = torch.autograd.grad(block.mix(x)[:, 4:8].square().sum(), x)
    assert [bool(group.any()) for group in gradient.split(4, dim=1)] == [False, True, False, False]


def test_doubling_keeps_straight_lines_straight() -> None:
    """A ramp stays a ramp of half the slope about the same centre; the outermost positions repeat the border."""
    rows, columns = torch.meshgrid(torch.arange(4.0), torch.arange(5.0), indexing="ij")
    doubled = Double(1, 1)((2 * rows + 6 * columns)[None, None])[0, 0]
    rows, columns = torch.meshgrid(torch.arange(8.0) / 2 - 0.25, torch.arange(10.0) / 2 - 0.25, indexing="ij")
    assert torch.allclose(doubled, 2 * rows.clamp(0, 3) + 6 * columns.clamp(0, 4), atol=1e-5)


def test_halving_keeps_a_constant_and_mirrors_doubling() -> None:
    double, halve = Double(2, 2), Halve(2, 2)
    assert torch.allclose(halve(torch.ones(1, 2, 8, 8))[..., 1:-1, 1:-1], torch.ones(1, 2, 2, 2))
    small, large = torch.randn(1, 2, 4, 5), F.pad(torch.randn(1, 2, 6, 8), (1, 1, 1, 1))  # nothing at the border
    assert torch.isclose((double(small) * large).sum(), 4 * (small * halve(large)).sum(), rtol=1e-4)


def test_the_first_map_is_the_basis_times_a_linear_function_of_the_latent() -> None:
    start = generator().start
    latents = torch.randn(2, 6)
    expected = torch.einsum("chw,nc->nchw", start.basis, latents @ start.linear.weight.T)
    assert torch.allclose(start(latents), expected, atol=1e-6)


def test_every_parameter_gets_a_gradient() -> None:
    make, judge = generator(replace(TINY, labels=3)), discriminator(replace(TINY_JUDGE, labels=3))
    labels = torch.tensor([0, 1, 2])
    judge(make(torch.randn(3, 6), labels), labels).square().sum().backward()
    for parameter in (*make.parameters(), *judge.parameters()):
        assert parameter.grad is not None and parameter.grad.abs().max() > 0


def test_nothing_depends_on_the_batch_or_on_the_mode() -> None:
    make, judge, latents = generator(), discriminator(), torch.randn(3, 6)
    scenes = make(latents, None, torch.Generator().manual_seed(1))
    assert not judge.has_batch_norm
    assert torch.allclose(make.eval()(latents[1:2]), scenes[1:2], atol=1e-5)
    assert torch.allclose(judge.eval()(scenes[1:2]), judge.train()(scenes)[1:2], atol=1e-5)


def test_the_gradient_of_r1_is_that_of_finite_differences() -> None:
    judge = discriminator().double()
    block = next(module for module in judge.modules() if isinstance(module, ResidualBlock))
    weight, images = block.mix.weight, torch.randn(2, 3, 8, 12, dtype=torch.float64)

    def penalty() -> Tensor:
        leaves = images.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(judge(leaves).sum(), leaves, create_graph=True)
        return gradient.square().sum()

    (analytic,) = torch.autograd.grad(penalty(), weight)
    step = 1e-6
    for index in ((0, 0, 1, 1), (5, 2, 0, 2)):
        with torch.no_grad():
            weight[index] += step
        above = penalty().item()
        with torch.no_grad():
            weight[index] -= 2 * step
        below = penalty().item()
        with torch.no_grad():
            weight[index] += step
        assert analytic[index].item() == pytest.approx((above - below) / (2 * step), rel=1e-4)


def test_classes_change_scenes_and_logits() -> None:
    make, judge = generator(replace(TINY, labels=2)), discriminator(replace(TINY_JUDGE, labels=2))
    latents, zero, one = torch.randn(1, 6), torch.tensor([0]), torch.tensor([1])
    scene = make(latents, zero)
    assert not torch.allclose(scene, make(latents, one))
    assert not torch.allclose(judge(scene, zero), judge(scene, one))


def test_the_logit_of_a_class_is_a_dot_product_with_its_embedding() -> None:
    judge, images = discriminator(replace(TINY_JUDGE, labels=2)), torch.randn(2, 3, 8, 12)
    with torch.no_grad():
        assert judge.embedding is not None
        judge.embedding.weight[1] = -2 * judge.embedding.weight[0]
    logits = judge(images, torch.tensor([0, 0]))
    assert torch.allclose(judge(images, torch.tensor([1, 1])), -2 * logits, atol=1e-5)


def test_labels_and_networks_must_fit() -> None:
    labels = torch.tensor([0])
    with pytest.raises(ValueError, match="0 classes"):
        generator()(torch.randn(1, 6), labels)
    with pytest.raises(ValueError, match="2 classes"):
        discriminator(replace(TINY_JUDGE, labels=2))(torch.randn(1, 3, 8, 12))


@pytest.mark.parametrize("wrong", [{"width": 0}, {"blocks": 0}, {"doublings": -1}, {"start": (0, 4)}, {"group": 3}])
def test_impossible_configurations_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"needs|groups of"):
        replace(TINY, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"height": 3}, {"blocks": 0}, {"labels": -1}, {"channels": 0}, {"group": 5}])
def test_impossible_discriminators_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=r"needs|groups of"):
        replace(TINY_JUDGE, **wrong)


def test_bfloat16_stays_near_float32() -> None:
    make, judge, latents = generator(), discriminator(), torch.randn(2, 6)
    scenes = make(latents)
    logits = judge(scenes)
    with torch.autocast("cpu", torch.bfloat16):
        rough, rough_logits = make(latents), judge(scenes)
    assert (rough - scenes).abs().max() < 0.03 * scenes.abs().max()
    assert (rough_logits - logits).abs().max() < 0.05 * logits.abs().max()
