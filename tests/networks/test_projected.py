"""The projected discriminator: what is fixed, what learns, and that it can tell photographs from noise."""

import torch
from skimage import data

from shanshui.images.pixels import to_tensor
from shanshui.images.resize import fit_crop
from shanshui.networks.discriminators.projected import FeatureProjector, ProjectedConfig, ProjectedDiscriminator
from shanshui.objectives.adversarial import hinge_discriminator

SIZE = 64


def test_projections_are_a_function_of_the_seed_alone() -> None:
    image = torch.rand(1, 3, SIZE, SIZE)
    torch.manual_seed(1)
    first = FeatureProjector(7)(image)
    torch.manual_seed(2)
    second, other = FeatureProjector(7)(image), FeatureProjector(8)(image)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first[0], other[0])


def test_nothing_in_the_projector_learns_but_gradients_pass() -> None:
    projector, image = FeatureProjector(0), torch.rand(1, 3, SIZE, SIZE, requires_grad=True)
    assert not any(parameter.requires_grad for parameter in projector.parameters())
    sum(features.mean() for features in projector(image)).backward()
    assert image.grad is not None and image.grad.abs().max() > 0


def test_the_finest_map_has_heard_of_the_coarsest() -> None:
    projector = FeatureProjector(0)
    image = torch.rand(1, 3, SIZE, SIZE)
    before = projector(image)[0]
    with torch.no_grad():
        for parameter in projector.across_scales[-1].parameters():
            parameter.zero_()
    assert not torch.allclose(projector(image)[0], before)


def test_it_judges_sizes_that_it_was_not_made_for() -> None:
    discriminator = ProjectedDiscriminator(ProjectedConfig(height=SIZE, width=SIZE))
    assert discriminator(FeatureProjector(0)(torch.rand(2, 3, SIZE, 2 * SIZE))).shape[0] == 2


def test_it_learns_to_tell_photographs_from_noise() -> None:
    torch.manual_seed(0)
    projector, discriminator = FeatureProjector(0), ProjectedDiscriminator(ProjectedConfig(height=SIZE, width=SIZE))
    photos = torch.cat([to_tensor(fit_crop(photo, SIZE, SIZE)) for photo in (data.chelsea(), data.coffee())])
    real, fake = projector(photos), projector(torch.rand(2, 3, SIZE, SIZE) * 2 - 1)
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=1e-3)
    for _ in range(12):
        loss = hinge_discriminator(discriminator(real), discriminator(fake))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert all(parameter.grad is not None for parameter in discriminator.parameters())
    assert discriminator(real).mean() > discriminator(fake).mean() + 1


def test_a_label_changes_what_is_judged() -> None:
    torch.manual_seed(0)
    discriminator = ProjectedDiscriminator(ProjectedConfig(height=SIZE, width=SIZE, labels=3))
    maps = discriminator.eye()(torch.rand(1, 3, SIZE, SIZE).expand(3, -1, -1, -1))
    logits = discriminator(maps, torch.tensor([0, 1, 1]))
    assert logits.ndim == 2 and logits.shape[0] == 3
    assert torch.allclose(logits[1], logits[2], atol=1e-4)
    assert not torch.allclose(logits[0], logits[1], atol=1e-2)
