"""`doctor --data`: what is wrong with a data set is found and named."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shanshui.cli import main


def noise(height: int, width: int, seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8))


@pytest.fixture
def sick(tmp_path: Path) -> Path:
    """Two good photos, and one of each kind of trouble."""
    folder = tmp_path / "sick"
    folder.mkdir()
    noise(70, 90, 1).save(folder / "a-good.png")
    noise(300, 200, 2).save(folder / "b-good.png")
    (folder / "c-copy.png").write_bytes((folder / "a-good.png").read_bytes())
    noise(70, 70, 3).convert("L").save(folder / "d-grey.png")
    noise(8, 200, 4).save(folder / "e-small.png")
    (folder / "f-text.jpg").write_text("I am not a photo")
    (folder / "g-cut.png").write_bytes((folder / "b-good.png").read_bytes()[:2000])
    return folder


def test_each_trouble_is_counted_and_named(sick: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--data", str(sick), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["files"] == 7 and found["usable"] == 3 and found["grey"] == 1
    assert set(found["unreadable"]) == {"f-text.jpg", "g-cut.png"}
    assert found["too_small"] == ["e-small.png"]
    assert found["duplicates"] == {"c-copy.png": "a-good.png"}
    assert found["short_sides"] == {"64-127": 2, "128-255": 1}


def test_a_person_reads_what_to_do(sick: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--data", str(sick)]) == 0
    shown = capsys.readouterr().out
    assert "3 of 7" in shown and "f-text.jpg" in shown and "shanshui prepare" in shown
