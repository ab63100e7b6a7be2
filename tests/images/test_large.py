"""TIFF files too large for memory are the same pictures, part by part."""

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from shanshui.errors import ImageError, StorageError
from shanshui.images import encode, large, mapped
from shanshui.images.files import from_any, read_photo, read_picture, write_picture
from shanshui.images.large import read_large
from shanshui.images.picture import DamagedImageError
from shanshui.images.pixels import Pixels

SIZE = (70, 90)


@pytest.fixture(autouse=True)
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (large, mapped, encode):
        monkeypatch.setattr(module, "MAX_PIXELS", 1000)
    monkeypatch.setattr(large, "_ROWS", 16)
    monkeypatch.setattr(large, "_LARGEST_PART", 5800)


def scene(channels: int, dtype: Any) -> Pixels:
    values = np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, (*SIZE, channels), dtype=dtype)
    return np.squeeze(values)


GREY, WHITE_IS_ZERO, RGB = "minisblack", "miniswhite", "rgb"
KINDS: dict[str, tuple[int, Any, dict[str, Any]]] = {
    "strips": (3, np.uint8, {"photometric": RGB, "rowsperstrip": 8, "compression": "adobe_deflate"}),
    "tiles": (3, np.uint8, {"photometric": RGB, "tile": (16, 32), "compression": "lzw", "predictor": True}),
    "plain": (3, np.uint16, {"photometric": RGB, "rowsperstrip": 7}),
    "tiles, 16 bits": (3, np.uint16, {"photometric": RGB, "tile": (32, 16), "compression": "zstd"}),
    "planes": (3, np.uint16, {"photometric": RGB, "planarconfig": "separate", "rowsperstrip": 8}),
    "grey": (1, np.uint8, {"photometric": GREY, "rowsperstrip": 8}),
    "grey, 16 bits, white is 0": (1, np.uint16, {"photometric": WHITE_IS_ZERO, "rowsperstrip": 8}),
    "alpha": (4, np.uint8, {"photometric": RGB, "extrasamples": ["unassalpha"], "rowsperstrip": 8}),
    "premultiplied": (4, np.uint16, {"photometric": RGB, "extrasamples": ["assocalpha"], "rowsperstrip": 8}),
    "big": (3, np.uint8, {"photometric": RGB, "rowsperstrip": 8, "bigtiff": True}),
}


def written(path: Path, kind: str, **more: Any) -> Path:
    channels, dtype, options = KINDS[kind]
    big = options.get("bigtiff", False)
    pixels = scene(channels, dtype)
    if options.get("planarconfig") == "separate":
        pixels = pixels.transpose(2, 0, 1)
    layout = {name: value for name, value in options.items() if name != "bigtiff"}
    tifffile.imwrite(
        path, pixels, bigtiff=big, metadata=None, resolution=(300, 300), resolutionunit=2, **layout, **more
    )
    return path


def same(path: Path) -> None:
    part_by_part, whole = read_photo(path), read_picture(path)
    assert isinstance(part_by_part.pixels, np.memmap)
    np.testing.assert_array_equal(part_by_part.pixels, whole.pixels)
    assert (part_by_part.alpha is None) == (whole.alpha is None)
    if whole.alpha is not None:
        np.testing.assert_array_equal(part_by_part.alpha, whole.alpha)
    known = part_by_part.metadata
    assert whole.metadata in (known, replace(known, exif=None))  # Pillow reads no tags of a BigTIFF in memory


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_as_a_whole_one(tmp_path: Path, kind: str) -> None:
    same(written(tmp_path / "a.tif", kind))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_turned(tmp_path: Path, orientation: int) -> None:
    same(written(tmp_path / "a.tif", "alpha", extratags=[(274, 3, 1, orientation, True)]))


@pytest.mark.parametrize("kind", ["strips", "plain", "alpha"])
def test_its_profile_becomes_srgb(tmp_path: Path, kind: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    same(written(tmp_path / "unfit.tif", kind, iccprofile=profile))
    same(written(tmp_path / "wide.tif", kind, iccprofile=wide_profile()))


def test_jpeg_in_tiff(tmp_path: Path) -> None:
    smooth = np.stack([np.add.outer(np.arange(70), np.arange(90))] * 3, axis=2).astype(np.uint8)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, smooth, photometric="rgb", compression="jpeg", tile=(16, 16), metadata=None)
    assert np.abs(read_photo(path).pixels.astype(int) - smooth).max() < 12


def test_it_is_written_part_by_part_and_comes_back(tmp_path: Path) -> None:
    photo = read_photo(written(tmp_path / "a.tif", "alpha"))
    write_picture(tmp_path / "b.tif", photo)
    np.testing.assert_array_equal(read_photo(tmp_path / "b.tif").pixels, photo.pixels)
    with pytest.raises(ImageError, match="cannot hold 90 x 70 pixels: choose TIFF"):
        write_picture(tmp_path / "b.png", photo)


def test_other_files_are_read_as_ever(tmp_path: Path) -> None:
    Image.fromarray(scene(3, np.uint8)).save(tmp_path / "a.png")
    assert read_large(tmp_path / "a.png") is None
    assert not isinstance(from_any(tmp_path / "a.png").pixels, np.memmap)
    with pytest.raises(ImageError, match="does not exist"):
        read_photo(tmp_path / "none.tif")
    (tmp_path / "text.tif").write_bytes(b"no picture at all")
    with pytest.raises(ImageError, match="is not a picture"):
        read_photo(tmp_path / "text.tif")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"photometric": RGB, "rowsperstrip": 70, "compression": "adobe_deflate"}, "not decoded in parts"),
        ({"photometric": "separated", "rowsperstrip": 8}, "not decoded in parts"),
    ],
)
def test_what_cannot_be_read_in_parts_is_refused(tmp_path: Path, options: dict[str, Any], sentence: str) -> None:
    channels = 4 if options["photometric"] == "separated" else 3
    tifffile.imwrite(tmp_path / "a.tif", scene(channels, np.uint8), metadata=None, **options)
    with pytest.raises(ImageError, match=rf"a\.tif .*{sentence}"):
        read_photo(tmp_path / "a.tif")


def test_a_size_beyond_all_reason_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "LARGEST", 2000)
    with pytest.raises(ImageError, match="90 x 70 pixels, above the limit"):
        read_photo(written(tmp_path / "a.tif", "strips"))


def test_a_file_cut_short_is_said_to_be(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tif", "strips")
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(DamagedImageError, match="cut short"):
        read_photo(path)


def test_a_full_disk_is_said_before_anything_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StorageError, match="No space left"):
        read_photo(written(tmp_path / "a.tif", "strips"))


def wide_profile() -> bytes:
    """An RGB profile that is not sRGB: its red and green change places."""
    srgb = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = srgb.index(b"rXYZ"), srgb.index(b"gXYZ")
    srgb[red : red + 4], srgb[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(srgb.replace(b"s\0R\0G\0B", b"w\0i\0d\0e"))
