"""`shanshui stylize` for many photos: patterns, pipes, manifests, resuming; textures; and `shanshui lut`."""

import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shanshui.cli import main
from shanshui.commands.textures import sort_textures
from shanshui.errors import ConfigError
from shanshui.images.files import read_picture
from shanshui.images.lut import apply
from shanshui.pipelines.treatment import STROKE_PIXELS, stroke_scale_of


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def photos(photo: Path, tmp_path: Path) -> Path:
    """Two photos, one in a deeper folder, and a text that calls itself one."""
    folder = tmp_path / "raw"
    (folder / "deep").mkdir(parents=True)
    shutil.copy(photo, folder / "a.png")
    shutil.copy(photo, folder / "deep" / "b.png")
    (folder / "text.jpg").write_text("no picture")
    return folder


def test_a_pattern_names_photos_at_any_depth(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["stylize", f"{photos}/**/*.png", "--style", "ink", "--out", str(out)]) == 0
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png")) == ["a-ink.png", "deep/b-ink.png"]


def test_a_pattern_that_matches_nothing_is_one_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["stylize", f"{tmp_path}/*.tif", "--style", "ink"]) == 2
    assert "No photo matches" in capfd.readouterr().err


def test_a_manifest_says_what_was_done_what_failed_and_why(photos: Path, tmp_path: Path) -> None:
    log, out = tmp_path / "logs" / "log.jsonl", tmp_path / "out"
    flags = [str(photos), "--style", "ink", "--out", str(out), "--manifest", str(log)]
    assert main(["stylize", *flags]) == 2
    first = {Path(line["photo"]).name: line for line in lines(log)}
    assert {name: line["status"] for name, line in first.items()} == {
        "a.png": "done",
        "b.png": "done",
        "text.jpg": "failed",
    }
    assert "not a picture" in first["text.jpg"]["reason"]
    assert Path(first["a.png"]["result"]) == out / "a-ink.png"


def test_what_exists_is_skipped_only_when_asked(photos: Path, tmp_path: Path) -> None:
    (photos / "text.jpg").unlink()
    log, out = tmp_path / "log.jsonl", tmp_path / "out"
    flags = ["stylize", str(photos), "--style", "ink", "--out", str(out), "--manifest", str(log)]
    assert main(flags) == 0
    (out / "deep" / "b-ink.png").unlink()
    kept = (out / "a-ink.png").stat().st_mtime_ns
    assert main([*flags, "--skip-existing"]) == 0
    assert [line["status"] for line in lines(log)] == ["done", "done", "skipped", "done"]
    assert (out / "a-ink.png").stat().st_mtime_ns == kept
    assert main(flags) == 0
    assert (out / "a-ink.png").stat().st_mtime_ns > kept


class Pipe:
    """A standard stream with bytes below it."""

    def __init__(self, content: bytes = b"") -> None:
        self.buffer = io.BytesIO(content)


