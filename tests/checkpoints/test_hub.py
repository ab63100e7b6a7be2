"""Models go to the hub and come back as they were, from every pipeline; what the hub says no to is one sentence."""

import io
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard, constants
from torch import nn

from shanshui import (
    CodeSpace,
    Interpolator,
    Projector,
    SceneComposer,
    SceneEditor,
    SceneGenerator,
    SceneInpainter,
    StyleMixer,
    Stylizer,
)
from shanshui.checkpoints.registry import build
from shanshui.checkpoints.sharing import share
from shanshui.checkpoints.weights import load_snapshot, save_snapshot
from shanshui.checkpoints.zoo import resolve
from shanshui.cli import main
from shanshui.errors import ModelError
from shanshui.pipelines.published import Published
from shanshui.pipelines.zones import Zones

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")  # of the hub's client

CARD = {"licence": "CC0", "data": "mine", "recipe": "tiny", "task": "scene", "images_seen": 7}
PAINTER: dict[str, Any] = {"styles": ["ink"], "width": 4, "blocks": 1}
NETWORKS: dict[str, dict[str, Any]] = {
    "fastgan": {"doublings": 2, "latent": 4, "width": 1, "spectral_norm": False},
    "stylegan2": {"doublings": 1, "latent": 4, "style": 4, "width": 1, "mapping_layers": 1},
    "feedforward-stylizer": PAINTER,
    "arbitrary-stylizer": {"styles": ["day"], "width": 4, "blocks": 1, "encoder_width": 4, "encoder_deep_width": 4},
    "light-translator": {"width": 4, "blocks": 1},
    "resnet-translator": {"width": 4, "blocks": 2},
    "joint-pipeline": {"stylizer": PAINTER, "composer": {"width": 4, "widest": 8, "latent": 4, "style": 4}},
    "inpainter": {"width": 4, "widest": 8, "halvings": 1, "dilations": [1, 2], "latent": 4},
    "zone-segmenter": {"width": 4, "side": 32},
}
PIPELINES: list[tuple[Callable[[str | Path], Published], str]] = [
    (SceneGenerator.from_pretrained, "fastgan"),
    (CodeSpace.from_pretrained, "fastgan"),
    (SceneEditor.from_pretrained, "fastgan"),
    (Interpolator.from_pretrained, "fastgan"),
    (Projector.from_pretrained, "fastgan"),
    (StyleMixer.from_pretrained, "stylegan2"),
    (Stylizer.from_pretrained, "feedforward-stylizer"),
    (Stylizer.from_pretrained, "arbitrary-stylizer"),
    (Stylizer.from_pretrained, "light-translator"),
    (Stylizer.from_pretrained, "resnet-translator"),
    (SceneComposer.from_pretrained, "joint-pipeline"),
    (SceneInpainter.from_pretrained, "inpainter"),
    (Zones.from_pretrained, "zone-segmenter"),
]


def network_of(architecture: str) -> nn.Module:
    torch.manual_seed(0)
    return build(architecture, NETWORKS[architecture])


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    path = tmp_path / "mine.safetensors"
    save_snapshot(path, network_of("fastgan"), CARD)
    return path


@pytest.mark.parametrize(
    ("opened", "architecture"),
    PIPELINES,
    ids=[f"{o.__self__.__name__}-{name}" for o, name in PIPELINES],  # type: ignore[attr-defined]
)
def test_every_pipeline_gives_its_model_and_takes_it_back(
    opened: Callable[[str | Path], Published], architecture: str, hub: Any, tmp_path: Path
) -> None:
    path = tmp_path / "mine.safetensors"
    save_snapshot(path, network_of(architecture), CARD)
    address = opened(path).push_to_hub("me/mine")
    assert address == f"{hub.environment['HF_ENDPOINT']}/me/mine"
    assert hub.shelf.repositories["me/mine"]["model.safetensors"] == path.read_bytes()
    back = opened("me/mine")
    assert back.snapshot is not None
    assert tmp_path / "cache" in back.snapshot.parents
    assert back.snapshot.read_bytes() == path.read_bytes()
    back.push_to_hub("you/copy")
    assert hub.shelf.repositories["you/copy"]["model.safetensors"] == path.read_bytes()


def test_a_scene_of_the_hub_is_the_scene_that_was_pushed(hub: Any, snapshot: Path) -> None:
    here = SceneGenerator.from_pretrained(snapshot)
    here.push_to_hub("me/mine")
    there = SceneGenerator.from_pretrained("me/mine")
    first, second = (np.asarray(next(each.generate(1, seed=5))) for each in (here, there))
    assert np.array_equal(first, second)
    assert load_snapshot(resolve("me/mine"))[1].card == CARD


def test_the_readme_is_the_card_with_what_listings_and_readers_want(hub: Any, snapshot: Path) -> None:
    snapshot.with_suffix(".md").write_text("# mine\n\nIt likes fog.\n")
    share("me/mine", snapshot)
    readme = ModelCard(hub.shelf.repositories["me/mine"]["README.md"].decode())
    told = vars(readme.data)
    assert (told["license"], told["library_name"]) == ("cc0-1.0", "shanshui")
    assert told["pipeline_tag"] == "unconditional-image-generation"
    assert "fastgan" in told["tags"] and told.get("license_name") is None
    assert "It likes fog." in readme.text
    assert 'shanshui.SceneGenerator.from_pretrained("me/mine")' in readme.text


