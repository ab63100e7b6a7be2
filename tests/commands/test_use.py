"""`shanshui generate`, `stylize`, `evaluate` and `models` on the way that they are meant to be used."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from shanshui.cli import main
from shanshui.images.files import read_picture
from shanshui.images.resize import enlarge, enlarge_ring


def test_scenes_are_a_function_of_the_seed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    flags = ["--count", "3", "--seed", "5"]
    assert main(["generate", *flags, "--grid", "2", "--out", str(tmp_path / "a"), "--json"]) == 0
    files = [Path(name) for name in json.loads(capfd.readouterr().out)["files"]]
    assert [file.name for file in files] == ["scene-5-0000.png", "scene-5-0001.png", "scene-5-0002.png", "grid.png"]
    assert read_picture(files[-1]).pixels.shape == (64, 64, 3)
    assert main(["generate", *flags, "--out", str(tmp_path / "b")]) == 0
    first, again = (read_picture(tmp_path / folder / "scene-5-0002.png") for folder in ("a", "b"))
    assert np.array_equal(first.pixels, again.pixels)
    assert first.metadata == again.metadata


def test_size_and_enlargement_multiply(tmp_path: Path) -> None:
    flags = ["--size", "96x32", "--enlarge", "3", "--format", "webp"]
    assert main(["generate", *flags, "--out", str(tmp_path)]) == 0
    assert read_picture(tmp_path / "scene-0-0000.webp").pixels.shape == (96, 288, 3)


def test_turning_a_wrapped_scene_before_or_after_it_is_enlarged_is_the_same(tmp_path: Path) -> None:
    flags = ["--wrap", "--size", "64x32", "--seed", "3"]
    for times in (1, 3):
        assert main(["generate", *flags, "--enlarge", str(times), "--out", str(tmp_path / str(times))]) == 0
    small, large = (read_picture(tmp_path / times / "scene-3-0000.png").pixels for times in ("1", "3"))
    assert small.shape == (32, 64, 3)
    assert np.array_equal(np.roll(large, 60, axis=1), enlarge_ring(np.roll(small, 20, axis=1), 3))
    assert not np.array_equal(np.roll(large, 60, axis=1), enlarge(np.roll(small, 20, axis=1), 3))


def test_a_blend_is_painted_beside_its_photo(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["stylize", str(photo), "--style", "ink:3", "--style", "monet:1", "--keep-colors"]) == 0
    assert read_picture(tmp_path / "photo-ink-monet.png").pixels.shape == (70, 90, 3)


def test_photos_in_an_archive_are_painted_into_a_folder(photo: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.write(photo, "train/a.png")
        archive.write(photo, "train/deep/b.png")
    inputs = str(tmp_path / "photos.zip" / "train")
    assert main(["stylize", inputs, "--style", "ink", "--out", str(tmp_path / "out")]) == 0
    found = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png"))
    assert found == ["a-ink.png", "deep/b-ink.png"]


def test_no_strength_leaves_the_photo_as_it_is(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    assert main(["stylize", str(photo), "--style", "ink", "--strength", "0", "--out", str(out)]) == 0
    assert np.array_equal(read_picture(out).pixels, read_picture(photo).pixels)


def test_models_lists_what_ships_and_shows_a_card(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    models = json.loads(capfd.readouterr().out)["models"]
    assert [(model["name"], model["role"]) for model in models[:2]] == [
        ("landscape", "scene generator"),
        ("painter", "stylizer"),
    ]
    assert main(["models", "painter"]) == 0
    assert "A card." in capfd.readouterr().out
    assert main(["models", "landscape"]) == 0
    assert "licence: none" in capfd.readouterr().out


def test_doctor_says_what_the_machine_can_do(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    machine = json.loads(capfd.readouterr().out)
    assert machine["encoder weights"] == {"VGG-19": "intact", "EfficientNet-Lite1": "intact"}
    assert machine["models that ship"] == ["landscape", "painter", "painter-any", "zones"]
