"""Sources vote on pixels and are joined, whatever the number of rows at a time."""

import pytest
import torch
from torch import Tensor

from shanshui.pipelines.filling import votes as voting
from shanshui.pipelines.filling.exemplars import Found
from shanshui.pipelines.filling.joining import joined
from shanshui.pipelines.filling.patches import Patches, patches
from shanshui.pipelines.filling.sources import Sources, costs_of
from shanshui.pipelines.filling.votes import Votes, bands

HEIGHT, WIDTH = 301, 50


def hole() -> Tensor:
    holes = torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    holes[12:, 20:38] = True
    return holes


def known_patches(holes: Tensor, step: int = 1) -> Patches:
    found = patches(holes, step)
    assert found is not None
    return found


def found(step: int) -> Found:
    """Noise whose targets all have a source anywhere."""
    random = torch.Generator().manual_seed(0)
    where = known_patches(hole(), step)
    colors = torch.rand(HEIGHT * WIDTH, 3, generator=random) * 2 - 1
    known = where.known.nonzero()[:, 0]
    places = known[torch.randint(len(known), (len(where.targets),), generator=random)]
    return Found(colors, where, Sources(places, costs_of(colors, where, where.targets, places)))


def whole(found: Found, holes: Tensor) -> Tensor:
    return torch.cat([made for _, made in joined(found, holes)], dim=2)


@pytest.fixture
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voting, "_BAND", 1)
    monkeypatch.setattr(voting, "_FEWEST", 64)


@pytest.mark.parametrize(("height", "width"), [(1, 7), (301, 50), (4000, 6000), (70000, 3)])
def test_bands_follow_each_other_and_begin_at_even_rows(height: int, width: int) -> None:
    rows = list(bands(height, width))
    assert [band.start for band in rows] == [0, *(band.stop for band in rows[:-1])]
    assert rows[-1].stop == height
    assert not any(band.start % 2 for band in rows)


@pytest.mark.parametrize("step", [1, 3])
def test_rows_are_told_the_same_alone(step: int) -> None:
    made = found(step)
    votes = Votes.of(made.where, made.sources)
    said, weights = votes.on(slice(0, HEIGHT), lambda places: made.colors.index_select(0, places), 3)
    parts = [
        votes.on(rows, lambda places: made.colors.index_select(0, places), 3)
        for rows in (slice(0, 4), slice(4, 200), slice(200, HEIGHT))
    ]
    assert torch.equal(torch.cat([part for part, _ in parts]), said)
    assert torch.equal(torch.cat([part for _, part in parts]), weights)
    assert (weights > 0).view(HEIGHT, WIDTH)[hole()].all()
    assert not weights.view(HEIGHT, WIDTH)[:, :10].any()


def test_a_pixel_is_told_the_mean_of_the_sources_over_it() -> None:
    made = found(2)
    votes = Votes.of(made.where, made.sources)
    said, _ = votes.on(slice(100, 101), lambda places: made.colors.index_select(0, places), 3)
    pixel = 100 * WIDTH + 25
    away = pixel - made.where.targets
    over = torch.isin(away, made.where.taps)
    shares = votes.weights[over] / votes.weights[over].sum()
    expected = (shares[:, None] * made.colors[made.sources.places[over] + away[over]]).sum(0)
    torch.testing.assert_close(said[25], expected)


@pytest.mark.usefixtures("few_rows")
def test_bands_are_joined_to_less_than_a_level_of_eight_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    made = found(3)
    parts = list(joined(made, hole()))
    assert len(parts) == 5
    monkeypatch.setattr(voting, "_FEWEST", 1000)
    torch.testing.assert_close(torch.cat([part for _, part in parts], dim=2), whole(made, hole()), atol=2 / 255, rtol=0)


@pytest.mark.usefixtures("few_rows")
def test_what_is_known_never_changes() -> None:
    made = found(3)
    known = ~hole().flatten()
    assert torch.equal(whole(made, hole())[0].flatten(1).T[known], made.colors[known])
    assert not torch.equal(whole(made, hole())[0].flatten(1).T[~known], made.colors[~known])


@pytest.mark.usefixtures("few_rows")
def test_a_step_in_brightness_along_the_rim_vanishes() -> None:
    holes, where = hole(), known_patches(hole())
    colors = torch.full((HEIGHT * WIDTH, 3), 0.5)
    colors.view(HEIGHT, WIDTH, 3)[:, :12] = 0.1  # what the sources show is darker than what is around the hole
    bright = torch.arange(WIDTH) >= 12
    places = (where.targets // WIDTH) * WIDTH + 5
    colors[holes.flatten()] = 0.1
    made = whole(Found(colors, where, Sources(places, torch.zeros(len(places)))), holes)
    torch.testing.assert_close(made, torch.full((1, 3, HEIGHT, WIDTH), 0.5).where(bright, made), atol=1e-4, rtol=0)
