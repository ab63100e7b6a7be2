"""Every discriminator that a configuration can name passes the same checks, in its smallest form."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from shanshui.networks.adversaries import DISCRIMINATORS, build_discriminator
from shanshui.networks.discriminators.base import Discriminator, DiscriminatorConfig
from shanshui.networks.discriminators.dcgan import DCGANDiscriminatorConfig
from shanshui.networks.discriminators.fastgan import FastGANDiscriminatorConfig
from shanshui.networks.discriminators.patchgan import PatchGANConfig
from shanshui.networks.discriminators.projected import ProjectedConfig
from shanshui.networks.discriminators.r3gan import R3GANDiscriminatorConfig
from shanshui.networks.discriminators.resnet import ResNetDiscriminatorConfig
from shanshui.networks.discriminators.stylegan2 import StyleGAN2Discriminator, StyleGAN2DiscriminatorConfig

HEIGHT, WIDTH = 64, 96
CONTRACTS: dict[type[Any], DiscriminatorConfig] = {
    DCGANDiscriminatorConfig: DCGANDiscriminatorConfig(height=HEIGHT, width=WIDTH, channels=4),
    ResNetDiscriminatorConfig: ResNetDiscriminatorConfig(height=HEIGHT, width=WIDTH, channels=4),
    PatchGANConfig: PatchGANConfig(height=HEIGHT, width=WIDTH, channels=4, layers=2),
    StyleGAN2DiscriminatorConfig: StyleGAN2DiscriminatorConfig(height=HEIGHT, width=WIDTH, channels=4),
    FastGANDiscriminatorConfig: FastGANDiscriminatorConfig(height=HEIGHT, width=WIDTH, channels=4),
    R3GANDiscriminatorConfig: R3GANDiscriminatorConfig(height=HEIGHT, width=WIDTH, channels=4, group=4),
    ProjectedConfig: ProjectedConfig(height=HEIGHT, width=WIDTH),
}
BATCH = 4
COMPARES_IMAGES = StyleGAN2Discriminator
"""With each other, by design: minibatch standard deviation."""
LARGEST_LOGIT_CHANGE_IN_BF16 = 0.1
"""As a share of the logits' size: bf16 keeps 8 bits, and errors add up over the layers, an encoder's among them."""


@pytest.fixture(params=DISCRIMINATORS, ids=lambda config: config.__name__)
def discriminator(request: pytest.FixtureRequest) -> Discriminator:
    torch.manual_seed(0)
    network = build_discriminator(CONTRACTS[request.param])
    awake(network)
    return network


def awake(network: nn.Module) -> None:
    """Give branches that begin at zero something to say."""
    for parameter in network.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)


def images(seed: int = 0) -> Tensor:
    """Unlike each other, as photographs are: each has a colour, a slope and a texture of its own."""
    random = torch.Generator().manual_seed(seed)
    colours = torch.rand(BATCH, 3, 1, 1, generator=random) * 2 - 1
    slopes = torch.linspace(-1, 1, HEIGHT)[:, None] * torch.randn(BATCH, 1, 1, 1, generator=random)
    texture = torch.randn(BATCH, 3, HEIGHT, WIDTH, generator=random) * torch.rand(BATCH, 1, 1, 1, generator=random)
    return (0.5 * colours + 0.3 * slopes + 0.3 * texture).clamp(-1, 1)


def judged(network: Discriminator, batch: Tensor) -> Tensor:
    logits: Tensor = network(network.eye()(batch))
    return logits


def test_it_gives_each_image_its_logits(discriminator: Discriminator) -> None:
    logits = judged(discriminator, images())
    assert logits.ndim == 2 and logits.shape[0] == BATCH
    assert torch.isfinite(logits).all() and logits.std() > 0


def test_every_parameter_and_every_pixel_gets_a_gradient(discriminator: Discriminator) -> None:
    batch = images().requires_grad_()
    terms = [judged(discriminator, batch).square().sum()]
    for made, wanted in discriminator.reconstructions(batch, torch.Generator().manual_seed(0)):
        terms.append((made - wanted).square().sum())
    torch.stack(terms).sum().backward()
    assert [path for path, parameter in discriminator.named_parameters() if parameter.grad is None] == []
    assert batch.grad is not None
    # A PatchGAN without padding at its border may leave out a pixel's rim, nothing more.
    assert (batch.grad.abs().sum(dim=1) > 0).float().mean() > 0.95


def test_evaluation_is_deterministic_and_judges_images_one_by_one(discriminator: Discriminator) -> None:
    discriminator.eval()
    whole = judged(discriminator, images())
    assert torch.equal(judged(discriminator, images()), whole)
    if not isinstance(discriminator, COMPARES_IMAGES):
        assert torch.allclose(judged(discriminator, images()[1:2]), whole[1:2], atol=1e-4)


def test_a_copy_with_its_state_gives_the_same_logits(discriminator: Discriminator) -> None:
    discriminator.eval()
    copy = build_discriminator(discriminator.config).eval()
    copy.load_state_dict(discriminator.state_dict())
    eye = discriminator.eye()
    assert torch.equal(copy(eye(images())), discriminator(eye(images())))


def test_channels_last_memory_changes_nothing(discriminator: Discriminator) -> None:
    discriminator.eval()
    expected = judged(discriminator, images())
    discriminator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    again = judged(discriminator, images().contiguous(memory_format=torch.channels_last))
    assert torch.allclose(again, expected, atol=1e-4)


def test_bf16_changes_logits_by_little(discriminator: Discriminator) -> None:
    discriminator.eval()
    expected = judged(discriminator, images())
    with torch.autocast("cpu", torch.bfloat16):
        reduced = judged(discriminator, images()).float()
    assert (reduced - expected).norm() < LARGEST_LOGIT_CHANGE_IN_BF16 * expected.norm()