def test_a_licence_without_a_short_name_is_told_in_words(hub: Any, tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    save_snapshot(path, network_of("feedforward-stylizer"), {**CARD, "licence": "Research data: ask first"})
    share("me/mine", path)
    readme = ModelCard(hub.shelf.repositories["me/mine"]["README.md"].decode())
    told = vars(readme.data)
    assert (told["license"], told["license_name"]) == ("other", "research-data-ask-first")
    assert "| licence | Research data: ask first |" in readme.text  # the card was made from the snapshot
    assert 'stylize("photo.jpg", style="ink")' in readme.text


def test_a_model_that_is_passed_on_has_one_head_and_one_use(hub: Any, snapshot: Path) -> None:
    share("me/mine", snapshot)
    assert main(["models", "me/mine"]) == 0  # the card is fetched with it
    share("you/copy", resolve("me/mine"))
    text = hub.shelf.repositories["you/copy"]["README.md"].decode()
    assert text.count("library_name:") == text.count("## Use\n") == text.count("## Scores") == 1
    assert "you/copy" in text and 'from_pretrained("me/mine")' not in text


def test_what_was_fetched_is_used_without_a_connection(
    hub: Any, snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share("me/mine", snapshot)
    first = resolve("me/mine")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert resolve("me/mine") == first
    with pytest.raises(ModelError, match=r"me/other/model\.safetensors was not fetched yet"):
        resolve("me/other")


def test_a_newer_model_replaces_the_one_that_was_fetched(hub: Any, snapshot: Path) -> None:
    share("me/mine", snapshot)
    resolve("me/mine")
    save_snapshot(snapshot, network_of("fastgan"), {**CARD, "images_seen": 8})
    share("me/mine", snapshot)
    assert load_snapshot(resolve("me/mine"))[1].card["images_seen"] == 8


def test_nothing_from_the_hub_is_unpickled(hub: Any, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    zipped = io.BytesIO()
    torch.save({"weight": torch.ones(1)}, zipped)
    for content in (pickle.dumps(Trap()), zipped.getvalue()):
        hub.shelf.repositories["me/trap"] = {"model.safetensors": content}
        with pytest.raises(ModelError, match="pickled"):
            Stylizer.from_pretrained("me/trap")
    assert not (tmp_path / "sprung").exists()


def refused(hub: Any, snapshot: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    """Ask for what `case` says, and fail."""
    shelf = hub.shelf
    shelf.repositories["me/closed"] = {"model.safetensors": snapshot.read_bytes()}
    match case:
        case "nothing there":
            resolve("me/nothing")
        case "private":
            shelf.private.add("me/closed")
            monkeypatch.delenv("HF_TOKEN")
            resolve("me/closed")
        case "gated":
            shelf.gated.add("me/closed")
            resolve("me/closed")
        case "no weights":
            shelf.repositories["me/pickles"] = {"pytorch_model.bin": b"\x80\x04"}
            resolve("me/pickles")
        case "broken":
            shelf.broken = True
            resolve("me/closed")
        case "unreachable":
            monkeypatch.setattr(
                constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/{revision}/{filename}"
            )
            resolve("me/closed")
        case "no token":
            monkeypatch.delenv("HF_TOKEN")
            share("me/mine", snapshot)
        case "reader's token":
            monkeypatch.setenv("HF_TOKEN", "hf_reader")
            share("me/mine", snapshot)
        case "write to a broken hub":
            shelf.broken = True
            share("me/mine", snapshot)
        case "write to nowhere":
            monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
            share("me/mine", snapshot)
        case "write offline":
            monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
            share("me/mine", snapshot)
        case "upload cut off":
            shelf.lost = True
            share("me/mine", snapshot)
        case "write under no name":
            share("me/mine/now", snapshot)
        case "in memory":
            network, _ = load_snapshot(snapshot)
            SceneGenerator(network).push_to_hub("me/mine")  # type: ignore[arg-type]


REFUSED = {
    "nothing there": "The hub has no model me/nothing, or does not show it to you",
    "private": "The hub has no model me/closed, or does not show it to you",
    "gated": "to those only who asked for it",
    "no weights": "me/pickles on the hub holds no model.safetensors",
    "broken": "cannot be reached|error 500",
    "unreachable": "was not fetched yet, and the hub cannot be reached",
    "no token": "The hub does not let you write to me/mine: log in|wants to know who writes",
    "reader's token": "The hub does not let you write to me/mine",
    "write to a broken hub": "error 500",
    "write to nowhere": "cannot be reached",
    "write offline": "cannot be reached",
    "upload cut off": "cannot be reached|did not do what was asked",
    "write under no name": "is no name of a model on the hub",
    "in memory": "network in memory",
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_is_one_sentence(case: str, hub: Any, snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match=REFUSED[case]) as caught:
        refused(hub, snapshot, monkeypatch, case)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_the_command_gives_takes_shows_and_lists(hub: Any, snapshot: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["models", str(snapshot), "--push", "me/mine", "--private", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["address"].endswith("/me/mine")
    assert hub.shelf.private == {"me/mine"}
    assert main(["models", "me/mine"]) == 0
    assert "| licence | CC0 |" in capfd.readouterr().out
    assert main(["models", "--push", "me/mine"]) == 2
    assert "need a model" in capfd.readouterr().err


def test_any_program_finds_the_hub_by_its_usual_variable(hub: Any, snapshot: Path) -> None:
    program = f"""
import shanshui
shanshui.SceneGenerator.from_pretrained({str(snapshot)!r}).push_to_hub("me/mine")
print(next(shanshui.SceneGenerator.from_pretrained("me/mine").generate(1)).size)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env=hub.environment, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "(16, 16)"
    assert set(hub.shelf.repositories["me/mine"]) == {"model.safetensors", "README.md"}
