"""Snapshots: every registered network comes back as it was, and every wrong file is one sentence."""

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from shanshui.checkpoints import zoo
from shanshui.checkpoints.registry import ARCHITECTURES, build, describe
from shanshui.checkpoints.weights import load_snapshot, read_header, save_snapshot
from shanshui.errors import ModelError, NonFiniteError
from shanshui.networks.generators.fastgan import FastGAN, FastGANConfig

PAINTER: dict[str, Any] = {"styles": ["day", "night"], "width": 4, "blocks": 1}
TINY: dict[str, dict[str, Any]] = {
    "fastgan": {"doublings": 2, "latent": 4, "width": 1, "spectral_norm": False},
    "enlarged": {
        "doublings": 3,
        "latent": 4,
        "scenes": {"doublings": 2, "latent": 4, "width": 1, "spectral_norm": False},
        "enlarger": {"width": 2, "blocks": 1},
    },
    "feedforward-stylizer": PAINTER,
    "arbitrary-stylizer": {"styles": ["day"], "width": 4, "blocks": 1, "encoder_width": 4, "encoder_deep_width": 4},
    "resnet-translator": {"width": 4, "blocks": 2},
    "light-translator": {"width": 4, "blocks": 1},
    "joint-pipeline": {"stylizer": PAINTER, "composer": {"width": 4, "widest": 8, "latent": 4, "style": 4}},
    "inpainter": {"width": 4, "widest": 8, "halvings": 1, "dilations": [1, 2], "latent": 4},
    "dcgan": {"doublings": 2, "latent": 4, "width": 1},
    "resnet": {"doublings": 2, "latent": 4, "width": 1},
    "stylegan": {"doublings": 1, "latent": 4, "style": 4, "width": 1, "mapping_layers": 1},
    "stylegan2": {"doublings": 1, "latent": 4, "style": 4, "width": 1, "mapping_layers": 1},
    "r3gan": {"doublings": 1, "latent": 4, "width": 2, "group": 2},
    "zone-segmenter": {"width": 4, "side": 32},
}


def generator() -> FastGAN:
    torch.manual_seed(0)
    return FastGAN(FastGANConfig(**TINY["fastgan"])).eval()


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    path = tmp_path / "a.safetensors"
    save_snapshot(path, generator(), {"recipe": "tiny", "images_seen": 3})
    return path


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_comes_back_as_half_precision_keeps_it(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build(name, TINY[name])
    save_snapshot(tmp_path / "a.safetensors", network, {"recipe": "tiny"})
    loaded, header = load_snapshot(tmp_path / "a.safetensors")
    assert describe(loaded) == describe(network)
    assert header.card == {"recipe": "tiny"}
    for original, stored in zip(network.state_dict().values(), loaded.state_dict().values(), strict=True):
        assert torch.equal(stored, original.half().to(original.dtype) if original.is_floating_point() else original)


def test_the_header_is_read_without_the_weights(snapshot: Path) -> None:
    header = read_header(snapshot)
    assert (header.architecture, header.role, header.card["images_seen"]) == ("fastgan", "scene generator", 3)


def test_a_weight_that_is_not_finite_is_never_written(tmp_path: Path) -> None:
    network = generator()
    with torch.no_grad():
        network.to_rgb.weight[0, 0] = 1e6  # finite in float32, infinite in half precision
    with pytest.raises(NonFiniteError, match=r"to_rgb\.weight"):
        save_snapshot(tmp_path / "a.safetensors", network, {})
    assert list(tmp_path.iterdir()) == []


def test_a_network_outside_the_registry_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="Linear"):
        save_snapshot(tmp_path / "a.safetensors", nn.Linear(1, 1), {})


def test_a_truncated_file_is_refused(snapshot: Path) -> None:
    snapshot.write_bytes(snapshot.read_bytes()[:-64])
    with pytest.raises(ModelError, match="damaged"):
        load_snapshot(snapshot)


def test_a_pickled_file_is_refused_before_anything_reads_it(tmp_path: Path) -> None:
    for legacy in (True, False):
        buffer = io.BytesIO()
        torch.save({"weight": torch.ones(1)}, buffer, _use_new_zipfile_serialization=not legacy)
        (tmp_path / "a.safetensors").write_bytes(buffer.getvalue())
        with pytest.raises(ModelError, match="pickled"):
            load_snapshot(tmp_path / "a.safetensors")


def test_no_length_of_the_card_makes_a_snapshot_look_like_a_pickle(tmp_path: Path) -> None:
    """A safetensors file begins with the length of its header: of 32 that follow each other one ends in 0x80."""
    beginnings = set()
    for length in range(0, 256, 8):
        path = tmp_path / "a.safetensors"
        save_snapshot(path, generator(), {"recipe": "x" * length})
        beginnings.add(path.read_bytes()[:1])
        assert load_snapshot(path)[1].card == {"recipe": "x" * length}
    assert b"\x80" in beginnings


def test_weights_of_another_program_are_refused(tmp_path: Path) -> None:
    save_file({"weight": torch.ones(1)}, tmp_path / "a.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="not a Shanshui snapshot"):
        load_snapshot(tmp_path / "a.safetensors")


def test_weights_that_do_not_fit_their_description_are_refused(snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TINY["fastgan"], "latent", 5)
    other = generator()
    path = snapshot.with_name("b.safetensors")
    monkeypatch.setattr(
        "shanshui.checkpoints.weights.describe", lambda network: ("fastgan", {"doublings": 2, "latent": 4})
    )
    save_snapshot(path, other, {})
    with pytest.raises(ModelError, match="do not fit"):
        load_snapshot(path)


def test_an_architecture_of_the_future_is_one_sentence() -> None:
    with pytest.raises(ModelError, match="upgrade"):
        build("diffusion-2031", {})
    with pytest.raises(ModelError, match="configuration"):
        build("fastgan", {"colour": "blue"})


def test_a_model_is_found_by_name_or_file_and_nothing_else_is(snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "ZOO", snapshot.parent)
    assert zoo.resolve("a") == snapshot == zoo.resolve(str(snapshot))
    with pytest.raises(ModelError, match="models that ship are a"):
        zoo.resolve("b")
    with pytest.raises(ModelError, match="folder"):
        zoo.resolve(snapshot.parent)


def test_a_hub_id_without_a_connection_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match=r"nobody/nothing-at-all.* was not fetched yet, and the hub cannot be reached"):
        zoo.resolve("nobody/nothing-at-all")
