"""The inpainter: blind to what is missing, any size, and noise and latent that decide what is there."""

import pytest
import torch
from torch import Tensor

from shanshui.errors import ConfigError
from shanshui.networks.borrowing import borrowed
from shanshui.networks.inpainter import Inpainter, InpainterConfig
from shanshui.networks.membrane import membrane

TINY = InpainterConfig(width=8, widest=16, halvings=1, dilations=(1, 2), latent=4)


@pytest.fixture
def network() -> Inpainter:
    """One that has learned something: its last layer is no longer zero."""
    torch.manual_seed(0)
    inpainter = Inpainter(TINY)
    with torch.no_grad():
        inpainter.strokes.weight.copy_(0.1 * torch.randn_like(inpainter.strokes.weight))
    return inpainter.eval()


def picture(height: int = 48, width: int = 64) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


def hole(height: int = 48, width: int = 64) -> Tensor:
    mask = torch.zeros(1, 1, height, width)
    mask[..., height // 3 : height // 2 + 1, width // 3 : width // 2 + 1] = 1
    return mask


def filled(network: Inpainter, image: Tensor, mask: Tensor, *, latent: int = 0, noise: int = 0):  # type: ignore[no-untyped-def]
    latents = network.draw_latents(1, torch.Generator().manual_seed(latent))
    grain = torch.randn(mask.shape, generator=torch.Generator().manual_seed(noise))
    with torch.no_grad():
        return network(image, mask, latents, grain)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (16, 16), (33, 50), (64, 47)])
def test_every_size_is_kept(network: Inpainter, height: int, width: int) -> None:
    assert filled(network, picture(height, width), hole(height, width)).shape == (1, 3, height, width)


def test_what_is_missing_is_not_seen(network: Inpainter) -> None:
    image, mask = picture(), hole()
    other = torch.where(mask > 0, -image, image)
    assert torch.equal(filled(network, image, mask), filled(network, other, mask))


def test_latent_and_noise_decide(network: Inpainter) -> None:
    image, mask = picture(), hole()
    first = filled(network, image, mask)
    assert torch.equal(first, filled(network, image, mask))
    assert not torch.allclose(first, filled(network, image, mask, latent=3))
    assert not torch.allclose(first, filled(network, image, mask, noise=3))


def test_untrained_it_leaves_the_membrane_with_borrowed_texture_and_the_photo() -> None:
    image, mask = picture(), hole()
    made = filled(Inpainter(TINY), image, mask)
    noise = torch.randn(mask.shape, generator=torch.Generator().manual_seed(0))
    begun = membrane(image, mask)
    torch.testing.assert_close(made, begun + borrowed(begun, mask, noise))
    torch.testing.assert_close(made * (1 - mask), image * (1 - mask))


def test_every_parameter_learns(network: Inpainter) -> None:
    latents = network.draw_latents(2, torch.Generator().manual_seed(0))
    image, mask = picture().expand(2, -1, -1, -1), hole().expand(2, -1, -1, -1)
    network(image, mask, latents, torch.randn(2, 1, 48, 64)).square().sum().backward()
    assert not [name for name, each in network.named_parameters() if each.grad is None or not each.grad.any()]


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(ConfigError, match="dilations"):
        InpainterConfig(dilations=(1, 0))


def test_a_membrane_keeps_what_is_known_and_stays_between_it() -> None:
    image, mask = picture(37, 53), hole(37, 53)
    spread = membrane(image, mask)
    assert torch.equal(spread * (1 - mask), image * (1 - mask))
    assert spread.amin() >= image.amin() and spread.amax() <= image.amax()
    plain = torch.full_like(image, 0.3)
    torch.testing.assert_close(membrane(plain, mask), plain)
    torch.testing.assert_close(membrane(plain, torch.ones_like(mask)), torch.zeros_like(plain))


def test_a_membrane_takes_the_colour_of_the_nearer_rim() -> None:
    image = torch.zeros(1, 1, 16, 64)
    image[..., 32:] = 1
    mask = torch.zeros(1, 1, 16, 64)
    mask[..., 8:56] = 1
    row = membrane(image, mask)[0, 0, 8]
    assert row[10] < 0.2 and row[53] > 0.8 and (row.diff() >= -1e-6).all()


def test_texture_is_borrowed_where_something_is_missing_and_only_there() -> None:
    fence = (torch.arange(128) % 2).float().expand(1, 3, 64, 128).clone()
    mask = torch.zeros(1, 1, 64, 128)
    mask[..., 16:48, 32:64] = 1
    begun = membrane(fence, mask)
    texture = borrowed(begun, mask, torch.zeros(1, 1, 64, 128))
    assert not (texture * (1 - mask)).any()
    # The posts of the fence stand at the same places of every cell: they are continued.
    error = ((begun + texture - fence) * mask).abs().sum() / (3 * mask.sum())
    assert error < 0.5 * ((begun - fence) * mask).abs().sum() / (3 * mask.sum())


def test_nothing_is_borrowed_from_what_is_missing() -> None:
    smooth, noise = torch.rand(1, 3, 64, 64), torch.randn(1, 1, 64, 64)
    assert not borrowed(smooth, torch.ones(1, 1, 64, 64), noise).any()
    plain = torch.full((1, 3, 64, 64), 0.5)
    plain[..., 20:30, 20:30] = -1  # nothing but the hole has detail
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 16:32, 16:32] = 1
    detail = borrowed(plain, mask, noise)
    assert detail[..., 24:26, 24:26].abs().max() < 0.5


def test_another_noise_borrows_otherwise() -> None:
    smooth, mask = membrane(picture(64, 96), hole(64, 96)), hole(64, 96)
    first, second = (
        borrowed(smooth, mask, torch.randn(1, 1, 64, 96, generator=torch.Generator().manual_seed(seed)))
        for seed in (0, 1)
    )
    assert not torch.equal(first, second)
