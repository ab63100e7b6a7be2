"""`shanshui edit` on the way that it is meant to be used."""

import json
from pathlib import Path

import numpy as np
import pytest

from shanshui.cli import main
from shanshui.images.files import read_picture

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHANSHUI_CACHE", str(tmp_path / "cache"))


def test_scenes_are_edited_and_their_codes_are_scenes_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    wishes = ["--control", "brighter=0.5", "--direction", "sefa:1=-1"]
    assert main(["edit", "--seed", "7", "--count", "2", *wishes, "--codes", "--out", str(out), "--json"]) == 0
    answer = json.loads(capfd.readouterr().out)
    names = ["edited-0000.png", "edited-0000.safetensors", "edited-0001.png", "edited-0001.safetensors", "sheet.png"]
    assert [Path(name).name for name in answer["files"]] == names
    assert "brightness" in answer["moved"][0]
    assert read_picture(out / "sheet.png").pixels.shape == (64, 64, 3)
    edited = str(out / "edited-0001.safetensors")
    assert main(["edit", "--scenes", edited, "--direction", "sefa:1=0", "--out", str(tmp_path / "again")]) == 0
    again, before = (read_picture(path) for path in (tmp_path / "again" / "edited-0000.png", out / "edited-0001.png"))
    np.testing.assert_array_equal(again.pixels, before.pixels)


def test_a_sweep_has_a_column_for_each_strength(tmp_path: Path) -> None:
    flags = ["--count", "2", "--control", "darker", "--strengths", "-0.5", "0", "0.5"]
    assert main(["edit", *flags, "--out", str(tmp_path)]) == 0
    assert read_picture(tmp_path / "sheet.png").pixels.shape == (64, 96, 3)


def test_the_list_says_what_controls_measure(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["edit", "--list", "--json"]) == 0
    controls = json.loads(capfd.readouterr().out)["controls"]
    assert {"brighter", "warmer", "higher-horizon", "more-green", "more-contrast", "more-cloud"} <= {
        control["name"] for control in controls
    }


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["--control", "brighter"],
        ["--control", "brighter=much"],
        ["--control", "brighter=1", "--control", "brighter=2"],
        ["--control", "nicer=1"],
        ["--control", "brighter=1", "--strengths", "0", "1"],
        ["--direction", "sefa:8=1"],
        ["--direction", "sefa:0=1", "--layers", "3-1"],
        ["--direction", "sefa:0=1", "--layers", "0-1"],
        ["--control", "brighter=1", "--count", "0"],
    ],
)
def test_mistakes_are_one_sentence(flags: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["edit", *flags, "--out", str(tmp_path / "out")]) == 2
    assert capfd.readouterr().err.strip().count("\n") == 0
    assert not (tmp_path / "out").exists()
