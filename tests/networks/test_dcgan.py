"""DCGAN: sizes, published numbers of weights, initial weights, the checkerboard, and which critics may be penalised."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from shanshui.errors import ConfigError
from shanshui.networks.discriminators.dcgan import DCGANDiscriminator, DCGANDiscriminatorConfig
from shanshui.networks.generators.dcgan import DCGAN, DCGANConfig
from shanshui.networks.normalization import NORMALIZATIONS, Normalization
from shanshui.networks.pyramid import channels_by_size, halvings

TINY = DCGANConfig(doublings=3, latent=8, width=4)
TINY_JUDGE = DCGANDiscriminatorConfig(height=32, width=32, channels=4)


def generator(config: DCGANConfig = TINY) -> DCGAN:
    torch.manual_seed(0)
    return DCGAN(config)


def judge(config: DCGANDiscriminatorConfig = TINY_JUDGE) -> DCGANDiscriminator:
    torch.manual_seed(0)
    return DCGANDiscriminator(config)


def weights(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("start", "doublings", "size"),
    [((4, 4), 3, (32, 32)), ((9, 16), 2, (36, 64)), ((3, 1), 1, (6, 2)), ((4, 8), 7, (512, 1024))],
)
def test_scenes_are_the_start_doubled_and_a_judge_of_that_size_gives_one_logit(
    start: tuple[int, int], doublings: int, size: tuple[int, int]
) -> None:
    network = generator(replace(TINY, start=start, doublings=doublings, width=1))
    scenes = network(network.draw_latents(2, torch.Generator()))
    assert scenes.shape == (2, 3, *size) and network.size == size
    assert scenes.abs().max() <= 1
    if min(size) >= 8:
        height, width = size
        assert judge(replace(TINY_JUDGE, height=height, width=width, channels=1))(scenes).shape == (2, 1)


def test_the_paper_s_channels() -> None:
    assert channels_by_size(128, 4) == (128, 256, 512, 1024)
    assert channels_by_size(16, 6) == (16, 32, 64, 128, 128, 128)


@pytest.mark.parametrize(("size", "count"), [((64, 64), 4), ((32, 1024), 3), ((36, 64), 3), ((15, 15), 1), ((8, 9), 1)])
def test_images_are_halved_until_the_shorter_side_is_four_to_seven(size: tuple[int, int], count: int) -> None:
    assert halvings(*size) == count
    assert 4 <= min(size) // 2**count < 8


def test_as_many_weights_as_the_well_known_64_pixel_networks() -> None:
    """3,576,704 and 2,765,568 without biases, in the form with 64 channels that most implementations share."""
    colours, first, last = 3, 64, 1
    assert weights(generator(DCGANConfig(doublings=4, width=64))) == 3_576_704 + colours
    assert weights(judge(DCGANDiscriminatorConfig(channels=64))) == 2_765_568 + first + last


def test_initial_weights_are_the_paper_s() -> None:
    for network in (generator(replace(TINY, width=16)), judge(replace(TINY_JUDGE, channels=16))):
        for module in network.modules():
            if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d) and module.weight.numel() > 5_000:
                assert module.weight.std().item() == pytest.approx(0.02, rel=0.05)
                assert abs(module.weight.mean().item()) < 0.001
            if isinstance(module, nn.BatchNorm2d):
                assert module.weight.mean().item() == pytest.approx(1, abs=0.01)
                assert 0.01 < module.weight.std().item() < 0.03
                assert not module.bias.any()


def test_pixels_and_the_first_features_are_not_normalised() -> None:
    layers = [layer for layer in generator().modules() if not list(layer.children())]
    assert [type(layer) for layer in layers[-2:]] == [nn.ConvTranspose2d, nn.Tanh]
    assert [type(layer) for layer in list(judge().layers)[:2]] == [nn.Conv2d, nn.LeakyReLU]


def test_every_pixel_is_a_sum_of_equally_many_products() -> None:
    """What a kernel of 4 gives at stride 2, and a kernel of 3 or 5 does not: a flat map stays flat inside."""
    doubling = next(layer for layer in generator().layers if isinstance(layer, nn.ConvTranspose2d))
    with torch.no_grad():
        doubling.weight.fill_(1)
        inside = doubling(torch.ones(1, doubling.in_channels, 5, 5))[..., 2:-2, 2:-2]
    assert inside.min() == inside.max() == 4 * doubling.in_channels


def test_every_parameter_gets_a_gradient() -> None:
    networks: list[tuple[nn.Module, Tensor]] = [(generator(), torch.randn(4, 8)), (judge(), torch.randn(4, 3, 32, 32))]
    for network, inputs in networks:
        network(inputs).square().sum().backward()
        assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


def test_in_evaluation_a_scene_is_a_function_of_its_latent_alone() -> None:
    network = generator().eval()
    latents = torch.randn(3, 8)
    assert torch.allclose(network(latents)[1:2], network(latents[1:2]), atol=1e-6)
    assert torch.equal(network(latents, random=torch.Generator().manual_seed(1)), network(latents))
    assert torch.equal(network.sample(latents, truncation=0.5), network(latents / 2))


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_only_batch_norm_makes_a_logit_depend_on_its_batch(normalization: Normalization) -> None:
    network = judge(replace(TINY_JUDGE, normalization=normalization))
    images = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        network.train(normalization == "batch")  # a power iteration of "spectral" would be a change of its own
        alone, together = network(images[:2])[:1], network(images)[:1]
    assert network.has_batch_norm == (normalization == "batch")
    assert torch.allclose(alone, together, atol=1e-6) != network.has_batch_norm


@pytest.mark.parametrize("normalization", ["layer", "instance", "spectral", "none"])
def test_a_penalty_on_the_critic_s_gradient_reaches_its_weights(normalization: Normalization) -> None:
    network = judge(replace(TINY_JUDGE, normalization=normalization))
    images = torch.randn(2, 3, 32, 32, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(images).sum(), images, create_graph=True)
    assert gradient.flatten(1).any(dim=1).all()
    gradient.square().sum().backward()
    untouched = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    assert untouched == ["to_logit.bias"]  # a constant has no gradient


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_bfloat16_agrees_with_float32(normalization: Normalization) -> None:
    judging = judge(replace(TINY_JUDGE, channels=16, normalization=normalization))
    networks: list[tuple[nn.Module, Tensor]] = [
        (judging, torch.randn(4, 3, 32, 32)),
        (generator(replace(TINY, width=16)), torch.randn(4, 8)),
    ]
    for network, inputs in networks:
        network(inputs)  # brings spectral norms and running statistics near their values
        with torch.no_grad():
            expected = network.eval()(inputs)
            with torch.autocast("cpu", torch.bfloat16):
                rounded = network(inputs)
        assert (rounded - expected).abs().max() < 0.03 * expected.abs().max()


def test_impossible_configurations_are_refused_in_a_sentence() -> None:
    with pytest.raises(ConfigError, match="at least 8x8 pixels"):
        replace(TINY_JUDGE, height=4)
    with pytest.raises(ConfigError, match="choose one of batch"):
        replace(TINY_JUDGE, normalization="group")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="cannot be told labels"):
        replace(TINY_JUDGE, labels=3)
    with pytest.raises(ConfigError, match="cannot be told labels"):
        replace(TINY, labels=3)
    with pytest.raises(ConfigError, match="at least 1, not"):
        replace(TINY, start=(0, 4))
