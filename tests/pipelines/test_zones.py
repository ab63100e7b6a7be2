"""Zones as users find them, and that the model that ships knows a landscape."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import data
from sklearn.datasets import load_sample_image

from shanshui.checkpoints.zoo import ZOO
from shanshui.errors import ImageError, ModelError
from shanshui.images.files import Picture
from shanshui.images.pixels import Pixels
from shanshui.pipelines.zones import Zones

NAMES = ("sky", "water", "foliage", "rock", "built")


@pytest.fixture(scope="module")
def zones() -> Zones:
    return Zones.from_pretrained("zones")


@pytest.fixture(scope="module")
def temple() -> NDArray[np.uint8]:
    """A temple between trees under the sky, 427 x 640."""
    pixels: NDArray[np.uint8] = load_sample_image("china.jpg")
    return pixels


def test_masks_are_named_and_sum_to_one_at_every_pixel(zones: Zones, temple: NDArray[np.uint8]) -> None:
    masks = zones(temple)
    assert tuple(masks) == zones.names == NAMES
    assert all(mask.shape == (427, 640) and mask.dtype == np.float32 for mask in masks.values())
    assert all(mask.min() >= 0 and mask.max() <= 1 for mask in masks.values())
    assert np.allclose(sum(masks.values()), 1, atol=1e-5)


def test_every_kind_of_input_gives_the_same_masks(zones: Zones, tmp_path: Path) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (40, 61, 3), dtype=np.uint8)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    expected = zones(photo)
    deep: Pixels = photo.astype(np.uint16) * 257
    see_through = Picture(photo, np.full((40, 61), 9, dtype=np.uint8))
    for same in (tmp_path / "photo.png", str(tmp_path / "photo.png"), Image.fromarray(photo), deep, see_through):
        masks = zones(same)
        assert all(np.allclose(masks[name], expected[name], atol=1e-4) for name in NAMES)


def test_the_sky_over_the_temple_is_sky_and_the_temple_is_not(zones: Zones, temple: NDArray[np.uint8]) -> None:
    sky = zones(temple)["sky"]
    assert sky[:60].mean() > 0.8
    assert sky[300:].mean() < 0.1


def test_the_sky_ends_where_its_colour_does(zones: Zones, temple: NDArray[np.uint8]) -> None:
    """At the roofs' edges the mask changes with the photo: more from pixel to pixel than an enlarged mask could."""
    sky = zones(temple)["sky"]
    assert np.abs(np.diff(sky, axis=0)).max() > 0.25


def test_a_petal_is_foliage(zones: Zones) -> None:
    masks = zones(load_sample_image("flower.jpg"))
    assert masks["foliage"].mean() > max(masks[name].mean() for name in NAMES if name != "foliage")


def test_the_night_around_a_rocket_is_more_sky_above_than_below(zones: Zones) -> None:
    sky = zones(data.rocket())["sky"]
    assert sky[:100].mean() > sky[-100:].mean()


def test_errors_say_what_to_do(zones: Zones) -> None:
    with pytest.raises(ImageError, match="at least 32"):
        zones(np.zeros((31, 200, 3), dtype=np.uint8))
    with pytest.raises(ImageError):
        zones("nothing.jpg")
    with pytest.raises(ModelError, match="try `zones`"):
        Zones.from_pretrained(ZOO / "painter.safetensors")


def test_a_photo_gives_the_same_masks_again(zones: Zones, temple: NDArray[np.uint8]) -> None:
    torch.manual_seed(1)
    first, again = zones(temple), zones(temple)
    assert all(np.array_equal(first[name], again[name]) for name in NAMES)
