"""Beside the pixels: EXIF, XMP, profiles and resolution go from file to file, once and upright."""

import functools
import io
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from shanshui.images.files import read_picture, write_picture
from shanshui.images.metadata import NONE, Metadata, upright_exif, upright_xmp
from shanshui.images.picture import Picture

GPANO = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" GPano:ProjectionType="equirectangular"
 GPano:FullPanoWidthPixels="32" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>"""
CONTAINERS = (".jpg", ".png", ".webp", ".avif", ".tif")


def exif(orientation: int = 6) -> bytes:
    """As a camera writes it: maker, orientation, exposure time, stored size, place on earth."""
    block = Image.Exif()
    block[0x010F], block[0x0112] = "Canon", orientation
    block.get_ifd(0x8769).update({0x829A: 0.004, 0xA002: 32, 0xA003: 24})
    block.get_ifd(0x8825).update({1: "N", 2: (46.0, 30.0, 0.0)})
    return block.tobytes()


def known_of(path: Path) -> Image.Exif:
    """What another program than ours finds in a file."""
    with Image.open(path) as image:
        block = image.getexif()
        for folder in (0x8769, 0x8825):
            block.get_ifd(folder)
        return block


def ramp(dtype: Any = np.uint8) -> Any:
    rows, columns = np.mgrid[0:24, 0:32]
    values = np.stack([rows * 8, columns * 6, 40 + rows + columns], axis=2)
    return (values * (257 if dtype == np.uint16 else 1)).astype(dtype)


@functools.cache  # a profile says when it was made
def wide_profile() -> bytes:
    """A profile of Display P3: sRGB's curve, other primaries."""
    primaries = [0.680, 0.320, 0.265, 0.690, 0.150, 0.060]
    return bytes(imagecodecs.cms_profile("rgb", whitepoint=[0.3127, 0.3290, 1.0], primaries=primaries, gamma=2.2))


@pytest.mark.parametrize("target", CONTAINERS)
@pytest.mark.parametrize("source", CONTAINERS)
def test_every_container_hands_on_to_every_other(tmp_path: Path, source: str, target: str) -> None:
    first, second = tmp_path / f"a{source}", tmp_path / f"b{target}"
    form = {".jpg": "JPEG", ".tif": "TIFF"}.get(source, source[1:].upper())
    options: dict[str, Any] = {"exif": exif(), "dpi": (300, 300), "icc_profile": wide_profile()}
    if form == "PNG":
        options["pnginfo"] = png_text(GPANO)
    elif form == "TIFF":
        options["exif"] = image_exif()
        options["exif"][700] = GPANO
    else:
        options["xmp"] = GPANO
    Image.fromarray(ramp()).save(first, form, **options)
    write_picture(second, read_picture(first))
    found = known_of(second)
    assert found.get(0x0112, 1) == 1
    assert found[0x010F] == "Canon"
    assert found.get_ifd(0x8769)[0x829A] == pytest.approx(0.004)
    assert (found.get_ifd(0x8769)[0xA002], found.get_ifd(0x8769)[0xA003]) == (24, 32)
    assert found.get_ifd(0x8825)[2] == (46.0, 30.0, 0.0)
    again = read_picture(second)
    assert again.pixels.shape == (32, 24, 3)
    assert again.metadata.xmp is not None
    assert again.metadata.xmp.startswith(GPANO.split(b"tiff:")[0].rstrip())
    assert b'Orientation="6"' not in again.metadata.xmp
    assert again.metadata.profile == wide_profile()
    if {source, target} <= {".jpg", ".png", ".tif"}:
        assert again.metadata.dpi == pytest.approx((300, 300), rel=1e-3)


