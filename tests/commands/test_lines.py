"""Manifests: lines are appended at once, and one that a crash has torn does not spoil the next."""

import json
from pathlib import Path

import pytest

from shanshui.commands.lines import appending, whole_lines
from shanshui.errors import StorageError

LINES = [{"file": "山.png", "n": 1}, {"file": "half of a pair \udcff.png", "n": 2}]


def test_lines_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "manifest.jsonl"
    assert whole_lines(path) == []
    for line in LINES:
        with appending(path) as append:
            append(line)
            assert whole_lines(path)[-1] == line  # at once
    assert whole_lines(path) == LINES
    assert "山" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("lost", range(1, len(json.dumps(LINES[1])) + 1))
def test_a_torn_line_is_cut_off_and_a_whole_one_is_kept(lost: int, tmp_path: Path) -> None:
    path = tmp_path / "manifest.jsonl"
    with appending(path) as append:
        for line in LINES:
            append(line)
    whole = path.read_bytes()
    path.write_bytes(whole[:-lost])
    kept = LINES if lost == 1 else LINES[:1]  # only the end of the line is missing
    assert whole_lines(path) == kept
    with appending(path) as append:
        for line in LINES[len(kept) :]:
            append(line)
    assert path.read_bytes() == whole


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"), appending(tmp_path):
        pass
