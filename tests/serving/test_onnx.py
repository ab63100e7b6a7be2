"""Networks as ONNX: what every kind makes agrees with PyTorch, at other sizes too, and pipelines run on the files."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from shanshui.checkpoints.registry import build
from shanshui.checkpoints.weights import save_snapshot
from shanshui.cli import main
from shanshui.errors import ConfigError, ModelError
from shanshui.images.files import read_picture
from shanshui.pipelines.generate import SceneGenerator
from shanshui.pipelines.painters import Share
from shanshui.pipelines.stylize import Stylizer
from shanshui.pipelines.treatment import Treatment
from shanshui.serving import cache, engine
from shanshui.serving.engine import OnnxPainter, scenes
from shanshui.serving.onnx import AGREEMENT, export, reduced

ENGINES = Path(__file__).parents[2] / "docs" / "engines.md"
DECODER = {"width": 4, "blocks": 1, "deep_width": 4, "deep_blocks": 1}
PAINTER = {"styles": ["day", "night"], **DECODER}
COMPOSER = {"width": 4, "widest": 8, "halvings": 1, "latent": 4, "style": 4}
KINDS: Mapping[str, Mapping[str, Any]] = {
    "dcgan": {"doublings": 3, "latent": 4, "width": 2},
    "resnet": {"doublings": 2, "latent": 4, "width": 2},
    "stylegan": {"doublings": 2, "latent": 4, "style": 4, "width": 2, "mapping_layers": 2},
    "stylegan2": {"doublings": 2, "latent": 4, "style": 4, "width": 2, "mapping_layers": 2},
    "r3gan": {"doublings": 2, "latent": 4, "width": 2, "group": 2},
    "fastgan": {"doublings": 4, "latent": 4, "width": 2, "labels": 3},
    "feedforward-stylizer": PAINTER,
    "arbitrary-stylizer": {**DECODER, "encoder_width": 4, "encoder_deep_width": 4, "encoder_blocks": 1, "code": 4},
    "light-translator": {"style": "night", **DECODER},
    "resnet-translator": {"style": "night", "width": 4, "blocks": 2},
    "joint-pipeline": {"stylizer": PAINTER, "composer": COMPOSER},
    "inpainter": {"width": 4, "widest": 8, "halvings": 1, "dilations": [1], "latent": 4},
}
QUICK = ("dcgan", "light-translator")
"""Writing a graph takes seconds."""
SLOW = [pytest.mark.slow, pytest.mark.timeout(600)]
"""A busy machine takes minutes for the 1,500 nodes of an inpainter's."""


def saved(kind: str, folder: Path) -> Path:
    torch.manual_seed(0)
    network = build(kind, KINDS[kind])
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith((".gamma", ".beta")):
                parameter.copy_(0.1 * torch.randn_like(parameter))
    save_snapshot(folder / f"{kind}.safetensors", network.eval(), {"licence": "Apache-2.0"})
    return folder / f"{kind}.safetensors"


