"""Patches over holes: which there are, what they are compared by, whom they follow, and that they agree."""

import pytest
import torch
from torch import Tensor

from shanshui.pipelines.filling.exemplars import refined, searched
from shanshui.pipelines.filling.patches import Patches, patches
from shanshui.pipelines.filling.sources import Sources, carried, costs_of, improved, most_alike


def hole(height: int = 40, width: int = 50) -> Tensor:
    holes = torch.zeros(height, width, dtype=torch.bool)
    holes[12:28, 20:38] = True
    return holes


def known_patches(holes: Tensor, step: int = 1) -> Patches:
    found = patches(holes, step)
    assert found is not None
    return found


def noise(height: int = 40, width: int = 50) -> Tensor:
    """(H * W, 3)."""
    return torch.rand(height * width, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("step", [1, 2, 3])
def test_targets_cover_the_hole_and_known_patches_do_not_touch_it(step: int) -> None:
    for holes in (hole(), hole()[:, 20:], hole()[12:]):  # in the middle, and at borders
        where = known_patches(holes, step)
        covered = torch.zeros(holes.numel(), dtype=torch.bool)
        for tap in where.taps.tolist():
            covered[where.targets + tap] = True
        assert covered[holes.flatten()].all()
        for tap in where.taps.tolist():
            assert not holes.flatten()[where.known.nonzero()[:, 0] + tap].any()
        assert not where.known[where.targets].any()
        assert where.numbers.max() == len(where.targets) - 1


def test_without_a_known_patch_there_is_nothing_to_take() -> None:
    assert patches(torch.ones(40, 50, dtype=torch.bool), 1) is None
    assert patches(torch.zeros(5, 50, dtype=torch.bool), 1) is None
    holes = torch.zeros(40, 50, dtype=torch.bool)
    holes[::6, ::6] = True
    assert patches(holes, 1) is None


def test_trust_falls_with_each_step_into_a_hole() -> None:
    trust = known_patches(hole()).trust.view(40, 50)
    assert (trust[~hole()] == 1).all()
    steps = trust[20, 20:26]
    torch.testing.assert_close(steps[:-1] / steps[1:], torch.full((5,), 1.25))


def test_comparing_with_all_finds_what_costs_least() -> None:
    where, colors = known_patches(hole()), noise()
    sources = most_alike(colors, where, torch.zeros(len(colors)))
    torch.testing.assert_close(costs_of(colors, where, where.targets, sources.places), sources.costs)
    places = where.known.nonzero()[:, 0]
    for number in (0, 100, len(where.targets) - 1):
        target = where.targets[number].expand(len(places))
        assert sources.costs[number] == pytest.approx(costs_of(colors, where, target, places).min().item())


def test_the_same_row_is_preferred() -> None:
    stripes = torch.arange(50).remainder(5).float().expand(40, 50).reshape(-1, 1).repeat(1, 3) / 2.5 - 1
    where = known_patches(hole())
    sources = most_alike(stripes, where, torch.zeros(len(stripes)))
    assert (sources.places // 50 == where.targets // 50).all()


def test_chance_decides_between_sources_that_are_alike() -> None:
    plain, where = torch.zeros(2000, 3), known_patches(hole())
    first, second, again = (
        searched(plain, hole(), where, 1, torch.Generator().manual_seed(seed)).sources.places for seed in (0, 1, 0)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def test_a_better_source_travels_from_a_neighbour() -> None:
    # Columns repeat after 10, so a source 20 columns to the left is right for all targets; one of them has it.
    columns = torch.rand(10, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    colors = columns[torch.arange(50).remainder(10)].expand(40, 50, 3).reshape(-1, 3)
    where = known_patches(hole())
    bad = where.known.nonzero()[0, 0].expand(len(where.targets)).clone()
    bad[where.targets == 20 * 50 + 30] = 20 * 50 + 10
    sources = Sources(bad, torch.zeros(len(bad)))
    right = 0
    for _ in range(4):
        sources = improved(colors, where, sources)
        before, right = right, int((sources.places == where.targets - 20).sum())
        assert right > before


def test_a_finer_map_goes_on_with_the_sources_of_the_coarse_one() -> None:
    coarse, fine = known_patches(hole()), known_patches(hole().repeat_interleave(2, 0).repeat_interleave(2, 1), 2)
    colors = noise(80, 100)
    sources = Sources(coarse.targets - 16 * 50 - 20, torch.zeros(len(coarse.targets)))
    found = carried(colors, coarse, sources, fine)
    expected = fine.targets - 32 * 100 - 40
    inside = fine.known[expected.clamp_min(0)] & (expected >= 0)
    assert inside.any()
    assert torch.equal(found.places[inside], expected[inside])
    assert fine.known[found.places].all()


def test_what_is_known_never_changes() -> None:
    coarse_holes, fine_holes = hole(), hole().repeat_interleave(2, 0).repeat_interleave(2, 1)
    found = searched(noise(), coarse_holes, known_patches(coarse_holes), 2, torch.Generator().manual_seed(0))
    finer = refined(noise(80, 100), fine_holes, known_patches(fine_holes, 3), found, 2)
    known = ~fine_holes.flatten()
    assert torch.equal(finer.colors[known], noise(80, 100)[known])
    assert not torch.equal(finer.colors[~known], noise(80, 100)[~known])
