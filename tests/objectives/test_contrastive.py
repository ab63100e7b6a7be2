"""The patchwise contrast by hand and by finite differences; what must stay, in numbers."""

import math

import torch
from torch.nn.functional import normalize

from shanshui.objectives.contrastive import contrast, patch_nce
from shanshui.objectives.cycle import cycle_consistency, identity


def test_two_places_by_hand() -> None:
    """Place one finds its key (1 against 0), place two is half way: log(1 + 1/e) and log 2 at a temperature of 1."""
    keys = torch.eye(2)[None]
    half = math.sqrt(0.5)
    queries = torch.tensor([[[1.0, 0.0], [half, half]]])
    expected = (math.log(1 + math.exp(-1)) + math.log(2)) / 2
    torch.testing.assert_close(patch_nce(queries, keys, 1.0), torch.tensor(expected))


def test_places_of_other_images_are_not_wrong_answers() -> None:
    """Two images that show the same: within each, places can be told apart, and the other one does not confuse."""
    keys = torch.eye(3)[None].expand(2, -1, -1)
    assert patch_nce(keys, keys, 0.07) < 1e-5


def test_what_cannot_be_told_apart_costs_the_logarithm_of_the_number_of_places() -> None:
    same = normalize(torch.ones(2, 5, 4), dim=2)
    torch.testing.assert_close(patch_nce(same, same), torch.tensor(math.log(5)))


def test_the_slope_is_that_of_finite_differences_and_keys_have_none() -> None:
    random = torch.Generator().manual_seed(0)
    queries, keys = (normalize(torch.randn(2, 4, 3, generator=random), dim=2).requires_grad_() for _ in range(2))
    patch_nce(queries, keys, 0.5).backward()
    assert keys.grad is None and queries.grad is not None
    step = 1e-2
    for index in ((0, 0, 0), (0, 3, 2), (1, 2, 1)):
        nudge = torch.zeros_like(queries)
        nudge[index] = step
        with torch.no_grad():
            rise = patch_nce(queries + nudge, keys, 0.5) - patch_nce(queries - nudge, keys, 0.5)
        torch.testing.assert_close(queries.grad[index], rise / (2 * step), rtol=1e-2, atol=1e-5)


def test_several_maps_count_alike() -> None:
    random = torch.Generator().manual_seed(1)
    first, second = (normalize(torch.randn(1, places, 4, generator=random), dim=2) for places in (3, 7))
    expected = (patch_nce(first, first.flip(1)) + patch_nce(second, second.flip(1))) / 2
    found = contrast({"a": first, "b": second}, {"b": second.flip(1), "a": first.flip(1)})
    torch.testing.assert_close(found, expected)


def test_what_stays_costs_nothing_and_a_shift_its_size() -> None:
    images = torch.rand(2, 3, 4, 4)
    for distance in (cycle_consistency, identity):
        assert distance(images, images) == 0
        torch.testing.assert_close(distance(images + 0.25, images), torch.tensor(0.25))
