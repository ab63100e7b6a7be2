"""Filling and extending: what is not missing stays bit for bit, seeds, sizes, tiles without seams."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from shanshui.checkpoints.weights import save_snapshot
from shanshui.errors import ConfigError, ImageError, ModelError
from shanshui.images.files import Picture
from shanshui.images.metadata import Metadata
from shanshui.images.pixels import Pixels
from shanshui.networks.inpainter import Inpainter, InpainterConfig
from shanshui.networks.stylizers.feedforward import FeedForwardConfig, FeedForwardStylizer
from shanshui.pipelines.filling.holes import COARSEST, Level, fill, levels, surroundings
from shanshui.pipelines.inpaint import SceneInpainter

CONFIG = InpainterConfig(width=8, widest=16, halvings=1, dilations=(1, 2), latent=4)
KNOWN = Metadata(dpi=(300.0, 300.0), exif=b"II*\0\x08\0\0\0\0\0\0\0\0\0")


@pytest.fixture
def network() -> Inpainter:
    torch.manual_seed(0)
    inpainter = Inpainter(CONFIG)
    with torch.no_grad():
        inpainter.strokes.weight.copy_(0.05 * torch.randn_like(inpainter.strokes.weight))
    return inpainter.eval()


def picture(height: int = 61, width: int = 90, dtype: Any = np.uint8) -> Pixels:
    random = np.random.default_rng(0)
    pixels: Pixels = random.integers(0, np.iinfo(dtype).max, (height, width, 3)).astype(dtype)
    return pixels


def mask(height: int = 61, width: int = 90) -> NDArray[np.float32]:
    values = np.zeros((height, width), np.float32)
    values[height // 4 : height // 2, width // 3 : width // 2] = 1
    return values


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_is_not_missing_stays_bit_for_bit(network: Inpainter, dtype: Any) -> None:
    pixels, where = picture(dtype=dtype), mask()
    alpha = pixels[:, :, 0].copy()
    filled = SceneInpainter(network).inpaint(Picture(pixels, alpha, KNOWN), where)
    assert filled.pixels.dtype == dtype
    np.testing.assert_array_equal(filled.pixels[where == 0], pixels[where == 0])
    assert (filled.pixels[where > 0] != pixels[where > 0]).any()
    np.testing.assert_array_equal(filled.alpha, alpha)
    assert filled.metadata == KNOWN


def test_what_is_missing_is_not_looked_at(network: Inpainter) -> None:
    inpainter, pixels, where = SceneInpainter(network), picture(500, 300), mask(500, 300)
    other = pixels.copy()
    other[where > 0] = 255 - other[where > 0]
    np.testing.assert_array_equal(inpainter.inpaint(pixels, where).pixels, inpainter.inpaint(other, where).pixels)


def test_a_seed_chooses_the_fill(network: Inpainter) -> None:
    inpainter, pixels, where = SceneInpainter(network), picture(), mask()
    first = inpainter.inpaint(pixels, where, seed=1).pixels
    np.testing.assert_array_equal(first, inpainter.inpaint(pixels, where, seed=1).pixels)
    assert (first != inpainter.inpaint(pixels, where, seed=2).pixels).any()


def test_a_soft_mask_mixes_fill_and_picture(network: Inpainter) -> None:
    inpainter, pixels, where = SceneInpainter(network), picture(), mask()
    hard, soft = (inpainter.inpaint(pixels, each).pixels.astype(int) for each in (where, where * np.float32(0.5)))
    assert np.abs(soft - (hard + pixels) / 2).max() <= 1


def test_light_beyond_white_goes_with_what_is_filled(network: Inpainter) -> None:
    where = mask()
    bright = Picture(picture(dtype=np.uint16), light=np.full(where.shape, 4, np.float32))
    light = SceneInpainter(network).inpaint(bright, where).light
    assert light is not None
    assert (light[where > 0] == 1).all() and (light[where == 0] == 4).all()


def test_without_a_hole_nothing_changes_and_without_a_picture_nothing_goes(network: Inpainter) -> None:
    inpainter, pixels = SceneInpainter(network), picture()
    np.testing.assert_array_equal(inpainter.inpaint(pixels, 0 * mask()).pixels, pixels)
    with pytest.raises(ImageError, match="covers the whole picture"):
        inpainter.inpaint(pixels, np.ones((61, 90), np.float32))
    with pytest.raises(ImageError, match="same proportions"):
        inpainter.inpaint(pixels, mask(61, 50))
    with pytest.raises(ConfigError, match="seed -1"):
        inpainter.inpaint(pixels, mask(), seed=-1)


def test_an_extended_picture_holds_the_picture(network: Inpainter) -> None:
    inpainter, pixels = SceneInpainter(network), picture(dtype=np.uint16)
    small = Picture(pixels, pixels[:, :, 0].copy(), KNOWN, np.full(pixels.shape[:2], 2, np.float32))
    large = inpainter.expand(small, left=70, right=8, bottom=3)
    inside = slice(0, 61), slice(70, 160)
    assert large.pixels.shape == (64, 168, 3)
    np.testing.assert_array_equal(large.pixels[inside], pixels)
    assert large.alpha is not None and large.light is not None and large.metadata == KNOWN
    np.testing.assert_array_equal(large.alpha[inside], small.alpha)
    assert (large.alpha[:, :70] == 65535).all()
    assert (large.light[inside] == 2).all() and (large.light[:, :70] == 1).all()
    assert np.ptp(large.pixels[:, :70]) > 0
    np.testing.assert_array_equal(inpainter.expand(small).pixels, pixels)


def test_what_cannot_be_extended_is_refused(network: Inpainter) -> None:
    inpainter = SceneInpainter(network)
    with pytest.raises(ConfigError, match="fewer than 0"):
        inpainter.expand(picture(), left=-1)
    with pytest.raises(ImageError, match=r"extended picture has .* megapixels"):
        inpainter.expand(picture(), left=10**7)


def test_a_pillow_image_comes_back(network: Inpainter) -> None:
    image = SceneInpainter(network)(Picture(picture(), picture()[:, :, 0].copy(), KNOWN), mask())
    assert (image.mode, image.size, image.info["dpi"]) == ("RGBA", (90, 61), (300.0, 300.0))


def test_a_model_by_name(network: Inpainter, tmp_path: Path) -> None:
    save_snapshot(tmp_path / "inpainter.safetensors", network, {"task": "inpainter"})
    loaded = SceneInpainter.from_pretrained(tmp_path / "inpainter.safetensors")
    made, wanted = (each.inpaint(picture(), mask()).pixels.astype(int) for each in (loaded, SceneInpainter(network)))
    assert np.abs(made - wanted).max() <= 4  # snapshots hold half precision
    stylizer = FeedForwardStylizer(FeedForwardConfig(styles=("ink",), width=4, blocks=1, deep_width=4, deep_blocks=1))
    save_snapshot(tmp_path / "stylizer.safetensors", stylizer, {})
    with pytest.raises(ModelError, match="not an inpainter"):
        SceneInpainter.from_pretrained(tmp_path / "stylizer.safetensors")


def test_what_repeats_goes_on_behind_a_hole(network: Inpainter) -> None:
    tile = np.random.default_rng(0).integers(0, 255, (16, 16, 3)).astype(np.uint8)
    pixels = np.tile(tile, (20, 24, 1))
    where = np.zeros(pixels.shape[:2], bool)
    where[100:180, 150:260] = True
    filled = fill(network, pixels, where, seed=0, device=torch.device("cpu")) // 257
    wrong = np.abs(filled.astype(int) - pixels)[where]
    assert np.median(wrong) < 3, "the hole has the pattern in its place"


def test_a_picture_goes_on_in_its_own_grain(network: Inpainter) -> None:
    random = np.random.default_rng(0)
    pixels = np.clip(random.normal(128, 40, (200, 300, 3)), 0, 255).astype(np.uint8)
    large = SceneInpainter(network).expand(pixels, right=75)
    assert large.pixels[:, 300:].std() == pytest.approx(pixels.std(), rel=0.25)


@pytest.mark.parametrize("size", [(3, 4), (6, 40), (8, 8), (7, 300), (30, 900)])
def test_small_and_long_pictures_are_filled(network: Inpainter, size: tuple[int, int]) -> None:
    pixels, where = picture(*size), np.zeros(size, np.float32)
    where[size[0] // 2 :, size[1] // 3 : size[1] // 2] = 1
    filled = SceneInpainter(network).inpaint(pixels, where).pixels
    np.testing.assert_array_equal(filled[where == 0], pixels[where == 0])


def test_coarser_pictures_show_nothing_of_what_is_missing() -> None:
    pixels = np.full((701, 399, 3), 200, np.uint8)
    where = np.zeros((701, 399), bool)
    where[101:352, 57:200] = True
    pixels[where] = 0
    pyramid = levels(Level(pixels, where))
    assert [level.holes.shape for level in pyramid] == [(701, 399), (351, 200), (176, 100), (88, 50), (44, 25)]
    assert max(pyramid[-1].holes.shape) <= COARSEST
    for level in pyramid:
        assert level.holes.any() and (level.pixels[~level.holes] == 200).all()


def test_surroundings_are_as_large_as_the_hole_on_each_side() -> None:
    where = np.zeros((1000, 1000), bool)
    where[400:500, 10:310] = True
    assert surroundings(where) == (slice(300, 600), slice(0, 610))


def test_a_small_hole_in_a_large_picture_costs_little(network: Inpainter, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    original = Inpainter.forward

    def watched(self: Inpainter, images: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        sizes.append(tuple(images.shape[2:]))
        return original(self, images, *rest)

    monkeypatch.setattr(Inpainter, "forward", watched)
    where = np.zeros((1500, 2000), np.float32)
    where[700:720, 900:920] = 1
    SceneInpainter(network).inpaint(np.zeros((1500, 2000, 3), np.uint8), where)
    assert sizes == [(148, 148)]


def test_the_input_is_left_alone(network: Inpainter) -> None:
    given = Picture(picture())
    before = replace(given, pixels=given.pixels.copy())
    SceneInpainter(network).inpaint(given, mask())
    np.testing.assert_array_equal(given.pixels, before.pixels)
