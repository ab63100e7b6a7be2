"""Steps between pieces become slopes; what is known, and what is right already, stays."""

import torch
from torch import Tensor

from shanshui.pipelines.filling.gradients import _divergence, differences, smoothed


def picture(height: int = 60, width: int = 90) -> Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0))


def hole(height: int = 60, width: int = 90) -> Tensor:
    holes = torch.zeros(2, 1, height, width)
    holes[..., 30:] = 1
    return holes


def test_differences_lead_from_each_position_to_its_neighbours() -> None:
    steps = differences(picture())
    torch.testing.assert_close(picture()[..., :-1] + steps[:, 0, ..., :-1], picture()[..., 1:])
    torch.testing.assert_close(picture()[..., :-1, :] + steps[:, 1, ..., :-1, :], picture()[..., 1:, :])
    assert not steps[:, 0, ..., -1].any() and not steps[:, 1, ..., -1, :].any()


def test_divergence_is_the_transpose_of_differences() -> None:
    images, steps = picture().double(), differences(picture().double().flip(-1).square())
    torch.testing.assert_close((differences(images) * steps).sum(), -(images * _divergence(steps)).sum())


def test_a_picture_that_has_its_differences_stays() -> None:
    torch.testing.assert_close(smoothed(picture(), differences(picture()), hole()), picture())


def test_a_step_between_two_pieces_becomes_a_slope() -> None:
    pieces = picture().clone()
    pieces[..., 60:] += 0.5
    whole = smoothed(pieces, differences(picture()), hole())
    assert torch.equal(whole[..., :30], pieces[..., :30])
    brighter = (whole - picture()).mean((0, 1, 2))
    assert brighter.diff().max() < 0.05, "it was 0.5 between two columns"
    assert (brighter.diff() > -0.01).all()


def test_what_leads_out_of_the_picture_does_not_count() -> None:
    wanted = differences(picture())
    wanted[:, 0, ..., -1] = wanted[:, 1, ..., -1, :] = 7
    torch.testing.assert_close(smoothed(picture(), wanted, hole()), picture())
