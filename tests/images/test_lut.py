"""Tables of colours: nothing in, nothing out; a known change is found again; files can be read by others."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from shanshui.errors import ImageError
from shanshui.images.lut import apply, fit, identity, write_cube


def photo(seed: int = 0) -> NDArray[np.uint8]:
    """A part of all colours only: dim ones."""
    return np.random.default_rng(seed).integers(0, 160, (60, 80, 3), dtype=np.uint8)


def warmer(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    warm: NDArray[np.uint8] = np.clip(pixels * [1.2, 1.0, 0.7] + [10, 5, 0], 0, 255).astype(np.uint8)
    return warm


def parsed(path: Path) -> NDArray[np.float64]:
    """A reader of .cube files after the specification, not after our writer."""
    size, rows = 0, []
    for line in path.read_text(encoding="ascii").splitlines():
        words = line.split()
        if words[0] == "LUT_3D_SIZE":
            size = int(words[1])
        elif words[0][0] in "-.0123456789":
            rows.append([float(word) for word in words])
    table = np.empty((size, size, size, 3))
    for index, row in enumerate(rows):
        table[index % size, index // size % size, index // size**2] = row
    assert len(rows) == size**3
    return table


def test_identity_in_identity_out() -> None:
    table = fit([(photo(), photo())])
    np.testing.assert_array_equal(table, identity())
    np.testing.assert_array_equal(apply(table, photo(1)), photo(1))


def test_a_change_of_colours_is_found_again_and_reaches_colours_not_seen() -> None:
    table = fit([(photo(0), warmer(photo(0))), (photo(1), warmer(photo(1)))])
    unseen = photo(2)
    result = apply(table, unseen).astype(int)
    assert np.abs(result - warmer(unseen)).mean() < 1.5
    bright = apply(table, np.full((1, 1, 3), 200, np.uint8))[0, 0].astype(int)
    assert bright[0] > 210
    assert bright[2] < 190


def test_the_table_does_not_depend_on_how_many_pixels_say_the_same() -> None:
    once = fit([(photo(), warmer(photo()))], size=9)
    twice = fit([(photo(), warmer(photo()))] * 2, size=9)
    np.testing.assert_allclose(once, twice, atol=1e-5)


def test_files_have_red_running_fastest(tmp_path: Path) -> None:
    table = identity(5)
    table[:, :, :, 0] *= 0.5
    write_cube(tmp_path / "a.cube", table, 'half "red"')
    np.testing.assert_allclose(parsed(tmp_path / "a.cube"), table, atol=1e-6)
    assert (tmp_path / "a.cube").read_text().startswith('TITLE "half red"\n')


def test_sixteen_bits_are_looked_up_finely() -> None:
    deep = np.random.default_rng(3).integers(0, 65536, (10, 10, 3), dtype=np.uint16)
    assert np.abs(apply(identity(), deep).astype(int) - deep).max() <= 1


def test_pairs_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ImageError, match="one size"):
        fit([(photo(), photo()[:10])])
    with pytest.raises(ImageError, match="at least one"):
        fit([])