@pytest.fixture(scope="module")
def stylizer(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A snapshot and its graph."""
    folder = tmp_path_factory.mktemp("stylizer")
    snapshot = saved("feedforward-stylizer", folder)
    export(snapshot, folder / "graph.onnx")
    return snapshot, folder / "graph.onnx"


@pytest.mark.parametrize("kind", [kind if kind in QUICK else pytest.param(kind, marks=SLOW) for kind in KINDS])
def test_every_network_agrees_with_pytorch(kind: str, tmp_path: Path) -> None:
    written = export(saved(kind, tmp_path), tmp_path / "graph.onnx")
    assert written.difference < AGREEMENT
    assert written.size == (tmp_path / "graph.onnx").stat().st_size
    told = json.loads({entry.key: entry.value for entry in onnx.load(written.path).metadata_props}["shanshui"])
    assert told["architecture"] == kind
    assert told["card"]["licence"] == "Apache-2.0"


def test_a_stylizer_paints_the_same_from_its_graph(stylizer: tuple[Path, Path]) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (45, 70, 3), dtype=np.uint8)
    one, other = Stylizer.from_pretrained(stylizer[0]), Stylizer(OnnxPainter(stylizer[1]))
    assert other.styles == ("day", "night")
    pictures = [np.asarray(each(photo, {"day": 0.3, "night": 0.7}, strength=0.8)).astype(int) for each in (one, other)]
    assert pictures[1].shape == photo.shape
    # Where a photo's sides are no multiples of 8 its border is repeated, not mirrored; and graphs know no bf16.
    assert np.abs(pictures[0] - pictures[1]).mean() < 4


def test_scenes_of_a_graph_are_those_of_the_network(tmp_path: Path) -> None:
    snapshot, graph = saved("dcgan", tmp_path), tmp_path / "graph.onnx"
    export(snapshot, graph)
    ours = [np.asarray(scene).astype(int) for scene in SceneGenerator.from_pretrained(snapshot).generate(2, 7)]
    theirs = [np.asarray(scene).astype(int) for scene in scenes(graph, 2, 7)]
    for one, other in zip(ours, theirs, strict=True):
        assert np.abs(one - other).max() <= 3
    with pytest.raises(ModelError, match="is no stylizer but a dcgan"):
        OnnxPainter(graph)


def test_fewer_bits_are_smaller_and_levels_are_those_of_arithmetic(stylizer: tuple[Path, Path]) -> None:
    graphs = {name: reduced(onnx.load(stylizer[1]), name) for name in ("float32", "float16", "int8")}
    sizes = [len(graph.SerializeToString()) for graph in graphs.values()]
    assert sizes == sorted(sizes, reverse=True)
    weights = {each.name: onnx.numpy_helper.to_array(each) for each in graphs["float32"].graph.initializer}
    stored = {each.name: onnx.numpy_helper.to_array(each) for each in graphs["int8"].graph.initializer}
    name = next(name.removesuffix("_levels") for name in stored if name.endswith("_levels"))
    levels, scale = stored[f"{name}_levels"], stored[f"{name}_scale"]
    widened = levels * scale.reshape(-1, *[1] * (levels.ndim - 1))
    assert np.abs(widened - weights[name]).max() <= 0.5 * scale.max() * 1.001
    assert np.abs(levels).max() == 127


def test_the_command_stylises_with_a_graph(stylizer: tuple[Path, Path], tmp_path: Path) -> None:
    photo, out = tmp_path / "photo.png", tmp_path / "out.png"
    Image.new("RGB", (50, 40), (90, 120, 200)).save(photo)
    assert main(["stylize", str(photo), "--model", str(stylizer[1]), "--style", "night", "--out", str(out)]) == 0
    assert read_picture(out).pixels.shape == (40, 50, 3)


def test_the_program_in_the_documentation_runs(
    stylizer: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", ENGINES.read_text(encoding="utf-8"), re.DOTALL)
    program = program.replace('"ink"', '"day"').replace('"monet"', '"night"')
    photo = np.random.default_rng(0).integers(0, 256, (45, 70, 3), dtype=np.uint8)
    Image.fromarray(photo).save(tmp_path / "photo.jpg", quality=100)
    shutil.copy(stylizer[1], tmp_path / "painter.onnx")
    monkeypatch.chdir(tmp_path)
    exec(compile(program, str(ENGINES), "exec"), {})
    painted = np.asarray(Image.open("painted.png")).astype(int)
    whole = read_picture(tmp_path / "photo.jpg").pixels[:40, :64]
    treatment = Treatment(flat_skies=False)
    expected = Stylizer(OnnxPainter(stylizer[1])).paint(whole, {"day": 0.6, "night": 0.4}, treatment).pixels
    assert np.abs(painted - expected).max() <= 1


def test_the_engine_of_a_command_exports_once(
    stylizer: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports = []

    def ready(model: Path, path: Path) -> None:
        exports.append(model)
        path.parent.mkdir(parents=True)
        shutil.copy(stylizer[1], path)

    monkeypatch.setattr(cache, "export", ready)
    monkeypatch.setenv("SHANSHUI_CACHE", str(tmp_path / "cache"))
    photo = tmp_path / "photo.png"
    # Normalisation makes anything of a photo without any detail.
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(photo)
    outs = [tmp_path / "torch.png", tmp_path / "onnx.png", tmp_path / "again.png"]
    for name, out in zip(("torch", "onnx", "onnx"), outs, strict=True):
        wanted = ["--model", str(stylizer[0]), "--style", "night", "--engine", name, "--out", str(out)]
        assert main(["stylize", str(photo), *wanted]) == 0
    one, other, again = (read_picture(out).pixels.astype(int) for out in outs)
    assert np.abs(one - other).mean() < 4  # graphs know no bf16
    assert np.array_equal(other, again)
    assert exports == [stylizer[0]]
    assert main(["stylize", str(photo), "--model", "gatys", "--style", "a.png", "--engine", "onnx"]) == 2


def test_a_painting_is_looked_at_as_pytorch_does(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"config": {"styles": []}, "inputs": {"image": [], "painting": []}, "step": 8}
    seen: list[list[torch.Tensor]] = []

    def run(session: object, inputs: list[torch.Tensor]) -> torch.Tensor:
        seen.append(inputs)
        return inputs[0]

    monkeypatch.setattr(engine, "_opened", lambda *_: (None, told))
    monkeypatch.setattr(engine, "run", run)
    OnnxPainter(Path("any.onnx"))(torch.zeros(1, 3, 50, 60), [Share(torch.zeros(1, 3, 800, 1000), 1.0)])
    assert [tuple(each.shape[2:]) for each in seen[0]] == [(56, 64), (256, 320)]


def test_scenes_come_from_either_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHANSHUI_CACHE", str(tmp_path / "cache"))
    wanted = ["generate", "--model", str(saved("dcgan", tmp_path)), "--count", "2", "--seed", "7"]
    for name in ("torch", "onnx"):
        assert main([*wanted, "--engine", name, "--out", str(tmp_path / name)]) == 0
    for number in range(2):
        one, other = (
            read_picture(tmp_path / name / f"scene-7-000{number}.png").pixels.astype(int) for name in ("torch", "onnx")
        )
        assert np.abs(one - other).max() <= 3
    assert main([*wanted, "--engine", "onnx", "--truncation", "0.5", "--out", str(tmp_path / "typical")]) == 2


@pytest.mark.slow
def test_the_command_tells_what_is_lost(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    snapshot, graph = saved("feedforward-stylizer", tmp_path), tmp_path / "graph.onnx"
    assert main(["export", str(snapshot), str(graph), "--precision", "int8", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["bytes"] == graph.stat().st_size
    assert 30 < told["psnr"] < 90


def test_what_cannot_be_exported_or_run_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"does not end in \.onnx"):
        export("painter", tmp_path / "graph.pt")
    with pytest.raises(ModelError, match="makes no pictures"):
        export("zones", tmp_path / "graph.onnx")
    (tmp_path / "other.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match="cannot be run as ONNX"):
        OnnxPainter(tmp_path / "other.onnx")
    with pytest.raises(ModelError, match="There is no file"):
        scenes(tmp_path / "missing.onnx", 1)
