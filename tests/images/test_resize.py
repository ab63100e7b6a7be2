"""Resizing: exact sizes, no aliasing, the same in 8 and 16 bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanshui.errors import ImageError
from shanshui.images.resize import fit_crop, largest_crop, resize

sides = st.integers(1, 40)


@given(rows=sides, columns=sides, height=sides, width=sides)
def test_the_result_has_exactly_the_size_asked_for(rows: int, columns: int, height: int, width: int) -> None:
    pixels = np.full((rows, columns, 3), 77, dtype=np.uint8)
    for resized in (resize(pixels, height, width), fit_crop(pixels, height, width)):
        assert resized.shape == (height, width, 3)
        assert (resized == 77).all()


@given(rows=sides, columns=sides, height=sides, width=sides)
def test_the_largest_crop_fits_touches_an_edge_and_keeps_proportions(
    rows: int, columns: int, height: int, width: int
) -> None:
    crop_height, crop_width = largest_crop(rows, columns, height, width)
    assert crop_height <= rows
    assert crop_width <= columns
    assert crop_height == pytest.approx(rows) or crop_width == pytest.approx(columns)
    assert crop_height * width == pytest.approx(crop_width * height)


def test_the_finest_checkerboard_becomes_even_grey() -> None:
    board = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)[:, :, np.newaxis]
    inner = resize(board, 16, 16)[2:-2, 2:-2].astype(int)
    assert np.abs(inner - 127.5).max() <= 2


def test_eight_and_sixteen_bits_agree() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (37, 23, 3), dtype=np.uint8)
    deep = resize(pixels.astype(np.uint16) * 257, 11, 50)
    assert deep.dtype == np.uint16
    assert np.abs(deep / 257 - resize(pixels, 11, 50)).max() <= 0.5 + 1e-4


def test_the_same_size_changes_nothing_and_shares_nothing() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    copy = resize(pixels, 5, 6)
    np.testing.assert_array_equal(copy, pixels)
    assert not np.shares_memory(copy, pixels)


def test_a_box_of_whole_pixels_at_its_own_size_is_a_crop() -> None:
    pixels = np.random.default_rng(3).integers(0, 65536, (8, 9, 3), dtype=np.uint16)
    np.testing.assert_array_equal(resize(pixels, 4, 3, box=(2, 1, 5, 5)), pixels[1:5, 2:5])


def test_the_centre_is_kept_and_the_margins_are_cut() -> None:
    wide = np.zeros((10, 30, 3), dtype=np.uint8)
    wide[:, 10:20] = 200
    assert (fit_crop(wide, 10, 10) == 200).all()


@pytest.mark.parametrize("box", [(0, 0, 0, 4), (-1, 0, 4, 4), (0, 0, 5, 4), (3, 0, 1, 4)])
def test_a_box_outside_the_picture_is_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(ImageError, match="inside"):
        resize(np.zeros((4, 4, 3), dtype=np.uint8), 2, 2, box=box)


def test_empty_sizes_are_refused() -> None:
    with pytest.raises(ImageError, match="at least 1"):
        resize(np.zeros((4, 4, 3), dtype=np.uint8), 0, 2)
    with pytest.raises(ImageError, match="shape"):
        fit_crop(np.zeros((0, 4, 3), dtype=np.uint8), 2, 2)
