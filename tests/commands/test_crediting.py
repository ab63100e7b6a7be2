"""Whatever a command makes says how it was made, signed and in the plain, and `doctor` reads it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from shanshui.checkpoints.weights import save_snapshot
from shanshui.cli import main
from shanshui.commands import crediting
from shanshui.commands.crediting import Credited, note_of
from shanshui.commands.rounds import Rounds
from shanshui.events import ignore
from shanshui.images.credentials import credentials_in
from shanshui.images.files import read_picture
from shanshui.images.identity import SELF_MADE, self_made
from shanshui.images.provenance import manifest_in
from shanshui.networks.composer import ComposerConfig
from shanshui.networks.generators.stylegan2 import StyleGAN2, StyleGAN2Config
from shanshui.networks.inpainter import Inpainter, InpainterConfig
from shanshui.networks.joint import JointConfig, JointPipeline
from shanshui.networks.stylizers.feedforward import FeedForwardConfig

pytest.importorskip("c2pa", reason="manifests need the extra `provenance`")

OF_NOTHING, OF_A_PHOTO = "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"


@pytest.fixture
def models(tmp_path: Path) -> dict[str, str]:
    """Tiny networks that do not ship."""
    torch.manual_seed(0)
    networks = {
        "inpainter": Inpainter(InpainterConfig(width=8, widest=16, halvings=1, dilations=(1, 2), latent=4)),
        "style-based": StyleGAN2(StyleGAN2Config(doublings=2, latent=8, width=4, widest=8, style=8, mapping_layers=2)),
        "composer": JointPipeline(
            JointConfig(
                stylizer=FeedForwardConfig(styles=("ink",), width=4, blocks=1),
                composer=ComposerConfig(width=4, widest=8, latent=4, style=4),
            )
        ),
    }
    for name, network in networks.items():
        save_snapshot(tmp_path / f"{name}.safetensors", network, {"licence": f"licence of {name}"})
    return {name: str(tmp_path / f"{name}.safetensors") for name in networks}


def told(path: Path, capfd: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What `doctor` reads."""
    capfd.readouterr()
    assert main(["doctor", str(path), "--json"]) == 0
    read: dict[str, Any] = json.loads(capfd.readouterr().out)[str(path)]
    return read


COMMANDS: dict[str, tuple[list[str], dict[str, str]]] = {
    "generate": (
        ["generate", "--seed", "5", "--grid", "1", "--out", "OUT"],
        {"OUT/scene-5-0000.png": OF_NOTHING, "OUT/grid.png": OF_NOTHING},
    ),
    "interpolate": (
        [
            "interpolate",
            "--seeds",
            "1,2",
            "--seconds",
            "0.2",
            "--fps",
            "10",
            "--sheet",
            "OUT/s.png",
            "--out",
            "OUT/f.gif",
        ],
        {"OUT/f.gif": OF_NOTHING, "OUT/s.png": OF_NOTHING},
    ),
    "edit": (
        ["edit", "--direction", "sefa:0=1", "--out", "OUT"],
        {"OUT/edited-0000.png": OF_NOTHING, "OUT/sheet.png": OF_NOTHING},
    ),
    "mix": (
        ["mix", "--model", "style-based", "--coarse", "1", "--fine", "2", "--out", "OUT/m.webp"],
        {"OUT/m.webp": OF_NOTHING},
    ),
    "stylize": (["stylize", "PHOTO", "--style", "ink", "--out", "OUT/p.jpg"], {"OUT/p.jpg": OF_A_PHOTO}),
    "contact sheet": (["stylize", "PHOTO", "--contact-sheet", "--out", "OUT/p.png"], {"OUT/p.png": OF_A_PHOTO}),
    "list of styles": (["stylize", "--list-styles", "--out", "OUT/p.png"], {"OUT/p.png": OF_NOTHING}),
    "compose a photo": (
        ["compose", "PHOTO", "--model", "composer", "--style", "ink", "--out", "OUT/p.png"],
        {"OUT/p.png": OF_A_PHOTO},
    ),
    "compose noise": (
        ["compose", "--model", "composer", "--style", "ink", "--out", "OUT/p.png"],
        {"OUT/p.png": OF_NOTHING},
    ),
    "inpaint": (
        ["inpaint", "PHOTO", "--model", "inpainter", "--expand", "left=9", "--out", "OUT/p.tif"],
        {"OUT/p.tif": OF_A_PHOTO},
    ),
}