def png_text(xmp: bytes) -> Any:
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    chunks.add(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
    return chunks


def image_exif() -> Image.Exif:
    block = Image.Exif()
    block.load(exif())
    return block


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("alpha", [False, True])
def test_sixteen_bits_have_metadata_too(tmp_path: Path, suffix: str, alpha: bool) -> None:
    known = Metadata(profile=wide_profile(), exif=upright_exif(exif(1)), xmp=GPANO, dpi=(240, 240))
    picture = Picture(ramp(np.uint16), ramp(np.uint16)[:, :, 0] if alpha else None, known)
    write_picture(tmp_path / f"a{suffix}", picture)
    again = read_picture(tmp_path / f"a{suffix}")
    assert again.pixels.dtype == np.uint16
    assert again.metadata.profile == wide_profile()
    assert again.metadata.xmp == upright_xmp(GPANO)
    assert again.metadata.dpi == pytest.approx((240, 240), rel=1e-3)
    found = Image.Exif()
    found.load(again.metadata.exif or b"")
    assert found[0x010F] == "Canon"
    assert found.get_ifd(0x8825)[1] == "N"
    # There and back through the wider space costs a few of 65536 steps.
    assert np.abs(again.pixels.astype(int) - picture.pixels).mean() < 100
    if alpha:
        np.testing.assert_array_equal(again.alpha, picture.alpha)


def test_colours_are_written_in_the_profile_of_the_photo(tmp_path: Path) -> None:
    """The numbers in the file differ from sRGB's, and what a viewer shows does not."""
    write_picture(tmp_path / "a.png", Picture(ramp(), None, Metadata(profile=wide_profile())))
    with Image.open(tmp_path / "a.png") as stored:
        numbers = np.asarray(stored).astype(int)
    assert np.abs(numbers - ramp()).max() > 10
    shown = read_picture(tmp_path / "a.png").pixels.astype(int)
    assert np.abs(shown - ramp()).mean() < 1


def test_an_srgb_profile_keeps_every_bit(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    write_picture(tmp_path / "a.png", Picture(ramp(), None, Metadata(profile=profile)))
    again = read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(again.pixels, ramp())
    assert again.metadata.profile == profile


def test_a_profile_of_ink_or_grey_does_not_go_with_rgb(tmp_path: Path) -> None:
    grey = bytes(imagecodecs.cms_profile("gray", gamma=2.2))
    Image.fromarray(ramp()[:, :, 0]).save(tmp_path / "a.png", icc_profile=grey)
    assert read_picture(tmp_path / "a.png").metadata.profile is None


def test_a_profile_that_cannot_be_used_is_not_written(tmp_path: Path) -> None:
    broken = bytearray(wide_profile())
    broken[128:] = bytes(len(broken) - 128)
    picture = Picture(ramp(), None, Metadata(profile=bytes(broken)))
    write_picture(tmp_path / "a.png", picture)
    again = read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(again.pixels, picture.pixels)
    assert again.metadata == NONE


def test_the_thumbnail_of_the_photo_does_not_stay() -> None:
    """The link that follows the first folder leads to it (TIFF 6.0, section 2)."""
    entry = struct.pack("<HHII", 0x0112, 3, 1, 8)
    block = b"II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 26) + b"thumbnail"
    upright = upright_exif(b"Exif\0\0" + block)
    assert upright is not None
    assert upright[22:26] == b"\0\0\0\0"
    assert upright[18:20] == b"\x01\0"
    assert len(upright) == len(block)


@pytest.mark.parametrize("block", [b"", b"II*\0", b"MM\0*\0\0\xff\xff", b"II*\0\x08\0\0\0\xff\xff", b"nonsense", None])
def test_broken_exif_is_left_out_or_bounded(block: bytes | None) -> None:
    upright = upright_exif(block)
    assert upright is None or len(upright) == len(block or b"")


def test_blocks_too_long_for_a_jpeg_are_left_out(tmp_path: Path) -> None:
    long = replace(NONE, xmp=b"<x>" + b" " * 70_000 + b"</x>")
    write_picture(tmp_path / "a.jpg", Picture(ramp(), None, long))
    assert read_picture(tmp_path / "a.jpg").metadata.xmp is None
    write_picture(tmp_path / "a.png", Picture(ramp(), None, long))
    assert read_picture(tmp_path / "a.png").metadata.xmp == long.xmp


def test_a_tiff_with_folders_is_sound(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.tif", Picture(ramp(), None, Metadata(exif=upright_exif(exif()), xmp=GPANO)))
    with tifffile.TiffFile(io.BytesIO((tmp_path / "a.tif").read_bytes())) as file:
        np.testing.assert_array_equal(file.asarray(), ramp())
        assert file.pages.first.tags["ExifTag"].value["ExposureTime"] is not None
        assert len(file.pages) == 1
