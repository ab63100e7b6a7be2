"""OpenEXR: light beyond white is shown, painted and brought back."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from numpy.typing import NDArray

from shanshui.errors import ImageError
from shanshui.images.files import read_picture, write_picture
from shanshui.images.picture import DamagedImageError, Picture


def exr(channels: dict[str, Any], path: Path) -> Path:
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, channels).write(str(path))
    return path


def linear_of(path: Path) -> dict[str, NDArray[Any]]:
    return {name: channel.pixels for name, channel in OpenEXR.File(str(path)).channels().items()}


def scene() -> NDArray[np.float32]:
    """From black to a sun of 3000, in other proportions of the colours at each place."""
    brightness = np.geomspace(1e-3, 3000, 20 * 30).reshape(20, 30, 1)
    tints = np.stack(np.meshgrid(np.linspace(0.2, 1, 30), np.linspace(1, 0.3, 20)), axis=2)
    values: NDArray[np.float32] = (brightness * np.dstack([tints, np.full((20, 30), 0.7)])).astype(np.float32)
    return values


def test_an_unchanged_scene_comes_back(tmp_path: Path) -> None:
    picture = read_picture(exr({"RGB": scene()}, tmp_path / "in.exr"))
    assert picture.pixels.dtype == np.uint16
    write_picture(tmp_path / "out.exr", picture)
    result = linear_of(tmp_path / "out.exr")["RGB"]
    assert result.dtype == np.float16
    np.testing.assert_allclose(result, scene(), rtol=0.02, atol=2e-5)


def test_what_is_bright_is_bent_and_what_is_not_stays() -> None:
    dim = np.full((2, 2, 3), 0.5, np.float32)
    stream = io.BytesIO()
    OpenEXR.File({"type": OpenEXR.scanlineimage}, {"RGB": dim}).write(stream)
    picture = read_picture(stream.getvalue())
    assert picture.light is None
    assert abs(int(picture.pixels[0, 0, 0]) - round(0.735357 * 65535)) <= 2  # sRGB of linear 0.5
    bright = dim * np.array([2, 20, 2000], np.float32)
    stream = io.BytesIO()
    OpenEXR.File({"type": OpenEXR.scanlineimage}, {"RGB": bright}).write(stream)
    shown = read_picture(stream.getvalue())
    assert (np.diff(shown.pixels[0, 0].astype(int)) > 0).all()
    assert shown.light is not None
    assert shown.light.min() > 500


def test_white_paint_is_white_in_the_shade_and_bright_in_the_sun(tmp_path: Path) -> None:
    two = np.full((1, 2, 3), 0.2, np.float32)
    two[0, 1] = 50
    photo = read_picture(exr({"RGB": two}, tmp_path / "in.exr"))
    paper = Picture(np.full_like(photo.pixels, 65535), None, photo.metadata, photo.light)
    write_picture(tmp_path / "out.exr", paper)
    result = linear_of(tmp_path / "out.exr")["RGB"].astype(float)
    assert result[0, 0, 0] == pytest.approx(1)
    assert result[0, 1, 0] == pytest.approx(50, rel=0.01)


def test_alpha_is_divided_out_and_multiplied_in(tmp_path: Path) -> None:
    half = np.full((3, 3, 4), 0.25, np.float32)
    half[:, :, 3] = 0.5
    picture = read_picture(exr({"RGBA": half}, tmp_path / "in.exr"))
    assert picture.alpha is not None
    assert picture.alpha[0, 0] == 32768
    assert abs(int(picture.pixels[0, 0, 0]) - round(0.735357 * 65535)) <= 2
    write_picture(tmp_path / "out.exr", picture)
    np.testing.assert_allclose(linear_of(tmp_path / "out.exr")["RGBA"], half, atol=1e-3)


def test_grey_and_eight_bits_and_no_numbers(tmp_path: Path) -> None:
    odd = np.array([[0.5, np.nan, -1, np.inf]], np.float32)
    picture = read_picture(exr({"Y": odd}, tmp_path / "in.exr"))
    assert picture.pixels[0, 1].tolist() == picture.pixels[0, 2].tolist() == [0, 0, 0]
    assert picture.pixels[0, 3].tolist() == [65535] * 3
    write_picture(tmp_path / "out.exr", np.full((2, 2, 3), 255, np.uint8))
    assert (linear_of(tmp_path / "out.exr")["RGB"] == 1).all()


def test_other_channels_and_damage_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="channels Z"):
        read_picture(exr({"Z": np.ones((4, 4), np.float32)}, tmp_path / "depth.exr"))
    whole = exr({"RGB": scene()}, tmp_path / "in.exr").read_bytes()
    for share in (0.02, 0.5, 0.9):
        with pytest.raises(DamagedImageError):
            read_picture(whole[: int(len(whole) * share)])


def test_without_the_package_the_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = exr({"RGB": scene()}, tmp_path / "in.exr")
    monkeypatch.setitem(__import__("sys").modules, "OpenEXR", None)
    with pytest.raises(ImageError, match=r"shanshui\[exr\]"):
        read_picture(path)
