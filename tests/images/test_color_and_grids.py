"""Colours of the photo under the brush strokes of the painting; sample sheets."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from shanshui.errors import ImageError
from shanshui.images.color import keep_colors, match_colors
from shanshui.images.grids import grid

_LUMA = np.array([0.2126, 0.7152, 0.0722])
pictures = hnp.arrays(np.uint8, (3, 5, 3))


@given(stylized=pictures, photo=pictures)
def test_the_luma_is_that_of_the_stylized_picture(stylized: NDArray[np.uint8], photo: NDArray[np.uint8]) -> None:
    kept = keep_colors(stylized, photo)
    assert np.abs(kept @ _LUMA - stylized @ _LUMA).max() <= 0.51


@given(stylized=pictures, photo=pictures)
def test_the_order_of_the_channels_is_that_of_the_photo(stylized: NDArray[np.uint8], photo: NDArray[np.uint8]) -> None:
    kept = keep_colors(stylized, photo).astype(int)
    for first, second in ((0, 1), (1, 2), (0, 2)):
        photo_order = np.sign(photo[..., first].astype(int) - photo[..., second])
        kept_order = np.sign(kept[..., first] - kept[..., second])
        assert (photo_order * kept_order >= 0).all()


@given(photo=pictures)
def test_a_picture_keeps_its_own_colours_exactly(photo: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(keep_colors(photo, photo), photo)
    deep = photo.astype(np.uint16) * 257
    np.testing.assert_array_equal(keep_colors(deep, photo), deep)


def test_a_grey_photo_gives_a_grey_result() -> None:
    stylized = np.random.default_rng(0).integers(0, 256, (300, 4, 3), dtype=np.uint8)
    kept = keep_colors(stylized, np.full_like(stylized, 90))
    assert (kept == kept[:, :, :1]).all()


def test_matched_colours_have_the_mean_and_the_covariance_of_the_photo() -> None:
    random = np.random.default_rng(1)
    stylized, photo = (
        (random.normal(size=(300, 40, 3)) @ random.normal(size=(3, 3)) * 700 + level).clip(0, 65535).astype(np.uint16)
        for level in (20_000, 40_000)
    )
    matched = match_colors(stylized, photo)
    np.testing.assert_allclose(matched.mean((0, 1)), photo.mean((0, 1)), rtol=1e-4)
    wanted, found = (np.cov(each.reshape(-1, 3).T.astype(float)) for each in (photo, matched))
    np.testing.assert_allclose(found, wanted, rtol=0.01, atol=0.01 * wanted.max())


def test_matching_a_picture_to_itself_changes_next_to_nothing() -> None:
    photo = np.random.default_rng(2).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    assert np.abs(match_colors(photo, photo).astype(int) - photo).max() <= 1


def test_a_picture_of_one_colour_takes_the_mean_of_the_photo() -> None:
    photo = np.random.default_rng(3).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    matched = match_colors(np.full_like(photo, 77), photo)
    np.testing.assert_allclose(matched.mean((0, 1)), photo.mean((0, 1)), atol=1)
    assert matched.reshape(-1, 3).std(0).max() == 0


@pytest.mark.parametrize("keep", [keep_colors, match_colors])
def test_pictures_of_different_sizes_are_refused(keep: Callable[..., NDArray[np.uint8]]) -> None:
    with pytest.raises(ImageError, match="one size"):
        keep(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 3, 3), np.uint8))


@given(count=st.integers(1, 9), columns=st.integers(1, 5))
def test_every_image_is_in_its_cell(count: int, columns: int) -> None:
    images = [np.full((2, 3, 3), index + 1, dtype=np.uint8) for index in range(count)]
    sheet = grid(images, columns)
    across = min(columns, count)
    assert sheet.shape == (2 * -(-count // across), 3 * across, 3)
    cells = sheet[::2, ::3, 0].ravel().tolist()
    assert cells[:count] == list(range(1, count + 1))
    assert not any(cells[count:])


def test_grids_of_nothing_or_of_mixed_sizes_are_refused() -> None:
    with pytest.raises(ImageError, match="at least 1"):
        grid([], 3)
    with pytest.raises(ImageError, match="different shapes"):
        grid([np.zeros((2, 2, 3), np.uint8), np.zeros((2, 3, 3), np.uint8)], 2)
