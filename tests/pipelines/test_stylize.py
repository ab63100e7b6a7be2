"""The stylizer as users call it: every kind of input, exact sizes, strength, colours, blends, errors."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from shanshui.errors import ConfigError
from shanshui.images.files import Picture
from shanshui.images.metadata import Metadata
from shanshui.networks.stylizers.feedforward import FeedForwardConfig, FeedForwardStylizer
from shanshui.pipelines.painters import NamedPainter
from shanshui.pipelines.stylize import Stylizer
from shanshui.pipelines.treatment import Treatment


@pytest.fixture(scope="module")
def stylizer() -> Stylizer:
    torch.manual_seed(0)
    network = FeedForwardStylizer(
        FeedForwardConfig(styles=("calm", "wild"), width=8, blocks=1, deep_width=8, deep_blocks=1)
    )
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith(("gamma", "beta")):
                parameter.add_(0.1 * torch.randn_like(parameter))
    return Stylizer(NamedPainter(network))


@pytest.fixture(scope="module")
def photo() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (37, 101, 3), dtype=np.uint8)


def pixels(image: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(image)


def test_every_kind_of_input_gives_the_same_picture(
    stylizer: Stylizer, photo: NDArray[np.uint8], tmp_path: Path
) -> None:
    path = tmp_path / "photo.png"
    Image.fromarray(photo).save(path)
    expected = pixels(stylizer(photo, "calm"))
    assert expected.shape == photo.shape
    for same in (path, str(path), Image.fromarray(photo), Picture(photo)):
        np.testing.assert_array_equal(pixels(stylizer(same, "calm")), expected)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 300), (64, 48)])
def test_the_result_has_exactly_the_size_of_the_photo(stylizer: Stylizer, height: int, width: int) -> None:
    result = stylizer(np.full((height, width, 3), 90, dtype=np.uint8), "wild")
    assert result.size == (width, height)
    assert result.mode == "RGB"


def test_no_strength_is_the_photo_and_half_is_half_way(stylizer: Stylizer, photo: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(pixels(stylizer(photo, "calm", strength=0)), photo)
    half, full = pixels(stylizer(photo, "calm", strength=0.5)), pixels(stylizer(photo, "calm"))
    np.testing.assert_allclose(half, (photo.astype(float) + full) / 2, atol=1)


def test_a_blend_of_one_is_that_style_and_shares_are_relative(stylizer: Stylizer, photo: NDArray[np.uint8]) -> None:
    calm = pixels(stylizer(photo, "calm"))
    np.testing.assert_array_equal(pixels(stylizer(photo, {"calm": 0.2})), calm)
    np.testing.assert_array_equal(pixels(stylizer(photo, {"calm": 3, "wild": 0})), calm)
    blend = pixels(stylizer(photo, {"calm": 0.5, "wild": 0.5}))
    np.testing.assert_array_equal(blend, pixels(stylizer(photo, {"wild": 2, "calm": 2})))
    assert (blend != calm).any()


def test_keeping_colours_leaves_a_grey_photo_grey(stylizer: Stylizer) -> None:
    grey = np.repeat(np.random.default_rng(1).integers(60, 200, (24, 24, 1), dtype=np.uint8), 3, axis=2)
    coloured, kept = (pixels(stylizer(grey, "wild", keep_colors=keep)).astype(int) for keep in (False, True))
    assert np.ptp(coloured, axis=2).max() > 8
    assert np.ptp(kept, axis=2).max() <= 2


def test_transparency_is_kept(stylizer: Stylizer, photo: NDArray[np.uint8]) -> None:
    alpha = np.random.default_rng(2).integers(0, 256, photo.shape[:2], dtype=np.uint8)
    result = stylizer(Image.fromarray(np.dstack([photo, alpha])), "calm")
    assert result.mode == "RGBA"
    np.testing.assert_array_equal(pixels(result)[..., 3], alpha)


def test_sixteen_bits_stay_sixteen_bits_and_show_the_same_picture(stylizer: Stylizer, photo: NDArray[np.uint8]) -> None:
    deep = photo.astype(np.uint16) * 257
    painted = stylizer.paint(deep, "calm", Treatment(strength=0.5))
    assert painted.pixels.dtype == np.uint16
    assert (painted.pixels % 257 != 0).any()
    np.testing.assert_array_equal(pixels(stylizer(deep, "calm")), pixels(stylizer(photo, "calm")))


def test_the_same_call_gives_the_same_picture(stylizer: Stylizer, photo: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(pixels(stylizer(photo, "wild")), pixels(stylizer(photo, "wild")))


def test_the_photo_is_left_alone(stylizer: Stylizer, photo: NDArray[np.uint8]) -> None:
    before = photo.copy()
    stylizer(photo, "wild", keep_colors=True)
    np.testing.assert_array_equal(photo, before)


def test_an_unknown_style_is_named_beside_those_there_are(stylizer: Stylizer, photo: NDArray[np.uint8]) -> None:
    with pytest.raises(ConfigError, match=r"'cubism'.*calm, wild"):
        stylizer(photo, "cubism")


@pytest.mark.parametrize("shares", [{}, {"calm": 0.0}, {"calm": -1.0, "wild": 2.0}, {"calm": float("nan")}])
def test_shares_that_cannot_work_are_refused(
    stylizer: Stylizer, photo: NDArray[np.uint8], shares: dict[str, float]
) -> None:
    with pytest.raises(ConfigError, match="share"):
        stylizer(photo, shares)


@pytest.mark.parametrize("strength", [-0.1, 1.5, float("nan")])
def test_strength_is_a_share(stylizer: Stylizer, photo: NDArray[np.uint8], strength: float) -> None:
    with pytest.raises(ConfigError, match="strength"):
        stylizer(photo, "calm", strength=strength)


@pytest.mark.parametrize("size", [(37, 101), (600, 40)])
def test_little_memory_gives_the_same_picture(stylizer: Stylizer, size: tuple[int, int]) -> None:
    photo = np.random.default_rng(3).integers(0, 256, (*size, 3), dtype=np.uint8)
    plenty, little = (
        stylizer.paint(photo, {"calm": 1, "wild": 2}, Treatment(strength=0.9, max_memory=memory)).pixels.astype(float)
        for memory in (1 << 30, 0)
    )
    # In float32 they are equal; what is left is bfloat16, where the processor computes in it.
    assert 10 * np.log10(255**2 / max(np.square(plenty - little).mean(), 1e-9)) > 48


def test_what_stands_beside_the_pixels_stays(stylizer: Stylizer) -> None:
    random = np.random.default_rng(2)
    known = Metadata(exif=b"II*\0\x08\0\0\0\0\0\0\0\0\0", xmp=b"<x/>", dpi=(300.0, 300.0))
    light = np.full((40, 50), 2, np.float32)
    photo = Picture(random.integers(0, 65536, (40, 50, 3), dtype=np.uint16), None, known, light)
    painted = stylizer.paint(photo, stylizer.styles[0])
    assert painted.pixels.dtype == np.uint16
    assert painted.metadata == known
    assert painted.light is light
    image = stylizer(photo, stylizer.styles[0])
    assert {"exif": known.exif, "xmp": known.xmp, "dpi": known.dpi}.items() <= image.info.items()
