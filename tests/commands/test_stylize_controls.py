"""`shanshui stylize` with everything but a style: sheets, masks, regions, colours, strokes, models chosen by style."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shanshui.cli import main
from shanshui.commands.wishes import parse_region
from shanshui.errors import ConfigError
from shanshui.images.files import read_picture


def painted(photo: Path, out: Path, *flags: object) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    assert main(["stylize", str(photo), *map(str, flags), "--out", str(out)]) == 0
    return read_picture(out).pixels.astype(np.uint8)


def test_a_contact_sheet_has_the_photo_and_every_style(photo: Path, tmp_path: Path) -> None:
    sheet = painted(photo, tmp_path / "sheet.png", "--contact-sheet")
    rows, columns = sheet.shape[:2]
    assert columns == 3 * 360  # photo, ink and monet
    assert rows > 280  # 360 wide cells of a photo of 90 x 70, and captions


def test_styles_are_listed_and_shown(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["stylize", "--list-styles", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["styles"] == ["ink", "monet"]
    assert read_picture(tmp_path / told["sheet"]).width == 3 * 360
    assert main(["stylize", str(photo), "--list-styles"]) == 0
    assert capfd.readouterr().out.splitlines()[:2] == ["ink", "monet"]


def test_a_mask_and_a_region_from_files(photo: Path, tmp_path: Path) -> None:
    left = np.zeros((70, 90), np.uint8)
    left[:, :45] = 255
    Image.fromarray(left).save(tmp_path / "left.png")
    before, ink, monet = (
        read_picture(photo).pixels,
        *(painted(photo, tmp_path / f"{style}.png", "--style", style) for style in ("ink", "monet")),
    )
    masked = painted(photo, tmp_path / "masked.png", "--style", "ink", "--mask", tmp_path / "left.png")
    np.testing.assert_array_equal(masked[:, :45], ink[:, :45])
    np.testing.assert_array_equal(masked[:, 45:], before[:, 45:])
    region = f"{tmp_path / 'left.png'}=monet"
    both = painted(photo, tmp_path / "both.png", "--style", "ink", "--region", region)
    np.testing.assert_array_equal(both[:, :45], monet[:, :45])
    np.testing.assert_array_equal(both[:, 45:], ink[:, 45:])


def test_zones_are_found_in_the_photo(photo: Path, tmp_path: Path) -> None:
    whole = painted(photo, tmp_path / "whole.png", "--style", "ink")
    zoned = painted(photo, tmp_path / "zoned.png", "--style", "ink", "--region", "sky=monet", "--region", "built=ink:0")
    assert (zoned != whole).any()


def test_colours_can_be_kept_in_two_ways(photo: Path, tmp_path: Path) -> None:
    kept, matched = (
        painted(photo, tmp_path / f"{flag}.png", "--style", "ink", flag) for flag in ("--keep-colors", "--match-colors")
    )
    assert (kept != matched).any()


def test_strokes_and_skies_are_choices(photo: Path, tmp_path: Path) -> None:
    usual = painted(photo, tmp_path / "usual.png", "--style", "ink")
    assert (painted(photo, tmp_path / "broad.png", "--style", "ink", "--stroke-scale", 2) != usual).any()
    assert painted(photo, tmp_path / "free.png", "--style", "ink", "--no-flat-skies").shape == usual.shape


def test_edges_join_and_little_memory_is_enough(photo: Path, tmp_path: Path) -> None:
    usual = painted(photo, tmp_path / "usual.png", "--style", "ink").astype(int)
    joined = painted(photo, tmp_path / "joined.png", "--style", "ink", "--wrap", "both")
    assert (joined != usual).any()
    little = painted(photo, tmp_path / "little.png", "--style", "ink", "--max-memory", 0)
    assert np.abs(little - usual).mean() < 1


def test_a_painting_is_a_style_alone_in_a_blend_and_in_a_region(photo: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    for name, low in (("dark", 0), ("light", 200)):
        Image.fromarray(random.integers(low, low + 50, (40, 30, 3), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    dark, light = (str(tmp_path / f"{name}.png") for name in ("dark", "light"))
    alone = painted(photo, tmp_path / "a.png", "--style", dark)
    assert alone.shape == (70, 90, 3)
    assert (alone != painted(photo, tmp_path / "b.png", "--style", light)).any()
    blend = painted(photo, tmp_path / "c.png", "--style", f"{dark}:1", "--style", f"{light}:0")
    np.testing.assert_array_equal(blend, alone)
    half = np.full((70, 90), 255, np.uint8)
    half[35:] = 0
    Image.fromarray(half).save(tmp_path / "half.png")
    both = painted(photo, tmp_path / "d.png", "--style", dark, "--region", f"{tmp_path / 'half.png'}={light}")
    np.testing.assert_array_equal(both[36:], alone[36:])
    assert (both[:34] != alone[:34]).any()


@pytest.mark.parametrize(
    ("text", "part"),
    [("sky", "WHERE=STYLE"), ("=ink", "WHERE=STYLE"), ("moon=ink", "nowhere"), ("sky=ink:much", "0.5")],
)
def test_a_region_that_cannot_be_read_is_refused(text: str, part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        parse_region(text)


def test_a_painting_whose_name_has_a_colon_is_one_style() -> None:
    region = parse_region("sky=scans/monet:1872.jpg")
    assert (region.where, region.style, region.strength) == ("sky", "scans/monet:1872.jpg", None)
    assert parse_region("sky=scans/monet:1872.jpg:0.5").strength == 0.5


def test_a_picture_is_optimised_and_shown_on_the_way(photo: Path, tmp_path: Path) -> None:
    painting = tmp_path / "red.png"
    Image.new("RGB", (80, 60), (200, 40, 30)).save(painting)
    quick = ("--gatys.rounds", "10", "--gatys.smallest", "70", "--gatys.painting-side", "64")
    flags = ("--model", "gatys", "--style", painting, *quick, "--progress", tmp_path / "way")
    before, after = read_picture(photo).pixels.astype(float), painted(photo, tmp_path / "out.png", *flags).astype(float)
    redness = [(pixels[..., 0] - pixels[..., 2]).mean() for pixels in (before, after)]
    assert after.shape == before.shape
    assert redness[1] > redness[0] + 10
    assert [path.name for path in (tmp_path / "way").iterdir()] == ["001-00010.png"]
