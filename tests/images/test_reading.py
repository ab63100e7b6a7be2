"""Reading: every kind of picture becomes upright sRGB; everything else is one sentence."""

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

from shanshui.errors import ImageError
from shanshui.images.files import from_any, read_picture
from shanshui.images.picture import DamagedImageError, NotAnImageError


def smooth(height: int = 24, width: int = 32) -> NDArray[np.uint8]:
    """A gradient that lossy formats keep to within a few steps."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 8, columns * 6, 40 + rows + columns], axis=2).astype(np.uint8)


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of_size(width: int, height: int, depth: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize(
    ("form", "tolerance"), [("JPEG", 6), ("PNG", 0), ("WEBP", 8), ("AVIF", 8), ("TIFF", 0), ("BMP", 0)]
)
def test_the_formats_of_the_world(form: str, tolerance: int) -> None:
    picture = read_picture(encoded(Image.fromarray(smooth()), form, **({"quality": 95} if tolerance else {})))
    assert (picture.height, picture.width) == (24, 32)
    assert picture.alpha is None
    assert np.abs(picture.pixels.astype(int) - smooth()).max() <= tolerance


def test_paths_streams_and_contents_are_the_same_picture(tmp_path: Path) -> None:
    path = tmp_path / "山水 ä.png"
    Image.fromarray(smooth()).save(path)
    with path.open("rb") as stream:
        for picture in (
            read_picture(path),
            read_picture(str(path)),
            read_picture(path.read_bytes()),
            read_picture(stream),
        ):
            np.testing.assert_array_equal(picture.pixels, smooth())


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_every_exif_orientation_ends_upright(form: str, orientation: int) -> None:
    upright = np.zeros((16, 32, 3), dtype=np.uint8)
    upright[:8, :16] = (250, 0, 0)
    upright[:8, 16:] = (0, 250, 0)
    upright[8:, :16] = (0, 0, 250)
    # Exif 2.32, tag 0x0112: which way the stored rows and columns run, seen in the upright scene.
    undo: dict[int, NDArray[np.uint8]] = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = (
        {"exif": exif} | ({"quality": 95} if form == "JPEG" else {}) | ({"lossless": True} if form == "WEBP" else {})
    )
    content = encoded(Image.fromarray(np.ascontiguousarray(undo[orientation])), form, **options)
    picture = read_picture(content)
    assert picture.pixels.shape == upright.shape
    for row, column in ((3, 5), (3, 27), (12, 5), (12, 27)):
        assert np.abs(picture.pixels[row, column].astype(int) - upright[row, column]).max() < 12


def test_a_profile_with_swapped_channels_is_undone() -> None:
    """In this profile's colour space red and green trade places, so sRGB red is stored as (0, 255, 0)."""
    profile = swapped_profile()
    stored = np.zeros((8, 8, 3), dtype=np.uint8)
    stored[:, :, 1] = 255
    for form in ("PNG", "TIFF", "JPEG", "WEBP"):
        pixel = read_picture(encoded(Image.fromarray(stored), form, icc_profile=profile)).pixels[4, 4]
        assert pixel[0] > 240, form
        assert pixel[1] < 60, form
    deep = io.BytesIO()
    tifffile.imwrite(deep, stored.astype(np.uint16) * 257, photometric="rgb", iccprofile=profile)
    pixel = read_picture(deep.getvalue()).pixels[4, 4]
    assert pixel.dtype == np.uint16
    assert pixel[0] > 240 * 257
    assert pixel[1] < 60 * 257