def argv_of(command: str, out: Path, photo: Path, models: dict[str, str]) -> list[str]:
    words = {"PHOTO": str(photo), **models}
    return [words.get(part, part).replace("OUT", str(out)) for part in COMMANDS[command][0]]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_it_and_leaves_it_out_on_request(
    command: str,
    tmp_path: Path,
    photo: Path,
    models: dict[str, str],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    argv, results = argv_of(command, tmp_path / "out", photo, models), COMMANDS[command][1]
    assert main(argv) == 0
    for name, making in results.items():
        path = Path(name.replace("OUT", str(tmp_path / "out")))
        record = told(path, capfd)
        assert record["ai_generated"] is True
        assert record["digital_source_type"] == making
        own = Path(record["model"]).stem
        assert record["licence"] == (f"licence of {own}" if own in models else "none")
        assert record["c2pa"]["intact"] is True
        assert record["c2pa"]["source_types"] == [making]
        assert record["c2pa"]["signer"] == SELF_MADE
        assert str(tmp_path) not in json.dumps(record)  # where things lie is private
    bare = tmp_path / "bare"
    assert main([*argv_of(command, bare, photo, models), "--no-credentials"]) == 0
    for name in results:
        assert told(Path(name.replace("OUT", str(bare))), capfd) is None


def test_a_scene_that_was_searched_for(photo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    flags = ["--rounds", "2", "--random", "2", "--out", str(tmp_path / "out")]
    assert main(["project", str(photo), *flags]) == 0
    assert told(tmp_path / "out" / "photo-scene.png", capfd)["digital_source_type"] == OF_NOTHING
    assert told(tmp_path / "out" / "photo-found.png", capfd)["digital_source_type"] == OF_A_PHOTO


def test_settings_are_those_that_were_given(photo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    flags = ["--style", "ink", "--strength", "0.7", "--keep-colors", "--region", f"{photo}=monet:0.5"]
    assert main(["stylize", str(photo), *flags, "--out", str(tmp_path / "ink.png")]) == 0
    assert told(tmp_path / "ink.png", capfd)["settings"] == {
        "style": ["ink"],
        "strength": 0.7,
        "keep_colors": True,
        "region": ["photo.png=monet:0.5"],
    }


def test_scenes_out_of_noise_name_their_seed_and_number(tmp_path: Path) -> None:
    assert main(["generate", "--seed", "5", "--count", "2", "--out", str(tmp_path)]) == 0
    record = credentials_in(read_picture(tmp_path / "scene-5-0001.png").metadata)
    assert record is not None
    assert record["settings"] == {"seed": 5, "truncation": 1.0, "number": 1}


def test_both_licences_are_told_where_two_models_work_together(
    tmp_path: Path, models: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    flags = ["--model", models["composer"], "--scenes", models["style-based"], "--style", "ink"]
    assert main(["compose", *flags, "--out", str(tmp_path / "p.png")]) == 0
    record = told(tmp_path / "p.png", capfd)
    assert record["licence"] == "licence of composer"
    assert record["settings"]["licence_of_scenes"] == "licence of style-based"


def test_what_the_photo_said_of_its_own_making_is_not_passed_on(
    photo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    assert main(["stylize", str(photo), "--style", "ink", "--out", str(first)]) == 0
    assert main(["stylize", str(first), "--style", "monet", "--no-credentials", "--out", str(second)]) == 0
    assert told(second, capfd) is None
    assert b"Shanshui" not in second.read_bytes()


def test_a_person_reads_sentences(photo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "ink.jpg"
    assert main(["stylize", str(photo), "--style", "ink", "--out", str(out)]) == 0
    capfd.readouterr()
    assert main(["doctor", str(out), str(photo)]) == 0
    told = capfd.readouterr().out
    assert "made by AI from a photograph, by Shanshui" in told
    assert "with the model painter (licence: none)" in told
    assert "a certificate made for the occasion, which proves nothing about who it was" in told
    assert f"{photo}: no credentials of Shanshui\n  C2PA: no manifest." in told
    out.write_bytes(out.read_bytes().replace(b'"licence": "none"', b'"licence": "free"'))
    assert main(["doctor", str(out)]) == 0
    told = capfd.readouterr().out
    assert "(licence: free)" in told
    assert "do not believe its manifest" in told


def test_without_the_extra_nothing_fails(
    photo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crediting, "can_sign", lambda: False)
    out = tmp_path / "ink.png"
    assert main(["stylize", str(photo), "--style", "ink", "--out", str(out)]) == 0
    record = told(out, capfd)
    assert record["ai_generated"] is True
    assert record["c2pa"] is None


def test_a_certificate_of_ones_own_by_option_or_environment(
    photo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.pem").write_bytes(self_made().certificates)
    (tmp_path / "key.pem").write_bytes(self_made().key)
    own, key = str(tmp_path / "own.pem"), str(tmp_path / "key.pem")
    monkeypatch.setattr(crediting, "self_made", lambda: None)  # it is not asked for
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    command = ["stylize", str(photo), "--style", "ink", "--out"]
    assert main([*command, str(first), "--certificate", own, "--certificate-key", key]) == 0
    monkeypatch.setenv(crediting.CERTIFICATE, own)
    monkeypatch.setenv(crediting.KEY, key)
    assert main([*command, str(second)]) == 0
    for out in (first, second):
        manifest = manifest_in(out)
        assert manifest is not None
        assert manifest.intact
    assert main([*command, str(first), "--certificate-key", str(tmp_path / "none.pem")]) == 2
    assert "none.pem cannot be read" in capfd.readouterr().err
    monkeypatch.delenv(crediting.KEY)
    assert main([*command, str(first)]) == 2
    assert "give the other one" in capfd.readouterr().err


def test_pictures_on_the_way_say_it_too(tmp_path: Path) -> None:
    watch = Rounds(ignore, tmp_path, note_of(Credited(), "gatys", "compositeWithTrainedAlgorithmicMedia"))
    watch(torch.zeros(1, 3, 8, 8), 1, 1)
    record = credentials_in(read_picture(tmp_path / "001-00001.png").metadata)
    assert record is not None
    assert (record["model"], record["licence"]) == ("gatys", "unknown")
    assert np.all(read_picture(tmp_path / "001-00001.png").pixels == 128)
