"""`shanshui augment`: labels, splits and the manifest are kept, held-out files are left alone, and work goes on."""

import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from shanshui.checkpoints.weights import save_snapshot
from shanshui.cli import main
from shanshui.commands import augmenting
from shanshui.images.credentials import credentials_in
from shanshui.images.files import read_picture
from shanshui.networks.composer import ComposerConfig
from shanshui.networks.generators.r3gan import R3GAN, R3GANConfig
from shanshui.networks.joint import JointConfig, JointPipeline
from shanshui.networks.stylizers.feedforward import FeedForwardConfig

NOT_DECODABLE = b"whoever decodes this has touched a held-out file"


def write(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)).save(path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three photos with two labels to learn from, and one held-out file."""
    folder = tmp_path / "data"
    for number, name in enumerate(("beach/1.png", "beach/2.jpg", "alp/3.png")):
        write(folder / "train" / name, number)
    (folder / "heldout" / "beach").mkdir(parents=True)
    (folder / "heldout" / "beach" / "9.jpg").write_bytes(NOT_DECODABLE)
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]


def augment(source: Path, out: Path, *flags: str) -> dict[str, bytes]:
    assert main(["augment", str(source), str(out), "--times", "3", *flags]) == 0
    return tree(out)


def test_labels_splits_and_originals_are_kept(data: Path, tmp_path: Path) -> None:
    before = tree(data)
    made = augment(data, tmp_path / "out")
    assert tree(data) == before
    assert {name: made[name] for name in before} == before
    folders = Counter(name.rpartition("/")[0] for name in made)
    assert folders == {"train/beach": 6, "train/alp": 3, "heldout/beach": 1, "": 1}
    assert {name.rpartition(".")[2] for name in made if name.startswith("train/beach/2")} == {"jpg"}


def test_the_manifest_tells_where_each_file_comes_from(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = augment(data, out, "--strength", "0.4", "0.6", "--style", "ink", "--seed", "5")
    entries = {line["file"]: line for line in lines(out)}
    assert set(entries) == set(made) - {"manifest.jsonl"}
    for file, entry in entries.items():
        split, label, _ = file.split("/")
        assert (entry["split"], entry["label"]) == (split, label)
        assert entry["source"].startswith(f"{split}/{label}/")
        assert entry["kind"] == ("original" if file == entry["source"] else "stylised")
        if entry["kind"] == "stylised":
            assert (entry["model"], entry["style"]) == ("painter", "ink")
            assert 0.4 <= entry["strength"] <= 0.6
            credentials = credentials_in(read_picture(out / file).metadata)
            assert credentials is not None
            assert credentials["settings"] == {name: entry[name] for name in ("seed", "style", "strength")}


def test_nothing_is_learned_from_what_is_held_out(
    data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made = augment(data, tmp_path / "out")
    assert "left out" not in capfd.readouterr().err  # it was not decoded
    (data / "heldout" / "beach" / "9.jpg").write_bytes(b"other")
    write(data / "heldout" / "alp" / "8.png", 8)
    other = augment(data, tmp_path / "other")
    for name in made:
        if name.startswith("train/"):
            assert other[name] == made[name]
    held_out = {name for name in other if name.startswith("heldout/")}
    assert held_out == {"heldout/beach/9.jpg", "heldout/alp/8.png"}
    assert all(line["kind"] == "original" for line in lines(tmp_path / "other") if line["split"] == "heldout")


def test_the_same_seed_gives_the_same_files(data: Path, tmp_path: Path) -> None:
    made = augment(data, tmp_path / "a", "--seed", "3")
    assert augment(data, tmp_path / "b", "--seed", "3") == made
    assert augment(data, tmp_path / "c", "--seed", "4") != made


def test_an_archive_gives_what_its_folder_gives(data: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        for name, content in tree(data).items():
            archive.writestr(name, content)
        archive.writestr("train/../../escaped.png", b"")
    made = augment(data, tmp_path / "a")
    packed = augment(tmp_path / "data.zip", tmp_path / "b")
    assert {name for name in packed if packed[name] != made[name]} == {"manifest.jsonl"}  # for its fingerprints
    assert not (tmp_path / "escaped.png").exists()


@pytest.mark.parametrize("survivors", range(10))
def test_killed_work_goes_on_and_ends_as_if_nothing_had_happened(
    survivors: int, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while writing file number `survivors`, and the line of the file before it torn."""
    whole, out = augment(data, tmp_path / "whole"), tmp_path / "out"
    with monkeypatch.context() as patch:
        for name in ("write_picture", "atomic_write_bytes"):
            patch.setattr(augmenting, name, killed_after(survivors, getattr(augmenting, name), out))
        assert main(["augment", str(data), str(out), "--times", "3"]) == 130
    manifest = out / "manifest.jsonl"
    assert len(tree(out)) == survivors + 1
    manifest.write_bytes(manifest.read_bytes()[:-5])
    assert augment(data, out) == whole
    assert (out / "manifest.jsonl").read_bytes() == whole["manifest.jsonl"]


def killed_after(survivors: int, write: Any, out: Path) -> Any:
    def killed(*arguments: Any) -> None:
        if len(tree(out)) > survivors:
            raise KeyboardInterrupt
        write(*arguments)

    return killed


def test_what_is_there_is_not_made_again(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    augment(data, out)
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*.*") if path.name != "manifest.jsonl"}
    gone = out / "train" / "alp" / "3-stylised1.png"
    gone.unlink()
    assert main(["augment", str(data), str(out), "--times", "4"]) == 0
    assert gone.exists()
    assert all(path.stat().st_mtime_ns == time for path, time in times.items() if path != gone)
    assert len(lines(out)) == 1 + 3 * 4
    assert {name for name, content in augment(data, tmp_path / "new", "--times", "4").items() if name} == set(tree(out))


def test_other_photos_or_options_do_not_mix(data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    made = augment(data, out)
    for flags in (["--seed", "1"], ["--style", "ink"], ["--times", "2"], ["--keep-colors"]):
        assert main(["augment", str(data), str(out), "--times", "3", *flags]) == 2
        assert "begun from other photos or with other options" in capfd.readouterr().err
    write(data / "train" / "beach" / "1.png", 77)
    assert main(["augment", str(data), str(out), "--times", "3"]) == 2
    assert tree(out) == made


def test_a_photo_that_cannot_be_read_is_left_out(data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (data / "train" / "alp" / "3.png").write_bytes(b"no picture")
    capfd.readouterr()
    made = augment(data, tmp_path / "out", "--json")
    captured = capfd.readouterr()
    assert "3.png" in captured.err and "left out" in captured.err
    told = json.loads(captured.out)
    assert told["left_out"] == ["train/alp/3.png"]
    assert told["kinds"] == {"original": 2, "stylised": 4}
    assert not any(name.startswith("train/alp") for name in made)
    for name in ("1.png", "2.jpg"):
        (data / "train" / "beach" / name).write_bytes(b"")
    assert main(["augment", str(data), str(tmp_path / "none"), "--times", "2"]) == 2


def test_names_never_collide(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    augment(data, out)
    write(data / "train" / "alp" / "3.gif", 11)
    write(data / "train" / "alp" / "3-stylised1.png", 12)
    augment(data, tmp_path / "again")
    entries = lines(tmp_path / "again")
    assert len({entry["file"] for entry in entries}) == len(entries) == 1 + 5 * 3
    assert all((tmp_path / "again" / entry["file"]).exists() for entry in entries)
    augment(out, tmp_path / "twice")  # what is augmented is a data set
    assert Counter(line["kind"] for line in lines(tmp_path / "twice")) == {"original": 10, "stylised": 18}


@pytest.fixture
def composer(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    stylizer = FeedForwardConfig(styles=("ink", "oil"), width=8, blocks=1, deep_width=8, deep_blocks=1)
    joint = JointConfig(stylizer=stylizer, composer=ComposerConfig(width=8, widest=16, latent=4, style=8))
    save_snapshot(tmp_path / "composer.safetensors", JointPipeline(joint), {})
    return tmp_path / "composer.safetensors"


def test_kinds_take_turns(data: Path, composer: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    scenes = tmp_path / "scenes.safetensors"
    save_snapshot(scenes, R3GAN(R3GANConfig(width=4, group=4, latent=8, doublings=3, labels=2)), {})
    out = tmp_path / "out"
    models = ["--composer", str(composer), "--generator", str(scenes), "--naturalness", "0.5", "0.5"]
    augment(data, out, "--times", "4", "--with", "styles", "composed", "generated", *models)
    entries = lines(out)
    for source in {entry["source"] for entry in entries if entry["split"] == "train"}:
        kinds = Counter(entry["kind"] for entry in entries if entry["source"] == source)
        assert kinds == {"original": 1, "stylised": 1, "composed": 1, "generated": 1}
    assert {entry["naturalness"] for entry in entries if entry["kind"] == "composed"} == {0.5}
    for entry in entries:
        if entry["kind"] == "generated":
            assert read_picture(out / entry["file"]).pixels.shape == (32, 32, 3)


def test_what_cannot_be_is_one_sentence(data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").write_text("mine")
    for arguments, words in (
        ([data, out, "--with", "generated"], "landscape was told no labels and the photos have 2"),
        ([data, out, "--with", "styles", "styles"], "a kind twice"),
        ([data, out, "--style", "baroque"], "no style 'baroque'"),
        ([data, out, "--strength", "0.9", "0.1"], "no range"),
        ([data, out, "--times", "0"], "--times is 0"),
        ([data, out, "--seed", "-1"], "seed -1"),
        ([data, data / "more"], "lie inside each other"),
        ([data / "train", data.parent], "lie inside each other"),
        ([data, tmp_path / "full"], "holds no manifest.jsonl"),
        ([data / "heldout", out], "held out by its name"),
        ([tmp_path / "nowhere", out], "does not exist"),
    ):
        flags = [] if "--times" in arguments else ["--times", "2"]
        capfd.readouterr()
        assert main(["augment", *map(str, arguments), *flags]) == 2
        error = capfd.readouterr().err
        assert words in error and len(error.splitlines()) == 1, error
    assert not out.exists()
    assert sorted(path.name for path in (tmp_path / "full").iterdir()) == ["note.txt"]


def test_unlabelled_photos_may_be_generated(data: Path, tmp_path: Path) -> None:
    for name in ("1.png", "2.jpg"):
        (data / "train" / "beach" / name).rename(data / "train" / name)
    (data / "train" / "alp" / "3.png").unlink()
    out = tmp_path / "out"
    augment(data, out, "--with", "generated")
    kinds = Counter((entry["kind"], entry["label"]) for entry in lines(out) if entry["split"] == "train")
    assert kinds == {("original", None): 2, ("generated", None): 4}
