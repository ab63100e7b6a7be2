"""`shanshui evaluate`: anything beside anything, as a table, as data and as a page."""

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from shanshui.cli import main
from shanshui.images.files import read_picture

Evaluate = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def reals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen smooth random pictures of 48 x 40 pixels."""
    folder = tmp_path_factory.mktemp("reals")
    random = np.random.default_rng(0)
    for index in range(16):
        small = random.integers(0, 255, (5, 6, 3), dtype=np.uint8)
        Image.fromarray(small).resize((48, 40), Image.Resampling.BICUBIC).save(folder / f"{index:02d}.png")
    return folder


@pytest.fixture
def evaluate(
    reals: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Evaluate:
    """Runs the command against `reals` and reads its JSON."""
    monkeypatch.setenv("SHANSHUI_CACHE", str(tmp_path / "cache"))

    def run(*arguments: object) -> dict[str, Any]:
        capfd.readouterr()
        assert main(["evaluate", "--real", str(reals), *map(str, arguments), "--json"]) == 0
        data: dict[str, Any] = json.loads(capfd.readouterr().out)
        return data

    return run


def test_a_model_is_measured_under_names_that_say_how(evaluate: Evaluate) -> None:
    data = evaluate("--model", "landscape", "--count", 14)
    (judged,) = data["sets"]
    assert judged["label"] == "landscape"
    names = list(judged["figures"])
    assert names[0] == "kid_vgg19_relu4_4_32px_16v14"
    assert {"recall3_vgg19_relu4_4_32px_16v14", "diversity_msssim_32px_16v14"} <= set(names)
    figure = judged["figures"][names[0]]
    assert figure["low"] < figure["value"] < figure["high"]
    assert judged["verdict"]["headline"]
    assert any("Only 14 images" in warning for warning in judged["verdict"]["warnings"])


def test_a_set_against_itself_is_a_set_of_copies(evaluate: Evaluate, reals: Path) -> None:
    (judged,) = evaluate("--fake", reals, "--metrics", "copied", "fid", "kid")["sets"]
    values = {name: figure["value"] for name, figure in judged["figures"].items()}
    assert values["copied_vgg19_relu4_4_48x40px_16"] == 1
    assert values["frechet_vgg19_relu4_4_48x40px_16"] == pytest.approx(0, abs=1e-3)
    assert judged["verdict"]["headline"].startswith("copies of the real images")


def test_sets_side_by_side_on_one_page_and_as_a_table(
    evaluate: Evaluate, reals: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "report.html"
    judged = ["--fake", str(reals), "--model", "landscape", "--count", "12", "--size", "32x32"]
    flags = [*judged, "--metrics", "kid", "precision3"]
    assert main(["evaluate", "--real", str(reals), *flags, "--report", str(page)]) == 0
    text = capfd.readouterr().out
    assert f"[1] {reals}" in text and "[2] landscape" in text and "precision3_vgg19_relu4_4_32px_16v12" in text
    assert "landscape" in page.read_text("utf-8") and "precision3" in page.read_text("utf-8")
    data = json.loads(page.with_suffix(".json").read_text("utf-8"))
    assert [each["label"] for each in data["sets"]] == [str(reals), "landscape"]
    assert data["size"] == {"width": 32, "height": 32}


def test_every_snapshot_of_a_run_is_judged(evaluate: Evaluate, zoo: Path, tmp_path: Path) -> None:
    checkpoints = tmp_path / "run" / "checkpoints"
    checkpoints.mkdir(parents=True)
    for seen in (4000, 8000):
        shutil.copy(zoo / "landscape.safetensors", checkpoints / f"{seen:010d}.safetensors")
    data = evaluate("--run", tmp_path / "run", "--count", 12, "--metrics", "kid", "--report", tmp_path / "r.html")
    assert [each["images_seen"] for each in data["sets"]] == [4000, 8000]
    first, second = (each["figures"] for each in data["sets"])
    assert first == second


def test_training_images_are_looked_for_in_the_judged_set(evaluate: Evaluate, reals: Path, tmp_path: Path) -> None:
    train = tmp_path / "train"
    assert main(["generate", "--count", "14", "--seed", "3", "--out", str(train)]) == 0
    data = evaluate("--model", "landscape", "--count", 14, "--seed", 3, "--train", train, "--metrics", "memorized")
    (figure,) = data["sets"][0]["figures"].items()
    assert figure[0] == "memorized_vgg19_relu4_4_32px_16v14v14"
    assert figure[1]["value"] == 1


def test_a_stylizer_is_judged_beside_what_games_the_measure(evaluate: Evaluate, reals: Path) -> None:
    data = evaluate("--model", "painter", "--style", "ink", "--content", reals, "--count", 6, "--size", "48x48")
    assert [each["label"] for each in data["sets"]] == [
        "painter in the style ink",
        "control: photos left as they are",
        "control: the paintings themselves",
    ]
    contents = [each["figures"]["content_perceptualvgg19_48px_16v6"]["value"] for each in data["sets"][:1]]
    assert contents[0] > 0
    unchanged = data["sets"][1]["figures"]
    assert next(unchanged[name]["value"] for name in unchanged if name.startswith("content")) == 0


def test_pictures_are_matched_to_photos_by_name(
    evaluate: Evaluate, reals: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for file in reals.iterdir():
        Image.fromarray(255 - read_picture(file).pixels).save(pictures / f"{file.stem}.jpg")
    data = evaluate("--fake", pictures, "--content", reals, "--metrics", "content", "kid")
    assert data["sets"][0]["figures"]["content_perceptualvgg19_48x40px_16"]["value"] > 0
    (pictures / "00.jpg").unlink()
    assert main(["evaluate", "--real", str(reals), "--fake", str(pictures), "--content", str(reals)]) == 2
    assert "00 is in only one of" in capfd.readouterr().err


def test_any_exported_network_judges(evaluate: Evaluate, reals: Path, tmp_path: Path) -> None:
    class Mean(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.mean((2, 3))

    file = tmp_path / "mean.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer exports are no reason to turn old files away
        torch.jit.trace(Mean(), torch.zeros(1, 3, 8, 8)).save(str(file))
    (judged,) = evaluate("--fake", reals, "--extractor", file, "--metrics", "kid", "precision3")["sets"]
    assert all(name.split("_")[1].startswith("mean") for name in judged["figures"])


def test_a_judge_that_helped_to_train_is_not_trusted_in_silence(evaluate: Evaluate, zoo: Path, tmp_path: Path) -> None:
    from shanshui.checkpoints.weights import load_snapshot, save_snapshot

    network, _ = load_snapshot(zoo / "landscape.safetensors")
    save_snapshot(tmp_path / "mine.safetensors", network, {"looks_through": "vgg19"})
    flags = ["--model", tmp_path / "mine.safetensors", "--count", 12, "--metrics", "kid"]
    (judged,) = evaluate(*flags)["sets"]
    assert any("trained through vgg19" in warning for warning in judged["verdict"]["warnings"])


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "give --fake PATH, --model NAME or --run DIR"),
        (["--model", "painter", "--style", "ink"], "--model, --style and --content together"),
        (["--model", "landscape", "--metrics", "kid_inception2015"], "has no feature inception2015"),
        (["--model", "landscape", "--metrics", "diversity"], "add kid"),
        (["--model", "landscape", "--extractor", "clip"], "clip"),
        (["--model", "landscape", "--metrics", "beauty"], "beauty"),
        (["--run", "nowhere"], "nowhere has no snapshots"),
        (["--model", "landscape", "--report", "report.json"], "ends in .html"),
    ],
)
def test_what_cannot_be_judged_is_one_sentence(
    flags: list[str], said: str, reals: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--real", str(reals), *flags]) == 2
    error = capfd.readouterr().err
    assert said in error and error.count("\n") == 1
