"""Journeys through codes: exact ends, constant norm, loops that close, even speed."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicSpline
from torch import Tensor

from shanshui.errors import ConfigError
from shanshui.pipelines.journeys import Journey, evenly, on_spheres, round_trip, round_trip_on_spheres, straight

Lay = Callable[[Tensor], Journey]
OPEN: tuple[Lay, ...] = (straight, on_spheres)
CLOSED: tuple[Lay, ...] = (round_trip, round_trip_on_spheres)


def latents(count: int, *shape: int) -> Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(3))


def steps(codes: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(codes.double().flatten(1).diff(dim=0), dim=1)
    return lengths


@pytest.mark.parametrize("lay", OPEN)
def test_a_journey_begins_and_ends_exactly_at_its_ends_and_passes_the_others(lay: Lay) -> None:
    stops = latents(3, 64, 1, 1)
    codes = lay(stops).codes(1001)
    assert torch.equal(codes[0], stops[0]) and torch.equal(codes[-1], stops[-1])
    assert (codes - stops[1]).flatten(1).norm(dim=1).min() < 0.02 * stops[1].norm()


@pytest.mark.parametrize("lay", CLOSED)
def test_a_loop_begins_at_its_first_stop_and_passes_the_others(lay: Lay) -> None:
    stops = latents(4, 6, 8)
    codes = lay(stops).codes(1000)
    assert torch.equal(codes[0], stops[0])
    for stop in stops[1:]:
        assert (codes - stop).flatten(1).norm(dim=1).min() < 0.02 * stop.norm()


@pytest.mark.parametrize("lay", CLOSED)
def test_a_loop_closes_without_a_jump_in_place_or_direction(lay: Lay) -> None:
    codes = lay(latents(3, 64)).codes(240).double()
    twice = torch.cat([codes, codes])
    moves = twice.diff(dim=0)
    at_seam, elsewhere = moves[239], moves[:239]
    assert at_seam.norm() == pytest.approx(elsewhere.norm(dim=1).mean().item(), rel=0.01)
    turns = torch.cosine_similarity(moves[:-1], moves[1:])
    assert turns[238:240].min() >= turns[:238].min() - 1e-6


@pytest.mark.parametrize("lay", [on_spheres, round_trip_on_spheres])
def test_latents_of_one_norm_keep_it_all_the_way(lay: Lay) -> None:
    stops = latents(4, 128, 2, 3)
    stops *= 11 / stops.norm(dim=1, keepdim=True)
    assert torch.allclose(lay(stops).codes(97).norm(dim=1), torch.tensor(11.0), rtol=1e-5)


@pytest.mark.parametrize("lay", [on_spheres, round_trip_on_spheres])
def test_between_different_norms_the_norm_does_not_leave_their_range(lay: Lay) -> None:
    stops = latents(3, 32) * torch.tensor([0.1, 1.0, 3.0])[:, None]
    norms = lay(stops).codes(200).norm(dim=1)
    assert norms.min() >= stops[0].norm() * (1 - 1e-5) and norms.max() <= stops[2].norm() * (1 + 1e-5)


def test_the_straight_way_would_leave_the_sphere() -> None:
    """What on_spheres is for: two long random latents are nearly at right angles."""
    stops = latents(2, 4096)
    assert straight(stops).codes(3)[1].norm() / 64 == pytest.approx(math.sqrt(0.5), rel=0.03)
    assert on_spheres(stops).codes(3)[1].norm() / 64 == pytest.approx(1, rel=0.03)


def test_a_great_arc_turns_by_equal_angles() -> None:
    codes = on_spheres(torch.tensor([[2.0, 0.0], [0.0, 2.0]])).codes(4)
    angles = torch.tensor([0, 30, 60, 90]).deg2rad()
    assert torch.allclose(codes, 2 * torch.stack([angles.cos(), angles.sin()], dim=1), atol=1e-6)


def test_the_loop_is_the_periodic_cubic_spline() -> None:
    stops = latents(5, 3).double()
    closed = torch.cat([stops, stops[:1]])
    chords = closed.diff(dim=0).norm(dim=1)
    knots = torch.cat([chords.new_zeros(1), chords.cumsum(0) / chords.sum()])
    spline = CubicSpline(knots.numpy(), closed.numpy(), bc_type="periodic")
    curve = spline(np.linspace(0, 1, 4001))
    codes = round_trip(stops).codes(200).numpy()
    assert max(np.linalg.norm(curve - code, axis=1).min() for code in codes) < 2e-3 * np.linalg.norm(stops)


@pytest.mark.parametrize("lay", [*OPEN, *CLOSED])
def test_codes_move_at_even_speed(lay: Lay) -> None:
    stops = latents(2 if lay in OPEN else 5, 64)
    moved = steps(lay(stops).codes(150))
    assert moved.max() / moved.min() < 1.02


def test_a_journey_is_made_even_in_what_is_seen_of_it() -> None:
    """Seen through a cube the end is fast; afterwards equal times show equal changes, and the ends have stayed."""
    journey = straight(torch.tensor([[0.0], [1.0]]))
    codes = evenly(journey, lambda codes: codes**3, samples=400).codes(11)
    assert torch.allclose(codes[:, 0] ** 3, torch.linspace(0, 1, 11), atol=2e-3)
    assert codes[0].item() == 0 and codes[-1].item() == 1


def test_a_standstill_takes_no_time() -> None:
    journey = straight(torch.tensor([[0.0], [1.0]]))
    codes = evenly(journey, lambda codes: codes.clamp(min=0.5), samples=200).codes(11)[:, 0]
    assert codes[0] == 0 and torch.allclose(codes[1:], torch.linspace(0.5, 1, 11)[1:], atol=0.01)


@pytest.mark.parametrize(
    ("lay", "count"), [(straight, 1), (on_spheres, 1), (round_trip, 2), (round_trip_on_spheres, 2)]
)
def test_too_few_scenes_go_nowhere(lay: Lay, count: int) -> None:
    with pytest.raises(ConfigError, match="goes nowhere"):
        lay(latents(count, 4))


@pytest.mark.parametrize("lay", [*OPEN, *CLOSED])
def test_two_scenes_alike_in_a_row_are_refused(lay: Lay) -> None:
    with pytest.raises(ConfigError, match="same"):
        lay(latents(3, 4)[[0, 1, 1, 2]])


@pytest.mark.parametrize("lay", CLOSED)
def test_a_loop_does_not_name_its_first_scene_twice(lay: Lay) -> None:
    with pytest.raises(ConfigError, match="same"):
        lay(latents(3, 4)[[0, 1, 2, 0]])


def test_one_frame_is_no_journey() -> None:
    with pytest.raises(ConfigError):
        straight(latents(2, 4)).codes(1)


def test_what_never_changes_has_no_pace() -> None:
    with pytest.raises(ConfigError, match="look the same"):
        evenly(straight(latents(2, 4)), torch.zeros_like, samples=10)
