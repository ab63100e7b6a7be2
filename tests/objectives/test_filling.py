"""What makes a hole a part of its picture: nearness to the rim, fills that differ, terms that say what they are."""

import pytest
import torch

from shanshui.objectives.filling import FillObjective, likeness, nearness


def test_nearness_fades_by_the_step() -> None:
    mask = torch.zeros(1, 1, 5, 9)
    mask[..., 1:4, 2:] = 1
    near = nearness(mask, 0.5)
    assert near[0, 0, 2].tolist() == [1, 1, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25]
    assert near[0, 0, 0].tolist() == [1] * 9
    assert not nearness(torch.ones(1, 1, 4, 4), 0.5).any()


def test_nearness_without_decay_weighs_all_alike() -> None:
    assert (nearness((torch.rand(2, 1, 16, 16) < 0.7).float(), 1.0) == 1).all()


def test_equal_fills_are_alike_and_those_far_enough_apart_are_not() -> None:
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., :8] = 1
    first = torch.zeros(1, 3, 16, 16)
    assert likeness(first, first, mask, 0.2).item() == 1
    assert likeness(first, first + 0.05 * mask, mask, 0.2).item() == pytest.approx(0.75)
    assert likeness(first, first + mask, mask, 0.2).item() == 0
    assert likeness(first, first + (1 - mask), mask, 0.2).item() == 1, "what is known does not count"


def test_noise_does_not_make_fills_differ() -> None:
    mask, checks = torch.ones(1, 1, 16, 16), torch.ones(1, 3, 16, 16)
    checks[..., ::2] = -1
    assert likeness(checks, -checks, mask, 0.2).item() == pytest.approx(1)


def test_terms_are_weighted_and_zero_for_the_photo_itself() -> None:
    objective = FillObjective(hole=4.0, known=1.0, decay=1.0, content={"deep": 2.0}, style={"deep": 3.0})
    photos, masks = torch.rand(2, 3, 16, 16), torch.zeros(2, 1, 16, 16)
    masks[..., :4] = 1
    features = {"deep": torch.ones(2, 5, 8, 8)}
    same = objective(photos, photos, masks, features, features, masks)
    assert set(same) == {"pixels.hole", "pixels.known", "content.deep", "style.deep"}
    assert all(term == 0 for term in same.values())
    off = objective(photos + 0.5 * masks, photos, masks, {"deep": 0 * features["deep"]}, features, masks)
    assert off["pixels.hole"].item() == pytest.approx(2.0)
    assert off["pixels.known"] == 0
    assert (off["content.deep"].item(), off["style.deep"].item()) == (pytest.approx(2.0), pytest.approx(3.0))
    assert objective.layers == ("deep",)


def test_features_count_in_the_hole_alone() -> None:
    objective = FillObjective(hole=1.0, known=1.0, decay=1.0, content={"deep": 1.0}, style={"deep": 1.0})
    photos, masks, wanted = torch.rand(1, 3, 16, 16), torch.zeros(1, 1, 16, 16), torch.ones(1, 5, 8, 8)
    masks[..., :4] = 1
    inside, outside = wanted.clone(), wanted.clone()
    inside[..., :2], outside[..., 2:] = 0, 0
    for features, distance in ((inside, 1.0), (outside, 0.0)):
        terms = objective(photos, photos, masks, {"deep": features}, {"deep": wanted}, masks)
        assert terms["content.deep"].item() == pytest.approx(distance)
        assert terms["style.deep"].item() == pytest.approx(distance)


def test_dark_holes_count_for_no_more_than_others() -> None:
    """Beside their own features, borrowed texture in them would be a mistake beyond all others."""
    photo, seen = torch.ones(1, 4, 8, 8), torch.zeros(1, 1, 8, 8)
    seen[..., :2, :] = 1
    dark = photo * (1 - seen) + 0.01 * seen
    objective = FillObjective(hole=1.0, known=1.0, decay=1.0, content={"deep": 1.0}, style={"deep": 1.0})
    pixels = torch.zeros(1, 3, 8, 8)
    terms = objective(pixels, pixels, seen, {"deep": photo}, {"deep": dark}, seen)
    assert terms["content.deep"].item() == pytest.approx(0.99**2 / 0.750025, rel=1e-4)
    assert terms["style.deep"].item() == pytest.approx((1 - 0.01**2) / 0.750025, rel=1e-4)
