"""Differentiable augmentation: what each change may and may not do to an image."""

import torch

from shanshui.scenes import augment as module
from shanshui.scenes.augment import augment


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_same_randomness_gives_the_same_change_and_another_gives_another() -> None:
    images = torch.rand(4, 3, 32, 40)
    assert torch.equal(augment(images, generator()), augment(images, generator()))
    assert not torch.equal(augment(images, generator()), augment(images, generator(1)))


def test_shape_stays_and_images_of_a_batch_change_differently() -> None:
    images = torch.rand(1, 3, 32, 40).expand(4, -1, -1, -1)
    changed = augment(images, generator())
    assert changed.shape == images.shape
    assert not torch.allclose(changed[0], changed[1])


def test_an_image_is_changed_the_same_way_whether_real_or_generated() -> None:
    real, fake = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    both = augment(real, generator()) + augment(fake, generator())
    assert torch.allclose(
        both - augment(torch.zeros_like(real), generator()), augment(real + fake, generator()), atol=1e-5
    )


def test_gradients_reach_every_pixel_that_is_neither_cut_nor_shifted_out() -> None:
    images = torch.rand(3, 3, 32, 32, requires_grad=True)
    augment(images, generator()).sum().backward()
    assert images.grad is not None
    untouched = (images.grad == 0).all(dim=1).float().mean(dim=(1, 2))
    assert (untouched < 1 - (1 - 0.125) ** 2 * (1 - 0.2**2) + 0.05).all()


def test_colour_changes_keep_a_grey_image_grey_and_a_flat_one_flat() -> None:
    grey = torch.rand(4, 1, 16, 16).expand(-1, 3, -1, -1)
    recoloured = module._recolour(grey, generator())
    assert torch.allclose(recoloured, recoloured[:, :1].expand_as(recoloured), atol=1e-6)
    flat = torch.rand(4, 3, 1, 1).expand(-1, -1, 16, 16)
    assert module._recolour(flat, generator()).std(dim=(2, 3)).max() < 1e-6


def test_translation_moves_by_at_most_an_eighth() -> None:
    images = torch.zeros(64, 1, 32, 32)
    images[:, :, 16, 16] = 1
    found = module._translate(images, generator()).nonzero()[:, 2:]
    assert (found - 16).abs().max() == 4


def test_translation_adds_no_rim_to_a_flat_image() -> None:
    flat = torch.full((8, 3, 32, 32), 0.7)
    assert torch.equal(module._translate(flat, generator()), flat)


def test_the_cut_is_a_fifth_of_each_side() -> None:
    kept = module._cut(torch.ones(200, 1, 50, 50), generator())
    sizes = (kept == 0).float().sum(dim=(1, 2, 3))
    assert sizes.max() <= 11 * 11
    assert sizes.median() >= 9 * 9 * 0.5
