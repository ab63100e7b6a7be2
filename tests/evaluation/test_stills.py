"""The images of a data set as a metric sees them."""

from pathlib import Path

import numpy as np
import pytest

from shanshui.errors import DataError
from shanshui.evaluation import stills
from shanshui.images.files import write_picture
from shanshui.scenes.sources import open_source

SIDE = 16


def test_stills_are_spread_over_the_set(tmp_path: Path) -> None:
    for index in range(9):
        write_picture(tmp_path / f"{index}.png", np.full((20, 30, 3), index * 20, np.uint8))
    source = open_source(tmp_path)
    shades = [int(image[0, 0, 0]) for image in stills(source, SIDE, SIDE, count=3)]
    assert shades == [0, 60, 120]
    assert len(list(stills(source, SIDE, SIDE))) == 9
    assert {image.shape for image in stills(source, SIDE, 24, count=9)} == {(SIDE, 24, 3)}
    with pytest.raises(DataError, match="9 images and 10"):
        stills(source, SIDE, SIDE, count=10)


def test_a_row_is_found_again_though_files_were_left_out(tmp_path: Path) -> None:
    for index in range(5):
        write_picture(tmp_path / f"{index}.png", np.full((20, 30, 3), index * 20, np.uint8))
    (tmp_path / "1.png").write_bytes(b"no image")
    whole, spread = (stills(open_source(tmp_path), SIDE, SIDE, count=count) for count in (None, 3))
    for images in (whole, spread):
        rows = list(images)
        for row, image in enumerate(rows):
            np.testing.assert_array_equal(images.at(row, of=len(rows)), image)
    assert len(list(whole)) == 4


def test_stills_may_be_left_unfinished(tmp_path: Path) -> None:
    for index in range(5):
        write_picture(tmp_path / f"{index}.png", np.full((20, 30, 3), index * 20, np.uint8))
    images = stills(open_source(tmp_path), SIDE, SIDE)
    assert next(iter(images)).shape == (SIDE, SIDE, 3)
    assert len(list(images)) == 5
