"""The demonstration: a page whose every picture is made by the command below it."""

import html
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shanshui.cli import main
from shanshui.images.files import read_picture


def pictures(page: Path) -> list[Path]:
    return [page.parent / html.unescape(name) for name in re.findall(r'<img src="([^"]+)"', page.read_text("utf-8"))]


def commands(page: Path) -> list[str]:
    marked = re.findall(r"<figcaption>.*<code>(.*)</code>", page.read_text("utf-8"))
    return [html.unescape(re.sub(r"</?span>", "", text)) for text in marked]


def test_the_commands_on_the_page_make_its_pictures(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "shown" / "index.html"
    assert main(["demo", "--out", str(page.parent), "--json"]) == 0, capfd.readouterr().err
    assert json.loads(capfd.readouterr().out) == {"page": str(page), "pictures": len(pictures(page))}
    shown = {path: read_picture(path) for path in pictures(page)}
    assert len(commands(page)) == len(pictures(page))
    for path in shown:
        path.unlink(missing_ok=True)
    for command in dict.fromkeys(commands(page)):
        program, *arguments = shlex.split(command)
        assert program == "shanshui" and main(arguments) == 0
    for path in pictures(page):
        again = read_picture(path)
        assert np.array_equal(again.pixels, shown[path].pixels) and again.metadata == shown[path].metadata


def test_a_photo_of_ones_own_is_shown_reduced_and_left_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    photo = tmp_path / "my photo.png"
    Image.fromarray(np.full((20, 1600, 3), 90, np.uint8)).save(photo)
    before = photo.read_bytes()
    out = tmp_path / "shown"
    for _ in range(2):  # again over its own files
        assert main(["demo", str(photo), "--out", str(out)]) == 0, capfd.readouterr().err
    assert photo.read_bytes() == before
    assert read_picture(out / "photo" / "my photo.jpg").pixels.shape == (13, 1024, 3)
    assert "my photo.png" in (out / "index.html").read_text("utf-8")