def test_from_standard_input_to_standard_output(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = Pipe()
    monkeypatch.setattr(sys, "stdin", Pipe(photo.read_bytes()))
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        assert main(["stylize", "-", "--style", "ink", "--out", "-"]) == 0
    assert main(["stylize", str(photo), "--style", "ink", "--out", str(tmp_path / "file.png")]) == 0
    np.testing.assert_array_equal(
        read_picture(out.buffer.getvalue()).pixels, read_picture(tmp_path / "file.png").pixels
    )


def test_a_pipe_takes_one_picture_and_nothing_else(
    photos: Path, photo: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["stylize", str(photos), "--style", "ink", "--out", "-"]) == 2
    assert main(["stylize", str(photo), "--style", "ink", "--out", "-", "--json"]) == 2
    monkeypatch.setattr(sys, "stdin", Pipe(b"no picture"))
    assert main(["stylize", "-", "--style", "ink", "--out", "-"]) == 2
    told = capfd.readouterr().err
    assert "one photo" in told
    assert "--json" in told
    assert "Standard input is not a picture" in told


def test_textures_are_told_apart_by_their_names(tmp_path: Path) -> None:
    names = {
        "painted": "rock_albedo.png rock_BaseColor_2K.jpg Rock-Base-Color.tif metal_albedo.png wood_diff_4k.png "
        "T_wall_Color.1001.png rock_diffuse.webp",
        "kept": "rock_normal.png rock_nor_gl_2k.png rock_roughness.png metal_metallic.png rock_ao.jpg rock_height.tif "
        "rock_emissive.png rock_specular_color.png rock_AmbientOcclusion.png rock.mtl notes.txt",
        "unsure": "rock_orm.png holiday.png albedo_smoothness.png rock_albedo.bmp",
    }
    for name in " ".join(names.values()).split():
        (tmp_path / name).write_bytes(b"")
    found = sort_textures(tmp_path)
    assert {kind: sorted(map(str, getattr(found, kind))) for kind in names} == {
        kind: sorted(each.split()) for kind, each in names.items()
    }


def test_only_base_colour_changes(photo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "rock", tmp_path / "out"
    (folder / "sub").mkdir(parents=True)
    for name in ("rock_albedo.png", "sub/rock_normal.png", "rock_orm.png"):
        shutil.copy(photo, folder / name)
    flags = ["stylize", str(folder), "--pbr", "--style", "ink", "--wrap", "both"]
    assert main([*flags, "--out", str(out)]) == 0
    assert "rock_orm.png is copied as it is" in capfd.readouterr().err
    for name in ("sub/rock_normal.png", "rock_orm.png"):
        assert (out / name).read_bytes() == photo.read_bytes()
    assert (read_picture(out / "rock_albedo.png").pixels != read_picture(photo).pixels).any()
    for place in ([], ["--out", str(folder)], ["--out", str(folder / "sub")]):
        assert main([*flags, *place]) == 2
    (folder / "rock_albedo.png").unlink()
    assert main([*flags, "--out", str(tmp_path / "none")]) == 2
    assert not (tmp_path / "none").exists()


def test_a_lut_brings_photos_nearer_to_their_paintings(photo: Path, tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:70, 0:90]
    image = np.stack([rows * 3, columns * 2, 90 + rows], axis=2).astype(np.uint8)
    Image.fromarray(image).save(photo)
    assert main(["lut", str(photo), "--style", "monet", "--out", str(tmp_path / "m.cube")]) == 0
    assert main(["stylize", str(photo), "--style", "monet", "--out", str(tmp_path / "m.png")]) == 0
    text = [line for line in (tmp_path / "m.cube").read_text().splitlines() if line[0] in "01"]
    table = np.array([line.split() for line in text], float).reshape(33, 33, 33, 3).transpose(2, 1, 0, 3)
    painting = read_picture(tmp_path / "m.png").pixels.astype(int)
    before, after = (np.abs(each.astype(int) - painting).mean() for each in (image, apply(table, image)))
    assert after < 0.7 * before
    assert main(["lut", str(photo), "--style", "ink", "--strength", "0", "--out", str(tmp_path / "0.cube")]) == 0
    untouched = [line for line in (tmp_path / "0.cube").read_text().splitlines() if line[0] in "01"]
    assert untouched[1] == "0.031250 0.000000 0.000000"


@pytest.mark.parametrize("flags", [["--out", "a.png"], ["--out", "a.cube", "--style", "nobody"], ["--out", "a.cube"]])
def test_a_lut_that_cannot_be_is_one_sentence(photo: Path, flags: list[str]) -> None:
    assert main(["lut", str(photo), *flags]) == 2
    assert main(["lut", *flags, "--style", "ink"]) == 2


def test_strokes_in_centimetres_of_a_print(photo: Path, tmp_path: Path) -> None:
    assert stroke_scale_of(2 * STROKE_PIXELS * 2.54 / 300, 300) == pytest.approx(2)
    for centimetres, dpi in ((0, 300), (1, -1), (5, 300)):
        with pytest.raises(ConfigError):
            stroke_scale_of(centimetres, dpi)
    same = [["--stroke-scale", "2"], ["--stroke-cm", str(2 * STROKE_PIXELS * 2.54 / 100), "--dpi", "100"]]
    results = []
    for number, flags in enumerate(same):
        out = tmp_path / f"{number}.png"
        assert main(["stylize", str(photo), "--style", "ink", *flags, "--out", str(out)]) == 0
        results.append(read_picture(out).pixels)
    np.testing.assert_array_equal(results[0], results[1])
    assert main(["stylize", str(photo), "--style", "ink", *same[0], *same[1]]) == 2
