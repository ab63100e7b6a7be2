"""Labels and splits, told by folders."""

import zipfile
from pathlib import Path

import pytest

from shanshui.errors import DataError
from shanshui.scenes.base import Source
from shanshui.scenes.labelled import labelled
from shanshui.scenes.sources import open_source


def source_of(folder: Path, *names: str, inside: str = "data") -> Source:
    for name in names:
        (folder / inside / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / inside / name).write_bytes(b"")
    return open_source(folder / inside)


def test_the_first_folder_is_the_label(tmp_path: Path) -> None:
    files = labelled(source_of(tmp_path, "beach/1.png", "beach/deep/2.png", "alp/3.png"))
    assert [(file.name, file.split, file.label) for file in files.train] == [
        ("alp/3.png", None, "alp"),
        ("beach/1.png", None, "beach"),
        ("beach/deep/2.png", None, "beach"),
    ]
    assert files.labels == ("alp", "beach")
    assert not files.held_out


def test_a_folder_train_makes_splits(tmp_path: Path) -> None:
    names = ["Train/beach/1.png", "Train/alp/2.png", "heldout/lake/3.png", "test/4.png"]
    files = labelled(source_of(tmp_path, *names))
    assert [file.name for file in files.train] == ["Train/alp/2.png", "Train/beach/1.png"]
    assert {file.split for file in files.train} == {"Train"}
    assert [(file.name, file.label) for file in files.held_out] == [
        ("heldout/lake/3.png", "lake"),
        ("test/4.png", None),
    ]
    assert files.labels == ("alp", "beach")


def test_files_without_folders_have_no_labels(tmp_path: Path) -> None:
    assert labelled(source_of(tmp_path, "1.png", "2.png")).labels == ()
    assert labelled(source_of(tmp_path, "train/1.png", "val/2.png", inside="split")).labels == ()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["1.png", "beach/2.png"], "1.png in .* has no label, but others have"),
        (["train/1.png", "train/beach/2.png"], "train/1.png in .* has no label"),
        (["test/beach/1.png", "beach/2.png"], "a folder test but no folder train"),
        (["train/beach/1.png", "beach/2.png"], "beach/2.png in .* lies beside the folder train"),
        (["train/beach/1.png", "2.png"], "2.png in .* lies beside the folder train"),
    ],
)
def test_what_is_unclear_is_refused(names: list[str], words: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=words):
        labelled(source_of(tmp_path, *names))


def test_a_held_out_folder_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="held out by its name"):
        labelled(source_of(tmp_path, "beach/1.png", inside="Test"))
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("train/beach/1.png", b"")
        archive.writestr("heldout/beach/2.png", b"")
    assert labelled(open_source(tmp_path / "photos.zip" / "train")).labels == ("beach",)
    with pytest.raises(DataError, match="held out by its name"):
        labelled(open_source(tmp_path / "photos.zip" / "heldout"))
