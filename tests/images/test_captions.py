"""Contact sheets: every picture is in its cell, untouched, with its caption below."""

import numpy as np
import pytest
from numpy.typing import NDArray

from shanshui.errors import ImageError
from shanshui.images.captions import contact_sheet


def picture(value: int) -> NDArray[np.uint8]:
    return np.full((40, 120, 3), value, np.uint8)


def test_every_picture_stands_in_its_cell_above_its_own_caption() -> None:
    sheet = contact_sheet([("monet", picture(10)), ("ink", picture(20)), ("monet", picture(30))], columns=2)
    cell_height = sheet.shape[0] // 2
    assert sheet.shape == (2 * cell_height, 240, 3)
    for index, value in enumerate((10, 20, 30)):
        top, left = index // 2 * cell_height, index % 2 * 120
        assert (sheet[top : top + 40, left : left + 120] == value).all()
    captions = [sheet[top + 40 : top + cell_height, left : left + 120] for top, left in ((0, 0), (0, 120))]
    assert all((caption < 128).any() for caption in captions)
    assert (captions[0] != captions[1]).any()
    np.testing.assert_array_equal(captions[0], sheet[cell_height + 40 :, :120])  # the same word twice


def test_cells_left_over_are_paper() -> None:
    sheet = contact_sheet([("a", picture(0)), ("b", picture(0)), ("c", picture(0))], columns=2)
    assert (sheet[sheet.shape[0] // 2 :, 120:] == 255).all()


def test_a_sheet_of_nothing_is_refused() -> None:
    with pytest.raises(ImageError):
        contact_sheet([], columns=3)
