"""`doctor --data`: what is wrong with a data set is found and named."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from shanshui.cli import main
from shanshui.commands.survey import survey
from shanshui.events import ignore
from shanshui.scenes.sources import open_source


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
    assert main(["doctor", "--data", str(sick), "--trial", "0", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["files"] == 7 and found["usable"] == 3 and found["grey"] == 1
    assert set(found["unreadable"]) == {"f-text.jpg", "g-cut.png"}
    assert found["too_small"] == ["e-small.png"]
    assert found["duplicates"] == {"c-copy.png": "a-good.png"}
    assert found["short_sides"] == {"64-127": 2, "128-255": 1}
    assert set(found["odd"]["grey"]) == {"d-grey.png"} and found["near_duplicates"] == []
    assert found["images"]["b-good.png"]["width"] == 200 and set(found["images"]) == {
        "a-good.png",
        "b-good.png",
        "d-grey.png",
    }
    assert sum(found["spreads"]["brightness"]["counts"].values()) == 3
    assert found["plan"]["subject"] == "style" and found["trial"] is None


def test_a_person_reads_what_to_do(sick: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--data", str(sick), "--trial", "0"]) == 0
    shown = capsys.readouterr().out
    assert "3 of 7" in shown and "f-text.jpg" in shown and "shanshui prepare" in shown


@pytest.fixture
def repeated(tmp_path: Path) -> Path:
    """Two photos in two folders, and a small copy of one of them."""
    folder = tmp_path / "repeated"
    for name in ("coast", "forest"):
        (folder / name).mkdir(parents=True)
    china = Image.fromarray(load_sample_image("china.jpg"))
    china.resize((128, 86)).save(folder / "coast" / "a-small.jpg", quality=60)
    china.save(folder / "coast" / "b-large.png")
    Image.fromarray(load_sample_image("flower.jpg")).save(folder / "forest" / "flower.png")
    return folder


def test_near_duplicates_are_named_with_the_largest_picture_first(
    repeated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--data", str(repeated), "--trial", "0"]) == 0
    shown = capsys.readouterr().out
    assert "coast/b-large.png, coast/a-small.jpg" in shown and "--near-duplicates drop" in shown
    found = survey(open_source(repeated), ignore)
    assert (found.usable, found.worth, found.labels) == (3, 2, {"coast": 2, "forest": 1})


def test_prepare_keeps_one_of_near_duplicates_if_asked(
    repeated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["prepare", str(repeated), str(tmp_path / "out.zip"), "--size", "64", "--json"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 3
    assert main([*command, "--near-duplicates", "drop"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["images"] == 2
    assert [(skip["name"], skip["kind"]) for skip in report["skipped"]] == [("coast/a-small.jpg", "near-duplicate")]
    assert "coast/b-large.png" in report["skipped"][0]["reason"]


def test_folders_of_a_split_data_set_are_no_labels(repeated: Path) -> None:
    (repeated / "coast").rename(repeated / "train")
    found = survey(open_source(repeated), ignore)
    assert found.labels == {} and found.folders == {"forest": 1, "train": 2}
    assert survey(open_source(repeated / "train"), ignore).folders == {}


def test_a_data_set_without_a_usable_file_is_described_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.jpg").write_text("no photo")
    assert main(["doctor", "--data", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "0 of 1" in shown and "no file can be used" in shown
