"""Writing: what the format can hold comes back; failures leave nothing behind."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from shanshui.errors import ImageError, StorageError
from shanshui.images.files import WRITABLE_SUFFIXES, Picture, read_picture, write_picture
from shanshui.images.pixels import Pixels


def picture(dtype: type[np.uint8] | type[np.uint16], *, alpha: bool) -> Picture:
    random = np.random.default_rng(0)
    white = int(np.iinfo(dtype).max)
    ramp: Pixels = np.linspace(0, white, 20 * 30 * 3).reshape(20, 30, 3).astype(dtype)
    return Picture(ramp, random.integers(0, white + 1, (20, 30), dtype=dtype) if alpha else None)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF"])
def test_lossless_formats_give_back_every_bit(
    tmp_path: Path, suffix: str, alpha: bool, dtype: type[np.uint8] | type[np.uint16]
) -> None:
    written = picture(dtype, alpha=alpha)
    write_picture(tmp_path / f"a{suffix}", written)
    read = read_picture(tmp_path / f"a{suffix}")
    assert read.pixels.dtype == dtype
    np.testing.assert_array_equal(read.pixels, written.pixels)
    if written.alpha is None:
        assert read.alpha is None
    else:
        assert read.alpha is not None
        np.testing.assert_array_equal(read.alpha, written.alpha)


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif"])
def test_lossy_formats_come_close_and_take_sixteen_bits(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"new folder/山{suffix}"
    write_picture(path, picture(np.uint16, alpha=False))
    assert np.abs(read_picture(path).pixels.astype(int) - picture(np.uint8, alpha=False).pixels).mean() < 4


def test_formats_with_transparency_keep_it_and_jpeg_shows_white(tmp_path: Path) -> None:
    clear = Picture(np.zeros((16, 16, 3), np.uint8), np.zeros((16, 16), np.uint8))
    for suffix in WRITABLE_SUFFIXES:
        path = tmp_path / f"a{suffix}"
        write_picture(path, clear)
        read = read_picture(path)
        if suffix in {".jpg", ".jpeg"}:
            assert (read.pixels == 255).all()
        else:
            assert read.alpha is not None
            assert (read.alpha == 0).all()


def test_an_array_is_enough(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", np.full((2, 2), 7, np.uint8))
    assert (read_picture(tmp_path / "a.png").pixels == 7).all()


def test_an_unknown_ending_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"\.avif, \.exr, \.jpeg, \.jpg, \.png"):
        write_picture(tmp_path / "a.docx", picture(np.uint8, alpha=False))
    assert not list(tmp_path.iterdir())


def test_a_format_that_cannot_hold_the_size_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="choose PNG"):
        write_picture(tmp_path / "wide.webp", np.zeros((1, 20_000, 3), np.uint8))
    with pytest.raises(ImageError, match="choose PNG"):
        write_picture(tmp_path / "wide.jpg", np.zeros((1, 70_000, 3), np.uint8))
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_old_file_untouched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    write_picture(path, picture(np.uint8, alpha=False))
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(StorageError, match="No space left"):
        write_picture(path, np.zeros((2, 2, 3), np.uint8))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_pictures_refuse_arrays_that_do_not_belong_together() -> None:
    pixels: NDArray[np.uint8] = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ImageError, match="transparency"):
        Picture(pixels, np.zeros((4, 5), np.uint8))
    with pytest.raises(ImageError, match="transparency"):
        Picture(pixels, np.zeros((4, 4), np.uint16))
