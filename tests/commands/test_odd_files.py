"""Odd files through `shanshui stylize`: the right size, depth, orientation and transparency, or one plain sentence."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import OpenEXR
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from shanshui.cli import main
from shanshui.images.files import read_picture

WIDE, HIGH = 40, 24


def pixels(dtype: type[np.generic] = np.uint8, channels: int = 3) -> NDArray[Any]:
    rows, columns = np.mgrid[0:HIGH, 0:WIDE]
    planes = [rows * 9, columns * 6, 20 + rows + columns, 255 - columns * 5][:channels]
    scale = {"uint8": 1, "uint16": 257}.get(np.dtype(dtype).name, 1 / 255)
    array = (np.stack(planes, axis=2) * scale).astype(dtype)
    return array[:, :, 0] if channels == 1 else array


def pillow(form: str, mode: str = "RGB", **options: Any) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        Image.fromarray(pixels()).convert(mode).save(path, form, **options)

    return save


def rgba(form: str, **options: Any) -> Callable[[Path], None]:
    return lambda path: Image.fromarray(pixels(channels=4)).save(path, form, **options)


def turned(form: str) -> Callable[[Path], None]:
    exif = Image.Exif()
    exif[0x0112] = 6
    return pillow(form, exif=exif)


def tiff(dtype: type[np.generic], channels: int = 3, **options: Any) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        array = pixels(dtype, channels)
        kind = "rgb" if channels > 2 else "minisblack"
        extra = ["unassalpha"] if channels in (2, 4) else []
        tifffile.imwrite(path, array, photometric=kind, extrasamples=extra, **options)

    return save


def deep_png(channels: int) -> Callable[[Path], None]:
    return lambda path: text(bytes(imagecodecs.png_encode(pixels(np.uint16, channels))))(path)


def exr(kind: type[np.generic], channels: int) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        name = "RGB" if channels == 3 else "RGBA"
        OpenEXR.File({"type": OpenEXR.scanlineimage}, {name: pixels(kind, channels)}).write(str(path))

    return save


def animated(form: str) -> Callable[[Path], None]:
    frames = [Image.new("RGB", (WIDE, HIGH), color) for color in ("red", "blue", "lime")]
    return lambda path: frames[0].save(path, form, save_all=True, append_images=frames[1:], duration=40)


def several_pages(path: Path) -> None:
    pages = [Image.fromarray(pixels()), Image.new("RGB", (9, 9))]
    pages[0].save(path, "TIFF", save_all=True, append_images=pages[1:])


def two_colours(path: Path) -> None:
    Image.fromarray(pixels()).quantize(2).save(path, "PNG", bits=1)


def with_profile(path: Path) -> None:
    wide = imagecodecs.cms_profile(
        "rgb", whitepoint=[0.3127, 0.3290, 1.0], primaries=[0.68, 0.32, 0.265, 0.69, 0.15, 0.06], gamma=2.2
    )
    Image.fromarray(pixels()).save(path, "JPEG", icc_profile=wide, quality=95)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(depth: int) -> Callable[[Path], None]:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, depth, 2, 0, 0, 0))
    content = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(999))) + chunk(b"IEND", b"")
    return text(content)


def cut(save: Callable[[Path], None], share: float) -> Callable[[Path], None]:
    def shorten(path: Path) -> None:
        save(path)
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])

    return shorten


def text(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


def size_of_nothing(path: Path) -> None:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 10, 8, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IEND", b""))


def line(height: int, width: int) -> Callable[[Path], None]:
    return lambda path: Image.new("RGB", (width, height), "navy").save(path)


LEVEL, UPRIGHT = (HIGH, WIDE), (WIDE, HIGH)
SOUND: dict[str, tuple[str, Callable[[Path], None], tuple[int, int], str, bool]] = {
    # what: name, how it is made, size of the result, its depth, whether it has transparency
    "8-bit JPEG": ("a.jpg", pillow("JPEG"), LEVEL, "uint8", False),
    "progressive JPEG": ("a.jpg", pillow("JPEG", progressive=True), LEVEL, "uint8", False),
    "grey JPEG": ("a.jpg", pillow("JPEG", "L"), LEVEL, "uint8", False),
    "CMYK JPEG": ("a.jpg", pillow("JPEG", "CMYK"), LEVEL, "uint8", False),
    "turned JPEG": ("a.jpg", turned("JPEG"), UPRIGHT, "uint8", False),
    "JPEG in Display P3": ("a.jpg", with_profile, LEVEL, "uint8", False),
    "8-bit PNG": ("a.png", pillow("PNG"), LEVEL, "uint8", False),
    "PNG with alpha": ("a.png", rgba("PNG"), LEVEL, "uint8", True),
    "grey PNG with alpha": ("a.png", pillow("PNG", "LA"), LEVEL, "uint8", True),
    "1-bit PNG": ("a.png", pillow("PNG", "1"), LEVEL, "uint8", False),
    "palette PNG": ("a.png", pillow("PNG", "P"), LEVEL, "uint8", False),
    "palette of two": ("a.png", two_colours, LEVEL, "uint8", False),
    "turned PNG": ("a.png", turned("PNG"), UPRIGHT, "uint8", False),
    "16-bit PNG": ("a.png", deep_png(3), LEVEL, "uint16", False),
    "16-bit PNG with alpha": ("a.png", deep_png(4), LEVEL, "uint16", True),
    "16-bit grey PNG": ("a.png", deep_png(1), LEVEL, "uint16", False),
    "animated PNG": ("a.png", animated("PNG"), LEVEL, "uint8", False),
    "8-bit TIFF": ("a.tif", pillow("TIFF"), LEVEL, "uint8", False),
    "CMYK TIFF": ("a.tif", pillow("TIFF", "CMYK"), LEVEL, "uint8", False),
    "LZW TIFF": ("a.tiff", pillow("TIFF", compression="tiff_lzw"), LEVEL, "uint8", False),
    "1-bit TIFF, fax": ("a.tif", pillow("TIFF", "1", compression="group4"), LEVEL, "uint8", False),
    "turned TIFF": ("a.tif", turned("TIFF"), UPRIGHT, "uint8", False),
    "TIFF of several pages": ("a.tif", several_pages, LEVEL, "uint8", False),
    "16-bit TIFF": ("a.tif", tiff(np.uint16), LEVEL, "uint16", False),
    "16-bit TIFF with alpha": ("a.tif", tiff(np.uint16, 4), LEVEL, "uint16", True),
    "16-bit grey TIFF": ("a.tif", tiff(np.uint16, 1), LEVEL, "uint16", False),
    "16-bit tiled BigTIFF": ("a.tif", tiff(np.uint16, bigtiff=True, tile=(16, 16)), LEVEL, "uint16", False),
    "16-bit big-endian TIFF": ("a.tif", tiff(np.uint16, byteorder=">"), LEVEL, "uint16", False),
    "WebP with alpha": ("a.webp", rgba("WEBP", lossless=True), LEVEL, "uint8", True),
    "animated WebP": ("a.webp", animated("WEBP"), LEVEL, "uint8", False),
    "turned WebP": ("a.webp", turned("WEBP"), UPRIGHT, "uint8", False),
    "AVIF": ("a.avif", pillow("AVIF"), LEVEL, "uint8", False),
    "animated GIF": ("a.gif", animated("GIF"), LEVEL, "uint8", False),
    "BMP": ("a.bmp", pillow("BMP"), LEVEL, "uint8", False),
    "half-float EXR": ("a.exr", exr(np.float16, 3), LEVEL, "uint16", False),
    "float EXR with alpha": ("a.exr", exr(np.float32, 4), LEVEL, "uint16", True),
    "PNG called JPEG": ("a.jpg", pillow("PNG"), LEVEL, "uint8", False),
    "one pixel": ("a.png", line(1, 1), (1, 1), "uint8", False),
    "one row": ("a.png", line(1, 300), (1, 300), "uint8", False),
    "one column": ("a.png", line(300, 1), (300, 1), "uint8", False),
}
BROKEN: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "empty": ("a.jpg", text(b""), "not a picture"),
    "text": ("a.png", text(b"Dear diary"), "not a picture"),
    "PDF": ("a.jpg", text(b"%PDF-1.7\n"), "not a picture"),
    "cut JPEG": ("a.jpg", cut(pillow("JPEG"), 0.6), "damaged"),
    "cut PNG": ("a.png", cut(pillow("PNG"), 0.6), "damaged"),
    "cut 16-bit PNG": ("a.png", cut(deep_png(3), 0.6), "damaged"),
    "cut 16-bit TIFF": ("a.tif", cut(tiff(np.uint16, compression="deflate"), 0.6), "damaged"),
    "cut WebP": ("a.webp", cut(rgba("WEBP"), 0.6), "damaged"),
    "cut EXR": ("a.exr", cut(exr(np.float16, 3), 0.6), "damaged"),
    "huge header": ("a.png", bomb(8), "safely"),
    "huge deep header": ("a.png", bomb(16), "safely"),
    "no width": ("a.png", size_of_nothing, "damaged|0 pixels"),
    "float TIFF": ("a.tif", tiff(np.float32, 1), "known white"),
}


def test_there_are_at_least_thirty() -> None:
    assert len(SOUND) + len(BROKEN) >= 30


@pytest.mark.parametrize("what", SOUND)
def test_a_sound_file_is_painted_as_what_it_is(what: str, tmp_path: Path) -> None:
    name, save, size, depth, alpha = SOUND[what]
    save(tmp_path / name)
    out = tmp_path / "out"
    assert main(["stylize", str(tmp_path / name), "--style", "ink", "--out", str(out)]) == 0
    (path,) = out.iterdir()
    assert path.suffix == (Path(name).suffix if name not in ("a.gif", "a.bmp") else ".png")
    result = read_picture(path)
    assert result.pixels.shape[:2] == size
    assert result.pixels.dtype == depth
    photo = read_picture(tmp_path / name)
    assert (photo.alpha is not None, result.alpha is not None) == (alpha, alpha)
    assert result.metadata.profile == photo.metadata.profile
    if alpha and path.suffix not in (".avif", ".exr"):
        np.testing.assert_array_equal(result.alpha, photo.alpha)


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_one_sentence(what: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    name, save, sentence = BROKEN[what]
    save(tmp_path / name)
    out = tmp_path / "out"
    assert main(["stylize", str(tmp_path / name), "--style", "ink", "--out", str(out)]) == 2
    (told,) = capfd.readouterr().err.strip().splitlines()
    assert name in told
    assert any(part in told for part in sentence.split("|"))
    assert not out.exists()


def test_an_exr_among_others_can_become_a_png(tmp_path: Path) -> None:
    exr(np.float16, 3)(tmp_path / "a.exr")
    assert main(["stylize", str(tmp_path / "a.exr"), "--style", "ink", "--out", str(tmp_path / "a.png")]) == 0
    with Image.open(io.BytesIO((tmp_path / "a.png").read_bytes())) as image:
        assert image.size == (WIDE, HIGH)
