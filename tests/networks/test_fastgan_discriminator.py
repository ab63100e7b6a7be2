"""FastGAN's discriminator: patches at two scales, any size, drawings of photographs, and what learns from what."""

from dataclasses import replace

import pytest
import torch
from skimage import data
from torch import Tensor
from torch.nn import functional as F

from shanshui.errors import ConfigError
from shanshui.images.pixels import to_tensor
from shanshui.images.resize import fit_crop
from shanshui.networks.discriminators.fastgan import FastGANDiscriminator, FastGANDiscriminatorConfig

TINY = FastGANDiscriminatorConfig(height=64, width=64, channels=4)


def discriminator(height: int = 64, width: int = 64) -> FastGANDiscriminator:
    torch.manual_seed(0)
    return FastGANDiscriminator(replace(TINY, height=height, width=width))


def drawings(network: FastGANDiscriminator, images: Tensor, seed: int = 0) -> list[tuple[Tensor, Tensor]]:
    return list(network.reconstructions(images, torch.Generator().manual_seed(seed)))


@pytest.mark.parametrize(
    ("size", "patches", "drawn"),
    [
        ((32, 32), 5 * 5, (16, 16)),
        ((64, 64), 5 * 5, (32, 32)),
        ((72, 128), 6 * 13, (36, 64)),
        ((256, 320), 5 * 7, (128, 160)),
        ((512, 512), 5 * 5, (128, 128)),
        ((100, 132), 9 * 13, (48, 64)),
    ],
)
def test_patches_are_judged_at_two_scales_and_drawings_have_the_small_ones_size(
    size: tuple[int, int], patches: int, drawn: tuple[int, int]
) -> None:
    network, images = discriminator(*size), torch.rand(2, 3, *size) * 2 - 1
    assert network(images).shape == (2, 2 * patches)
    for made, wanted in drawings(network, images):
        assert made.shape == wanted.shape == (2, 3, *drawn)
        assert made.abs().max() <= 1


def test_a_thousand_pixels_are_halved_at_the_entrance_and_judged_like_256() -> None:
    networks = [discriminator(side, side) for side in (256, 1024)]
    assert [len(network.downs) for network in networks] == [5, 5]
    assert networks[1].eval()(torch.zeros(1, 3, 1024, 1024)).shape == (1, 50)


def test_the_second_half_of_the_logits_sees_the_small_copy_alone() -> None:
    """Two images with the same means over 2 x 2 pixels cannot be told apart there, but can by the first half."""
    network, images = discriminator(), torch.rand(2, 3, 64, 64)
    checkerboard = torch.tensor([[0.2, -0.2], [-0.2, 0.2]]).repeat(32, 32)
    first, second = network(images).chunk(2, dim=1)
    other_first, other_second = network(images + checkerboard).chunk(2, dim=1)
    assert torch.allclose(second, other_second, atol=1e-3)
    assert (first - other_first).abs().max() > 0.1


def test_the_last_map_hears_of_the_first_by_excitation() -> None:
    network, images = discriminator().eval(), torch.rand(1, 3, 64, 64)
    before = network(images)
    with torch.no_grad():
        for parameter in network.excitations.parameters():
            parameter.zero_()
    after = network(images)
    assert not torch.allclose(after[:, :25], before[:, :25])
    assert torch.equal(after[:, 25:], before[:, 25:])


def test_drawings_are_of_the_whole_image_twice_and_of_a_quadrant() -> None:
    images = torch.rand(1, 3, 64, 64)
    quadrants = [images[..., y : y + 32, x : x + 32] for y in (0, 32) for x in (0, 32)]
    seen = set()
    for seed in range(16):
        whole, small, part = (wanted for _, wanted in drawings(discriminator(), images, seed))
        assert torch.equal(whole, F.avg_pool2d(images, 2)) and torch.equal(small, whole)
        seen |= {place for place, quadrant in enumerate(quadrants) if torch.equal(part, quadrant)}
    assert seen == {0, 1, 2, 3}


def test_a_quadrant_is_drawn_from_its_own_part_of_the_map() -> None:
    """Pixels far from the quadrant have no influence; batch norm is in evaluation, excitation does not reach it."""
    network = discriminator().eval()
    images = torch.rand(1, 3, 64, 64, requires_grad=True)
    made, wanted = drawings(network, images)[2]
    (influence,) = torch.autograd.grad(made.sum(), images)
    (place,) = torch.autograd.grad(wanted.sum(), images)
    inside = place.ne(0)
    assert influence[inside].abs().max() > 0
    opposite = inside.flip(2, 3)
    assert influence[opposite].abs().max() < influence[inside].abs().max() / 10


def test_the_same_randomness_draws_the_same_quadrant() -> None:
    network, images = discriminator().eval(), torch.rand(2, 3, 64, 64)
    for first, second in zip(drawings(network, images, 5), drawings(network, images, 5), strict=True):
        assert torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])


def test_every_parameter_gets_a_gradient_from_logits_and_drawings_together() -> None:
    network, images = discriminator(), torch.rand(4, 3, 64, 64)
    loss = network(images).square().sum()
    loss += torch.stack([(made - wanted).abs().mean() for made, wanted in drawings(network, images)]).sum()
    loss.backward()
    untouched = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    assert untouched == []
    assert network.has_batch_norm


def test_evaluation_judges_images_one_by_one() -> None:
    network, images = discriminator().eval(), torch.rand(3, 3, 64, 64)
    assert torch.allclose(network(images[1:2]), network(images)[1:2], atol=1e-5)


def test_it_learns_to_draw_photographs() -> None:
    torch.manual_seed(0)
    network = FastGANDiscriminator(replace(TINY, height=32, width=32))
    photos = torch.cat([to_tensor(fit_crop(photo, 32, 32)) for photo in (data.chelsea(), data.coffee())])
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    errors = []
    for step in range(40):
        loss = torch.stack([(made - wanted).abs().mean() for made, wanted in drawings(network, photos, step)]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        errors.append(loss.item())
    assert min(errors[-5:]) < errors[0] / 2


@pytest.mark.parametrize("wrong", [{"height": 31}, {"width": 16}, {"channels": 0}, {"labels": 2}])
def test_impossible_configurations_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=r"at least|labels"):
        replace(TINY, **wrong)
