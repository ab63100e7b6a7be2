"""Flat skies: what counts as flat, what as a blob, and that blobs are held down while all else is left alone."""

import numpy as np
import pytest
import torch
from torch import Tensor

from shanshui.images import flatness as flat
from shanshui.images.flatness import Cells, CellsOf, FlatChange

SIDE = 128


def sky_over_grass() -> Tensor:
    """The upper half an even gradient, the lower half noise."""
    photo = torch.linspace(0.2, 0.6, SIDE).view(1, 1, SIDE, 1).expand(1, 3, SIDE, SIDE).clone()
    photo[:, :, SIDE // 2 :] = 0.4 * torch.randn(1, 3, SIDE // 2, SIDE, generator=torch.Generator().manual_seed(0))
    return photo.clamp(-1, 1)


def waves(period: float, strength: float = 0.2) -> Tensor:
    """A pattern of the given period in pixels, of mean zero and mean square strength^2 / 4 per channel."""
    angle = 2 * torch.pi * torch.arange(SIDE) / period
    return (strength * torch.sin(angle)[:, None] * torch.sin(angle)[None, :]).expand(1, 3, SIDE, SIDE)


def flatness(photo: Tensor) -> Tensor:
    return flat.flatness(Cells.of(photo))


def blob_energy(painting: Tensor, photo: Tensor) -> Tensor:
    return flat.blob_energy(Cells.of(painting), Cells.of(photo))


def held_flat(painting: Tensor, photo: Tensor) -> Tensor:
    return painting + change_of(painting, photo)


def change_of(painting: Tensor, photo: Tensor) -> Tensor:
    height, width = painting.shape[2:]
    return FlatChange(cells_of(painting), cells_of(photo), height).of_rows(0, height, width)


def cells_of(image: Tensor) -> CellsOf:
    return lambda first, last: Cells.of(image[:, :, first:last])


def test_a_gradient_is_flat_and_noise_is_not() -> None:
    flat = flatness(sky_over_grass())
    cells = SIDE // 4
    assert flat.shape == (1, 1, cells, cells)
    assert flat[:, :, : cells // 4].min() == 1
    assert flat[:, :, -cells // 4 :].max() == 0


def test_fine_texture_is_detail_even_where_its_average_is_even() -> None:
    checkerboard = (torch.arange(SIDE)[:, None] + torch.arange(SIDE)[None, :]) % 2 * 0.4
    assert flatness(checkerboard.expand(1, 3, SIDE, SIDE)).max() == 0


def test_the_energy_is_that_of_blobs_and_not_of_strokes_or_of_light() -> None:
    photo = torch.zeros(1, 3, SIDE, SIDE)
    blobs, strokes = (blob_energy(waves(period), photo).item() for period in (32, 5))
    light = blob_energy(waves(1024, strength=1.0), photo).item()
    assert 0.3 * 0.01 < blobs < 0.01  # the mean square of the pattern is 0.2^2 / 4
    assert strokes < 0.02 * blobs
    assert light < 0.1 * blobs


def test_the_energy_of_a_photo_without_flat_parts_is_undefined() -> None:
    noise = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)).clamp(-1, 1)
    assert blob_energy(noise, noise).isnan().all()


def test_blobs_in_a_sky_are_held_down_and_busy_parts_are_not_touched() -> None:
    photo = sky_over_grass()
    painting = (photo + waves(24)).clamp(-1, 1)
    held = held_flat(painting, photo)
    assert blob_energy(held, photo) < 0.3 * blob_energy(painting, photo)
    busy = slice(SIDE * 3 // 4 + 8, None)
    assert torch.equal(held[:, :, busy], painting[:, :, busy])


def test_colour_and_fine_strokes_of_a_sky_pass() -> None:
    photo = torch.full((1, 3, SIDE, SIDE), 0.3)
    painting = (torch.tensor([0.5, -0.2, 0.1]).view(1, 3, 1, 1) + waves(3)).clamp(-1, 1)
    assert (held_flat(painting, photo) - painting).abs().max() < 0.02


def test_what_the_photo_has_itself_is_kept_and_is_no_blob() -> None:
    photo = 0.3 + waves(24, strength=0.03)  # faint clouds
    assert flatness(photo).mean() > 0.5
    assert (held_flat(photo, photo) - photo).abs().max() < 1e-6
    assert blob_energy(photo, photo) == 0


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 50), (17, 4), (130, 71)])
def test_any_size_works(height: int, width: int) -> None:
    photo = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (2, 3, height, width)).astype(np.float32))
    held = held_flat(photo.flip(1), photo)
    assert held.shape == photo.shape
    assert held.isfinite().all()


def test_strips_of_rows_give_the_cells_and_the_change_of_the_whole() -> None:
    photo = sky_over_grass()[:, :, :, :70]
    painting = (photo + waves(24)[:, :, :, :70]).clamp(-1, 1)
    whole = Cells.of(painting)
    joined = Cells.joined([Cells.of(painting[:, :, a:b]) for a, b in ((0, 12), (12, 100), (100, 128))])
    assert torch.equal(joined.mean, whole.mean)
    assert torch.equal(joined.detail, whole.detail)
    change = FlatChange(cells_of(painting), cells_of(photo), 128)
    rows = [change.of_rows(a, b, 70) for a, b in ((0, 5), (5, 17), (17, 18), (18, 128))]
    torch.testing.assert_close(torch.cat(rows, dim=2), change_of(painting, photo), atol=1e-6, rtol=0)


def test_bands_of_a_large_picture_change_as_the_whole_does(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = torch.cat([sky_over_grass()] * 4, dim=2)[:, :, :-3]
    painting = (photo + waves(24).repeat(1, 1, 4, 1)[:, :, :-3]).clamp(-1, 1)
    monkeypatch.setattr("shanshui.images.flatness._BAND", 1000)
    whole = change_of(painting, photo)
    assert whole.abs().max() > 0.01
    monkeypatch.setattr("shanshui.images.flatness._BAND", 16)
    torch.testing.assert_close(change_of(painting, photo), whole, atol=1e-5, rtol=0)
    change = FlatChange(cells_of(painting), cells_of(photo), photo.shape[2])
    strips = [change.of_rows(a, min(a + 40, 509), SIDE) for a in range(0, 509, 40)]
    torch.testing.assert_close(torch.cat(strips, 2), whole, atol=1e-5, rtol=0)


def test_a_sky_changes_the_same_however_much_ground_lies_below() -> None:
    photo = sky_over_grass()
    painting = photo + waves(40)
    change = change_of(painting, photo)
    more = torch.cat([photo, 0.4 * torch.randn(1, 3, 240, SIDE, generator=torch.Generator().manual_seed(1))], 2)
    above = change_of(torch.cat([painting, more[:, :, SIDE:]], 2), more)
    assert change.abs().max() > 0.05
    torch.testing.assert_close(above[:, :, : SIDE - 4], change[:, :, : SIDE - 4], atol=1e-5, rtol=0)
    assert not above[:, :, SIDE + 4 :].any()
