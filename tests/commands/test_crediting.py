"""Pictures of the commands say how they were made, and `doctor` reads it."""

import json
from pathlib import Path

import pytest

from shanshui.cli import main
from shanshui.images.credentials import credentials_in
from shanshui.images.files import read_picture


def test_a_painting_says_how_it_was_made_and_doctor_reads_it(
    photo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "ink.png"
    assert main(["stylize", str(photo), "--style", "ink", "--strength", "0.7", "--out", str(out)]) == 0
    capfd.readouterr()
    assert main(["doctor", str(out), "--json"]) == 0
    told = json.loads(capfd.readouterr().out)[str(out)]
    assert told["ai_generated"] is True
    assert (told["model"], told["settings"]) == ("painter", {"style": ["ink"], "strength": 0.7})
    assert told["digital_source_type"] == "compositeWithTrainedAlgorithmicMedia"


def test_scenes_out_of_noise_name_their_seed(tmp_path: Path) -> None:
    assert main(["generate", "--seed", "5", "--out", str(tmp_path)]) == 0
    told = credentials_in(read_picture(tmp_path / "scene-5-0000.png").metadata)
    assert told is not None
    assert told["digital_source_type"] == "trainedAlgorithmicMedia"
    assert told["settings"]["seed"] == 5


def test_they_are_left_out_on_request(photo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "ink.png"
    assert main(["stylize", str(photo), "--style", "ink", "--no-credentials", "--out", str(out)]) == 0
    assert read_picture(out).metadata.xmp is None
    capfd.readouterr()
    assert main(["doctor", str(out)]) == 0
    assert "no credentials of Shanshui" in capfd.readouterr().out
