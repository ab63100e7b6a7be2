"""Preparing: one clean archive, a manifest, a reason for every file left out, the same bytes each time."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shanshui.errors import ConfigError, DataError, StorageError
from shanshui.events import Event, Finished, Progress, Started
from shanshui.images.files import read_picture
from shanshui.images.resize import fit_crop
from shanshui.scenes.credits import Credit, read_credits
from shanshui.scenes.prepare import prepare
from shanshui.scenes.sources import open_source

Folder = Callable[[Mapping[str, bytes]], Path]
Photo = Callable[..., bytes]


@pytest.fixture
def mixed(folder: Folder, photo: Photo) -> Path:
    intact = photo(1, 40, 50, "JPEG", quality=95)
    return folder(
        {
            "good.jpg": intact,
            "sub/good 山.png": photo(2, 64, 32),
            "sub/same pixels.png": photo(2, 64, 32, compress_level=1),
            "cut.jpg": intact[: len(intact) // 2],
            "small.png": photo(4, 31, 200),
            "text.jpg": b"Dear diary",
            "notes.txt": b"not even called an image",
        }
    )


def records(archive: Path, name: str) -> list[dict[str, Any]]:
    with zipfile.ZipFile(archive) as opened:
        return [json.loads(line) for line in opened.read(name).decode().splitlines()]


def test_what_is_usable_is_kept_and_the_rest_is_explained(mixed: Path, tmp_path: Path) -> None:
    heard: list[Event] = []
    out = tmp_path / "new" / "out.zip"
    report = prepare(open_source(mixed), out, size=32, licence="CC0", emit=heard.append)

    assert [entry.original for entry in report.entries] == ["good.jpg", "sub/good 山.png"]
    assert {skip.name: skip.kind for skip in report.skipped} == {
        "cut.jpg": "damaged",
        "notes.txt": "not an image",
        "small.png": "too small",
        "sub/same pixels.png": "duplicate",
        "text.jpg": "not an image",
    }
    assert "good 山.png" in next(skip.reason for skip in report.skipped if skip.kind == "duplicate")
    assert "200 x 31" in next(skip.reason for skip in report.skipped if skip.kind == "too small")
    assert records(out, "skipped.jsonl") == report.as_json()["skipped"]
    assert "2 images of 32 x 32" in report.summary()
    assert "not an image: 2" in report.summary()

    manifest = records(out, "manifest.jsonl")
    assert [line["original"] for line in manifest] == ["good.jpg", "sub/good 山.png"]
    assert manifest[0] | {"file": "", "sha256": ""} == {
        "file": "",
        "original": "good.jpg",
        "sha256": "",
        "source": "photos",
        "licence": "CC0",
        "author": "",
        "original_width": 50,
        "original_height": 40,
        "width": 32,
        "height": 32,
    }
    assert manifest[0]["sha256"] == hashlib.sha256((mixed / "good.jpg").read_bytes()).hexdigest()

    assert isinstance(heard[0], Started) and heard[0].total == 6
    assert [event.done for event in heard if isinstance(event, Progress)] == [1, 2, 3, 4, 5, 6]
    assert isinstance(heard[-1], Finished)


def test_the_archive_is_a_data_set_of_centred_squares(mixed: Path, tmp_path: Path) -> None:
    report = prepare(open_source(mixed), tmp_path / "out.zip", size=32)
    source = open_source(tmp_path / "out.zip")
    assert source.names == tuple(sorted(entry.file for entry in report.entries))
    for entry in report.entries:
        kept = read_picture(source.read(entry.file)).pixels
        expected = fit_crop(read_picture(mixed / entry.original).pixels, 32, 32)
        assert kept.shape == (32, 32, 3)
        assert np.abs(kept.astype(int) - expected).mean() < 3


def test_the_same_source_gives_the_same_bytes(mixed: Path, tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        prepare(open_source(mixed), tmp_path / name, size=32)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert str(tmp_path).encode() not in (tmp_path / "a.zip").read_bytes()


def test_credits_come_from_a_table_then_from_the_common_licence(mixed: Path, tmp_path: Path) -> None:
    table = tmp_path / "credits.csv"
    table.write_text("\ufefffile,note,licence,author\ngood 山.png,x, CC BY 4.0 ,Ada L.\n", encoding="utf-8")
    report = prepare(open_source(mixed), tmp_path / "out.zip", size=32, licence="CC0", credits=read_credits(table))
    assert [(entry.licence, entry.author) for entry in report.entries] == [("CC0", ""), ("CC BY 4.0", "Ada L.")]


def test_tables_without_the_columns_or_in_another_encoding_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "credits.csv"
    for content in (b"", b"name,licence\na,b\n", "file,licence\nä.jpg,x\n".encode("latin-1")):
        table.write_bytes(content)
        with pytest.raises(DataError, match=r"credits\.csv"):
            read_credits(table)
    with pytest.raises(DataError, match="readable table"):
        read_credits(tmp_path / "none.csv")
    table.write_text("file,licence\na.jpg\n")
    assert read_credits(table) == {"a.jpg": Credit()}


def test_nothing_usable_writes_nothing(folder: Folder, tmp_path: Path) -> None:
    root = folder({"a.jpg": b"text"})
    out = tmp_path / "out.zip"
    out.write_bytes(b"an older archive")
    with pytest.raises(DataError, match="no image that can be prepared at 32 pixels"):
        prepare(open_source(root), out, size=32)
    assert out.read_bytes() == b"an older archive"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.zip", "photos"]


def test_an_interrupted_run_writes_nothing(mixed: Path, tmp_path: Path) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, Progress) and event.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(open_source(mixed), tmp_path / "out.zip", size=32, emit=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_impossible_outputs_are_refused_before_any_work(mixed: Path, tmp_path: Path) -> None:
    source = open_source(mixed)
    with pytest.raises(ConfigError, match=r"\.zip"):
        prepare(source, tmp_path / "out", size=32)
    with pytest.raises(ConfigError, match="at least 1"):
        prepare(source, tmp_path / "out.zip", size=0)
    (tmp_path / "folder.zip").mkdir()
    with pytest.raises(StorageError, match="is a folder"):
        prepare(source, tmp_path / "folder.zip", size=32)
    prepare(source, tmp_path / "out.zip", size=32)
    with pytest.raises(ConfigError, match="source itself"):
        prepare(open_source(tmp_path / "out.zip" / "images"), tmp_path / "out.zip", size=16)
