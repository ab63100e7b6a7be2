"""Controls that every stylizer has alike: where, how strongly, with whose colours and how broadly it paints."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from shanshui.errors import ConfigError, ImageError
from shanshui.pipelines.painters import Share
from shanshui.pipelines.stylize import Stylizer
from shanshui.pipelines.treatment import Region, Treatment

HEIGHT, WIDTH = 48, 64


class Brush:
    """Fills the canvas: `red` and `blue` with a colour, `stripes` with strokes 4 pixels wide, a painting with its
    mean colour. Blends are averages.
    """

    styles = ("red", "blue", "stripes", "blobs")
    takes_paintings = True

    def __call__(self, photo: Tensor, blend: Sequence[Share]) -> Tensor:
        painting = torch.zeros_like(photo)
        for share in blend:
            painting += share.weight * self._one(photo, share.style)
        return painting

    def _one(self, photo: Tensor, style: str | Tensor) -> Tensor:
        if isinstance(style, Tensor):
            return style.mean((2, 3), keepdim=True).expand_as(photo)
        columns = torch.arange(photo.shape[3])
        fills = {
            "red": torch.tensor([1.0, -1.0, -1.0]).view(1, 3, 1, 1),
            "blue": torch.tensor([-1.0, -1.0, 1.0]).view(1, 3, 1, 1),
            "stripes": 2.0 * (columns // 4 % 2) - 1,
            "blobs": 0.3 * torch.sin(columns * torch.pi / 16),
        }
        return fills[style].expand_as(photo)


RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture(scope="module")
def stylizer() -> Stylizer:
    return Stylizer(Brush())


@pytest.fixture(scope="module")
def photo() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def pixels(image: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(image)


def test_outside_a_mask_the_photo_stays_bit_for_bit(stylizer: Stylizer, photo: NDArray[np.uint8]) -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[:, 20:] = 255
    for keep_colors in (False, "luminance", "statistics"):
        result = pixels(stylizer(photo, "stripes", mask=mask, keep_colors=keep_colors))
        np.testing.assert_array_equal(result[:, :20], photo[:, :20])
        assert (result[:, 20:] != photo[:, 20:]).any()
    assert (pixels(stylizer(photo, "red", mask=mask))[:, 20:] == RED).all()


def test_a_grey_mask_is_a_strength(stylizer: Stylizer, photo: NDArray[np.uint8]) -> None:
    share = np.full((HEIGHT, WIDTH), 0.25, np.float32)
    masked, weaker = stylizer(photo, "red", mask=share), stylizer(photo, "red", strength=0.25)
    np.testing.assert_array_equal(pixels(masked), pixels(weaker))


def test_a_mask_may_be_a_file_of_another_size(stylizer: Stylizer, photo: NDArray[np.uint8], tmp_path: Path) -> None:
    mask = np.zeros((HEIGHT * 2, WIDTH * 2), np.uint8)
    mask[:, WIDTH:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    result = pixels(stylizer(photo, "red", mask=tmp_path / "mask.png"))
    np.testing.assert_array_equal(result[:, : WIDTH // 2 - 4], photo[:, : WIDTH // 2 - 4])
    assert (result[:, WIDTH // 2 + 4 :] == RED).all()


def test_transparent_parts_of_a_mask_count_as_black(stylizer: Stylizer, photo: NDArray[np.uint8]) -> None:
    mask = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
    mask[:24, :, 3] = 0
    result = pixels(stylizer(photo, "red", mask=Image.fromarray(mask)))
    np.testing.assert_array_equal(result[:24], photo[:24])
    assert (result[24:] == RED).all()


def test_a_mask_of_other_proportions_is_refused(stylizer: Stylizer, photo: NDArray[np.uint8]) -> None:
    with pytest.raises(ImageError, match="64 x 64 pixels and the photo 64 x 48"):
        stylizer(photo, "red", mask=np.zeros((64, 64), np.float32))


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_mask_of_numbers_is_of_shares(stylizer: Stylizer, photo: NDArray[np.uint8], value: float) -> None:
    with pytest.raises(ImageError, match="0 to 1"):
        stylizer(photo, "red", mask=np.full((HEIGHT, WIDTH), value, np.float32))


def test_regions_have_styles_and_strengths_of_their_own(stylizer: Stylizer, photo: NDArray[np.uint8]) -> None:
    left, low = np.zeros((2, HEIGHT, WIDTH), np.float32)
    left[:, :32] = 1
    low[40:] = 1
    regions = [Region(where=left, style="blue"), Region(where=low, style="red", strength=0)]
    result = pixels(stylizer(photo, "red", regions=regions))
    assert (result[:40, :32] == BLUE).all()
    assert (result[:40, 32:] == RED).all()
    np.testing.assert_array_equal(result[40:], photo[40:])


def test_a_region_does_not_reach_beyond_the_mask(stylizer: Stylizer, photo: NDArray[np.uint8]) -> None:
    everywhere, nowhere = np.ones((HEIGHT, WIDTH), np.float32), np.zeros((HEIGHT, WIDTH), np.float32)
    result = stylizer(photo, "red", regions=[Region(where=everywhere, style="blue")], mask=nowhere)
    np.testing.assert_array_equal(pixels(result), photo)


def test_broad_strokes_are_as_many_times_as_wide(stylizer: Stylizer, photo: NDArray[np.uint8]) -> None:
    broad = pixels(stylizer(photo, "stripes", stroke_scale=2, flat_skies=False))[:, :, 0].astype(int)
    assert broad.shape == (HEIGHT, WIDTH)
    middles = broad[:, 3::8]  # of stripes that are 8 wide: dark, light, dark, ...
    assert (middles[:, ::2] < 40).all()
    assert (middles[:, 1::2] > 215).all()


def test_skies_are_kept_flat_unless_told_otherwise(stylizer: Stylizer) -> None:
    sky = np.full((128, 128, 3), 150, np.uint8)
    spread = [pixels(stylizer(sky, "blobs", flat_skies=flat)).std() for flat in (True, False)]
    assert spread[1] > 20
    assert spread[0] < spread[1] / 2


def test_statistics_of_colour_stay_with_the_photo(stylizer: Stylizer, photo: NDArray[np.uint8]) -> None:
    kept = pixels(stylizer(photo, "stripes", keep_colors="statistics", flat_skies=False))
    np.testing.assert_allclose(kept.mean((0, 1)), photo.mean((0, 1)), atol=2)


def test_names_and_paintings_blend(stylizer: Stylizer, photo: NDArray[np.uint8], tmp_path: Path) -> None:
    Image.new("RGB", (30, 20), (255, 255, 255)).save(tmp_path / "white.png")
    blend = pixels(stylizer(photo, [("red", 1.0), (str(tmp_path / "white.png"), 3.0)]))
    np.testing.assert_allclose(blend.reshape(-1, 3).mean(0), (255, 191.25, 191.25), atol=0.6)
    assert (blend == pixels(stylizer(photo, {"red": 0.25, str(tmp_path / "white.png"): 0.75}))).all()


def test_what_is_neither_a_style_nor_a_file_is_named(stylizer: Stylizer, photo: NDArray[np.uint8]) -> None:
    with pytest.raises(ConfigError, match=r"'cubism'.*red, blue.*file name"):
        stylizer(photo, "cubism")


@pytest.mark.parametrize("scale", [0.1, 8.0, float("nan")])
def test_a_stroke_scale_out_of_range_is_refused(scale: float) -> None:
    with pytest.raises(ConfigError, match="stroke scale"):
        Treatment(stroke_scale=scale)


def test_fast_statistics_are_near_the_exact_ones_and_small_photos_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    stylizer = Stylizer.from_pretrained("painter")
    rows, columns = np.mgrid[0:300, 0:400]
    waves = 40 * np.sin(rows / 9) + 40 * np.cos(columns / 7)
    photo = np.stack([128 + waves, 120 - waves, 100 + waves / 2], axis=2).astype(np.uint8)
    exact = stylizer.paint(photo, "monet").pixels.astype(int)
    fast = Treatment(statistics="fast")
    np.testing.assert_array_equal(stylizer.paint(photo, "monet", fast).pixels, exact)
    monkeypatch.setattr("shanshui.pipelines.canvas._PATCHES", 2)
    near = stylizer.paint(photo, "monet", fast).pixels.astype(int)
    assert 0 < np.abs(near - exact).mean() < np.abs(photo - exact).mean() / 3


def test_a_painter_that_cannot_be_fast_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class Grey:
        styles, takes_paintings = ("grey",), False

        def __call__(self, photo: torch.Tensor, blend: object) -> torch.Tensor:
            return 0 * photo

    monkeypatch.setattr("shanshui.pipelines.canvas._PATCHES", 0)
    with pytest.raises(ConfigError, match="exact"):
        Stylizer(Grey()).paint(np.zeros((20, 20, 3), np.uint8), "grey", Treatment(statistics="fast"))
