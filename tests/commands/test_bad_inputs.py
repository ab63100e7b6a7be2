"""What people really type and feed: each is handled, or refused in one sentence, and nothing is left half-written."""

import os
import struct
import subprocess
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from shanshui.cli import main
from shanshui.images.files import read_picture

NOBODY = 65534


def contents(folder: Path) -> dict[Path, int]:
    """Every file and folder below, with sizes."""
    return {path: path.stat().st_size for path in folder.rglob("*")}


@pytest.fixture
def refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command that must end with exit code 2 and one sentence, which is returned, and must leave no trace."""

    def run(*arguments: object, watched: Path = tmp_path) -> str:
        capfd.readouterr()
        before = contents(watched)
        code = main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        assert code == 2, captured.err
        assert len(captured.err.splitlines()) == 1 and captured.err.rstrip().endswith((".", "'", ")")), captured.err
        assert captured.out == ""
        assert contents(watched) == before
        return captured.err

    return run


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header promises this size and whose data ends at once."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


# --- photos that cannot be read


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text.jpg", b"Dear photo, how are you?"),
        ("empty.jpg", b""),
        ("bomb.png", png_of(60_000, 60_000)),
        ("cut.png", png_of(64, 64)),
    ],
)
def test_what_is_no_photo(name: str, content: bytes, tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / name).write_bytes(content)
    assert name in refused("stylize", tmp_path / name, "--style", "ink", "--out", tmp_path / "out.png")


def test_a_truncated_jpeg(photo: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    whole, cut = tmp_path / "whole.jpg", tmp_path / "cut.jpg"
    Image.fromarray(read_picture(photo).pixels).save(whole)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert "cut.jpg" in refused("stylize", cut, "--style", "ink", "--out", tmp_path / "out.png")


def test_a_photo_that_is_not_there(tmp_path: Path, refused: Callable[..., str]) -> None:
    assert "nowhere.jpg" in refused("stylize", tmp_path / "nowhere.jpg", "--style", "ink")


def test_no_photo_at_all(refused: Callable[..., str]) -> None:
    assert "No photo" in refused("stylize", "--style", "ink")


def test_one_bad_photo_does_not_spoil_the_others(
    photo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.jpg").write_text("no photo")
    out = tmp_path / "out"
    assert main(["stylize", str(tmp_path / "text.jpg"), str(photo), "--style", "ink", "--out", str(out)]) == 2
    assert [path.name for path in out.iterdir()] == ["photo-ink.png"]
    assert "1 of 2 photos" in capfd.readouterr().err


# --- unusual photos that are handled


@pytest.mark.parametrize(
    "kind", ["one-pixel.png", "cmyk.jpg", "grey16.png", "animated.gif", "palette.png", "alpha.webp"]
)
def test_an_unusual_photo_is_painted_at_its_size(kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / kind
    noise = np.random.default_rng(1).integers(0, 255, (20, 30, 4), dtype=np.uint8)
    if kind == "one-pixel.png":
        Image.new("RGB", (1, 1), (9, 9, 9)).save(path)
    elif kind == "cmyk.jpg":
        Image.fromarray(noise[..., :3]).convert("CMYK").save(path)
    elif kind == "grey16.png":
        Image.fromarray(noise[..., 0].astype(np.uint16) * 257).save(path)
    elif kind == "animated.gif":
        frames = [Image.fromarray(np.full((20, 30, 3), level, np.uint8)) for level in (10, 200)]
        frames[0].save(path, save_all=True, append_images=frames[1:])
    elif kind == "palette.png":
        Image.fromarray(noise[..., :3]).quantize(16).save(path)
    else:
        Image.fromarray(noise).save(path)
    out = tmp_path / "out.png"
    assert main(["stylize", str(path), "--style", "ink", "--out", str(out)]) == 0, capfd.readouterr().err
    assert read_picture(out).pixels.shape == read_picture(path).pixels.shape
    assert sorted(tmp_path.iterdir()) == sorted([path, out])


# --- data sets


def test_an_empty_folder(tmp_path: Path, refused: Callable[..., str]) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for arguments in (
        ("prepare", empty, tmp_path / "out.zip"),
        ("doctor", "--data", empty),
        ("stylize", empty, "--style", "ink"),
        ("evaluate", "--real", empty, "--model", "landscape"),
        ("train", "scene", "--recipe", "landscape-128", "--data", empty, "--run", tmp_path / "run"),
    ):
        assert "empty" in refused(*arguments)


def test_a_zip_that_is_none(tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "photos.zip").write_bytes(b"PK\x03\x04 but no archive")
    assert "photos.zip" in refused("prepare", tmp_path / "photos.zip", tmp_path / "out.zip")
    assert "photos.zip" in refused("doctor", "--data", tmp_path / "photos.zip")


def test_a_folder_that_the_archive_does_not_have(photo: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.write(photo, "train/photo.png")
    assert "test" in refused("doctor", "--data", tmp_path / "photos.zip" / "test")


def test_only_unusable_images(tmp_path: Path, refused: Callable[..., str]) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.jpg").write_text("no photo")
    assert refused("prepare", folder, tmp_path / "out.zip")


# --- models


def test_a_model_that_nobody_has(photo: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    for arguments in (
        ("generate", "--model", "seascape", "--out", tmp_path / "out"),
        ("models", "seascape"),
        ("evaluate", "--real", photo, "--model", "seascape"),
    ):
        assert "seascape" in refused(*arguments)


def foreign(path: Path) -> None:
    save_file({"weight": torch.zeros(2)}, path)


def pickled(path: Path) -> None:
    torch.save({"weight": torch.zeros(2)}, path)


def text(path: Path) -> None:
    path.write_text("weights, honestly")


@pytest.mark.parametrize("make", [foreign, pickled, text], ids=lambda make: make.__name__)
def test_a_file_that_is_no_snapshot(
    make: Callable[[Path], None], photo: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    path = tmp_path / "model.safetensors"
    make(path)
    assert "model.safetensors" in refused("generate", "--model", path, "--out", tmp_path / "out")
    assert "model.safetensors" in refused("stylize", photo, "--model", path, "--style", "ink")
    assert "model.safetensors" in refused("models", path)


@pytest.mark.parametrize("kept", [0, 5, 100, -1])
def test_a_truncated_snapshot(kept: int, zoo: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    path = tmp_path / "cut.safetensors"
    path.write_bytes((zoo / "landscape.safetensors").read_bytes()[:kept])
    assert "cut.safetensors" in refused("generate", "--model", path, "--out", tmp_path / "out")


def test_a_model_of_the_other_kind(photo: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    refused("generate", "--model", "painter", "--out", tmp_path / "out")
    refused("stylize", photo, "--model", "landscape", "--style", "ink", "--out", tmp_path / "out.png")


# --- options


@pytest.mark.parametrize(
    "style", [("cubism",), (), ("ink:0", "monet:0"), ("ink:-1",), ("ink:much",), ("ink:0.5", "monet"), ("ink", "ink")]
)
def test_a_style_that_cannot_be(
    style: tuple[str, ...], photo: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    flags = [part for name in style for part in ("--style", name)]
    refused("stylize", photo, *flags, "--out", tmp_path / "out.png")


@pytest.mark.parametrize(
    "flags",
    [
        ("--keep-colors", "--match-colors"),
        ("--stroke-scale", "9"),
        ("--mask", "nowhere.png"),
        ("--region", "moon=ink"),
        ("--region", "sky=ink:2"),
        ("--region", "sky=cubism"),
        ("--max-memory", "-1"),
        ("--max-memory", "nan"),
    ],
)
def test_a_treatment_that_cannot_be(
    flags: tuple[str, ...], photo: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    refused("stylize", photo, "--style", "ink", *flags, "--out", tmp_path / "out.png")


@pytest.mark.parametrize("strength", ["-1", "1.5", "nan"])
def test_a_strength_outside_its_range(strength: str, photo: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    refused("stylize", photo, "--style", "ink", "--strength", strength, "--out", tmp_path / "out.png")


@pytest.mark.parametrize(
    "flags",
    [
        ("--size", "large"),
        ("--size", "33x32"),
        ("--size", "0x0"),
        ("--size", "64x64"),
        ("--wrap", "--size=16x32"),
        ("--count", "0"),
        ("--seed", "-1"),
        ("--truncation", "2"),
        ("--enlarge", "0"),
        ("--grid", "0"),
    ],
    ids=" ".join,
)
def test_a_number_that_cannot_work(flags: tuple[str, ...], tmp_path: Path, refused: Callable[..., str]) -> None:
    refused("generate", *flags, "--out", tmp_path / "out")


def test_a_device_that_this_machine_has_not(tmp_path: Path, refused: Callable[..., str]) -> None:
    missing = "mps" if torch.cuda.is_available() else "cuda"
    assert missing in refused("generate", "--device", missing, "--out", tmp_path / "out")


def test_a_recipe_that_does_not_exist(photo: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    assert "landscape" in refused("train", "scene", "--recipe", "moon", "--data", photo, "--run", tmp_path / "run")


def test_a_metric_that_does_not_exist(photo: Path, refused: Callable[..., str]) -> None:
    assert "beauty" in refused("evaluate", "--real", photo, "--fake", photo, "--metrics", "beauty")


def test_a_run_that_is_not_there_to_resume(photo: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    run = ("train", "scene", "--recipe", "landscape-128", "--data", photo, "--run", tmp_path / "run", "--resume")
    assert "resume" in refused(*run)


def test_a_condition_that_says_nothing(photo: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    run = ("train", "scene", "--recipe", "landscape-128", "--data", photo, "--run", tmp_path / "run")
    assert "--stop-when" in refused(*run, "--stop-when", "when it is pretty")


# --- places that cannot be written


def test_a_file_where_a_folder_should_be(photo: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    refused("generate", "--out", photo / "scenes")
    refused("stylize", photo, "--style", "ink", "--out", photo / "out.png")
    refused("prepare", photo, photo / "out.zip")


def test_a_folder_where_a_file_should_be(photo: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "out.zip").mkdir()
    refused("prepare", photo, tmp_path / "out.zip")


def test_a_photo_is_not_written_over(photo: Path, refused: Callable[..., str]) -> None:
    refused("stylize", photo, "--style", "ink", "--out", photo)


@contextmanager
def somebody_else() -> Iterator[None]:
    """Root may write anywhere: inside the block this process is nobody in particular."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_no_permission(photo: Path, refused: Callable[..., str]) -> None:
    with tempfile.TemporaryDirectory(prefix="shanshui-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        readable, secret, locked = folder / "readable.png", folder / "secret.png", folder / "locked"
        for copy in (readable, secret):
            copy.write_bytes(photo.read_bytes())
        readable.chmod(0o644)
        secret.chmod(0)
        locked.mkdir(mode=0o555)
        # Everything is imported before permissions are given up: the installation may be this user's alone.
        assert main(["stylize", str(readable), "--style", "ink", "--out", str(folder / "ok.png")]) == 0
        with somebody_else():
            refused("stylize", readable, "--style", "ink", "--out", locked / "out.png", watched=folder)
            refused("stylize", secret, "--style", "ink", "--out", locked / "out.png", watched=folder)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 32 KiB; only root can mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(disk)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may not mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk(small_disk: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    large = tmp_path / "large.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8)).save(large)
    assert "space" in refused("stylize", large, "--style", "ink", "--out", small_disk / "out.png")
    assert "space" in refused("prepare", large, small_disk / "out.zip", "--size", "256")