def swapped_profile() -> bytes:
    """The sRGB profile with its red and green primaries exchanged in the tag table."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", profile, 128)[0]
    places = {bytes(profile[132 + 12 * tag : 136 + 12 * tag]): 132 + 12 * tag for tag in range(count)}
    profile[places[b"rXYZ"] : places[b"rXYZ"] + 4] = b"gXYZ"
    profile[places[b"gXYZ"] : places[b"gXYZ"] + 4] = b"rXYZ"
    return bytes(profile).replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be")).replace(b"sRGB", b"swap")


@pytest.mark.parametrize("profile", [b"not a profile", b"\0" * 200])
def test_a_broken_profile_is_ignored(profile: bytes) -> None:
    picture = read_picture(encoded(Image.fromarray(smooth()), "PNG", icc_profile=profile))
    np.testing.assert_array_equal(picture.pixels, smooth())


def test_a_profile_of_another_kind_of_image_is_ignored() -> None:
    rgb_profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    grey = Image.fromarray(smooth()[:, :, 0])
    np.testing.assert_array_equal(
        read_picture(encoded(grey, "PNG", icc_profile=rgb_profile)).pixels[:, :, 1], smooth()[:, :, 0]
    )
    deep = bytes(imagecodecs.png_encode(np.full((4, 4), 777, dtype=np.uint16)))
    assert (read_picture(deep).pixels == 777).all()


def test_cmyk_grey_bilevel_and_palette_become_rgb() -> None:
    image = Image.fromarray(smooth())
    cmyk = read_picture(encoded(image.convert("CMYK"), "JPEG", quality=95)).pixels
    assert np.abs(cmyk.astype(int) - smooth()).mean() < 6
    grey = read_picture(encoded(image.convert("L"), "PNG")).pixels
    assert (grey == np.asarray(image.convert("L"))[:, :, np.newaxis]).all()
    bilevel = read_picture(encoded(image.convert("1"), "PNG")).pixels
    assert set(np.unique(bilevel)) == {0, 255}
    palette = read_picture(encoded(image.quantize(64), "PNG")).pixels
    assert np.abs(palette.astype(int) - smooth()).mean() < 12


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_kept_aside(mode: str) -> None:
    alpha = np.zeros((24, 32), dtype=np.uint8)
    alpha[:, 16:] = 255
    image = Image.fromarray(np.dstack([smooth(), alpha]))
    if mode == "P":
        flat = Image.fromarray(smooth()).quantize(16)
        content = encoded(flat, "PNG", transparency=bytes([0] + [255] * 15))
        expected = np.where(np.asarray(flat) == 0, 0, 255)
    else:
        content, expected = encoded(image.convert(mode), "PNG"), alpha
    picture = read_picture(content)
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha, expected)
    assert (picture.over_white()[expected == 0] == 255).all()
    np.testing.assert_array_equal(picture.over_white()[expected == 255], picture.pixels[expected == 255])


def test_one_transparent_colour_is_transparency_too() -> None:
    solid = Image.new("RGB", (4, 4), (9, 9, 9))
    solid.putpixel((0, 0), (1, 2, 3))
    picture = read_picture(encoded(solid, "PNG", transparency=(9, 9, 9)))
    assert picture.alpha is not None
    assert picture.alpha.sum() == 255


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_of_an_animation(form: str) -> None:
    frames = [Image.new("RGB", (8, 6), color) for color in ("red", "blue", "blue")]
    content = encoded(frames[0], form, save_all=True, append_images=frames[1:], duration=50)
    assert np.abs(read_picture(content).pixels.astype(int) - (255, 0, 0)).max() < 8


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("form", ["png", "tiff", "planar tiff", "big-endian tiff"])
def test_sixteen_bits_stay_sixteen_bits(form: str, channels: int) -> None:
    deep = np.random.default_rng(channels).integers(0, 65536, (7, 9, channels), dtype=np.uint16)
    content = deep_file(deep, form)
    picture = read_picture(content)
    assert picture.pixels.dtype == np.uint16
    np.testing.assert_array_equal(
        picture.pixels, np.broadcast_to(deep[:, :, :3] if channels > 2 else deep[:, :, :1], (7, 9, 3))
    )
    if channels in (2, 4):
        assert picture.alpha is not None
        np.testing.assert_array_equal(picture.alpha, deep[:, :, -1])
    else:
        assert picture.alpha is None


def deep_file(deep: NDArray[np.uint16], form: str) -> bytes:
    squeezed = deep[:, :, 0] if deep.shape[2] == 1 else deep
    if form == "png":
        return bytes(imagecodecs.png_encode(squeezed))
    stream = io.BytesIO()
    planar = form.startswith("planar") and squeezed.ndim == 3
    tifffile.imwrite(
        stream,
        squeezed.transpose(2, 0, 1) if planar else squeezed,
        byteorder=">" if form.startswith("big") else "<",
        photometric="rgb" if deep.shape[2] > 2 else "minisblack",
        planarconfig=("separate" if planar else "contig") if squeezed.ndim == 3 else None,
        extrasamples=["unassalpha"] if deep.shape[2] in (2, 4) else [],
        compression="deflate",
    )
    return stream.getvalue()


def test_deep_tiffs_with_white_zero_premultiplied_alpha_and_orientation() -> None:
    inverted = io.BytesIO()
    tifffile.imwrite(inverted, np.full((2, 3), 1, dtype=np.uint16), photometric="miniswhite")
    assert (read_picture(inverted.getvalue()).pixels == 65534).all()
    half = np.array([[[100, 200, 300, 32768], [5, 6, 7, 0]]], dtype=np.uint16)
    associated = io.BytesIO()
    tifffile.imwrite(associated, half, photometric="rgb", extrasamples=["assocalpha"], extratags=[(274, 3, 1, 6, True)])
    picture = read_picture(associated.getvalue())
    assert picture.pixels.shape == (2, 1, 3)
    assert picture.pixels[0, 0].tolist() == [200, 400, 600]
    assert picture.pixels[1, 0].tolist() == [0, 0, 0]


def test_one_pixel_is_a_picture() -> None:
    assert read_picture(encoded(Image.new("RGB", (1, 1), "red"), "PNG")).pixels.tolist() == [[[255, 0, 0]]]


@pytest.mark.parametrize("depth", [8, 16])
def test_a_bomb_is_refused_before_it_is_decoded(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        pytest.fail("decoded")

    monkeypatch.setattr(imagecodecs, "png_decode", never)
    monkeypatch.setattr(Image.Image, "load", never)
    for side in (60_000, 13_300):
        with pytest.raises(ImageError, match=r"holiday\.png .*(limit|safely)") as caught:
            read_picture(png_of_size(side, side, depth), name="holiday.png")
        assert str(caught.value).count(". ") == 0


def test_a_deep_tiff_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tif"
    tifffile.imwrite(path, np.zeros((4, 4, 3), np.uint16), photometric="rgb", rowsperstrip=4)
    with tifffile.TiffFile(path, mode="r+") as file:
        for tag in ("ImageWidth", "ImageLength"):
            file.pages.first.tags[tag].overwrite(60_000, dtype="I")
    with pytest.raises(ImageError, match="60000 x 60000"):
        read_picture(path)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "GIF"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_cut_short_is_damaged(form: str, share: float) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    content = encoded(Image.fromarray(noise), form)
    with pytest.raises(DamagedImageError, match=r"^a\.jpg is damaged or cut short"):
        read_picture(content[: int(len(content) * share)], name="a.jpg")


@pytest.mark.parametrize("form", ["png", "tiff"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_deep_file_cut_short_is_damaged(form: str, share: float) -> None:
    content = deep_file(np.random.default_rng(5).integers(0, 65536, (64, 64, 3), dtype=np.uint16), form)
    with pytest.raises(DamagedImageError):
        read_picture(content[: int(len(content) * share)])


def test_flipped_bytes_never_end_in_a_traceback() -> None:
    random = np.random.default_rng(6)
    for form in ("JPEG", "PNG", "WEBP", "TIFF", "GIF"):
        intact = encoded(Image.fromarray(smooth()), form)
        for _ in range(40):
            broken = bytearray(intact)
            for place in random.integers(0, len(broken), 8):
                broken[place] = random.integers(0, 256)
            try:
                read_picture(bytes(broken))
            except ImageError as error:
                assert str(error).startswith("The picture ")


@pytest.mark.parametrize("content", [b"", b"Dear diary, today I saw a mountain.", b"%PDF-1.7", b"\0" * 5000])
def test_text_renamed_to_jpg_is_not_a_picture(content: bytes) -> None:
    with pytest.raises(NotAnImageError, match=r"^notes\.jpg is not a picture"):
        read_picture(content, name="notes.jpg")


def test_floating_point_tiffs_have_no_known_white() -> None:
    stream = io.BytesIO()
    tifffile.imwrite(stream, np.zeros((4, 4), np.float32))
    with pytest.raises(ImageError, match="known white"):
        read_picture(stream.getvalue())


def test_missing_files_folders_pipes_and_closed_doors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImageError, match="does not exist"):
        read_picture(tmp_path / "no.jpg")
    with pytest.raises(ImageError, match="is a folder"):
        read_picture(tmp_path)
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(ImageError, match="no ordinary file"):
        read_picture(tmp_path / "pipe.jpg")
    locked = tmp_path / "locked.jpg"
    locked.write_bytes(b"")

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ImageError, match=r"locked\.jpg cannot be read \(Permission denied\)"):
        read_picture(locked)


def test_odd_metadata_warns_nobody() -> None:
    """Warnings are errors in this suite: a corrupt EXIF block must neither warn nor refuse the picture."""
    exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0\x12\x01\x03\0\x01\0\0\0\x01\0\0\0\x0f\x01\x02\0\xff\xff\0\0\xff\xff\0\0"
    content = encoded(Image.fromarray(smooth()), "JPEG", exif=exif, quality=95)
    assert read_picture(content).pixels.shape == (24, 32, 3)


def test_anything_that_is_a_picture_is_taken() -> None:
    array = smooth()
    for source in (array, Image.fromarray(array), from_any(array)):
        np.testing.assert_array_equal(from_any(source).pixels, array)
    grey = from_any(array[:, :, 0])
    assert (grey.pixels == array[:, :, :1]).all()
    with_alpha = from_any(np.dstack([array, array[:, :, 0]]))
    assert with_alpha.alpha is not None
    np.testing.assert_array_equal(with_alpha.alpha, array[:, :, 0])


def test_anything_else_is_refused() -> None:
    with pytest.raises(ImageError, match="float64"):
        from_any(np.zeros((4, 4, 3)))
    with pytest.raises(ImageError, match="HWC"):
        from_any(np.zeros((2, 4, 4, 3), np.uint8))
    with pytest.raises(ImageError, match="rows x columns"):
        from_any(np.zeros((0, 4, 3), np.uint8))
    with pytest.raises(ImageError, match="int is no picture"):
        from_any(3)  # type: ignore[arg-type]


def test_a_picture_does_not_change_with_the_array_it_came_from() -> None:
    array = smooth()
    picture = from_any(array)
    array[:] = 0
    assert picture.pixels.max() > 0
