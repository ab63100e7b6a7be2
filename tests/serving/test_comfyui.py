"""ComfyUI's contract: its loader finds the nodes, its types go in and come out, its progress and interruption work."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from shanshui.checkpoints import zoo
from shanshui.errors import ConfigError
from shanshui.pipelines.generate import SceneGenerator
from shanshui.pipelines.inpaint import SceneInpainter
from shanshui.pipelines.stylize import Stylizer

FOLDER = Path(__file__).parents[2] / "integrations" / "comfyui"


class StoppedError(Exception):
    """As ComfyUI raises it."""


class Comfy:
    """What the nodes use of ComfyUI."""

    def __init__(self) -> None:
        self.bars: list[list[int]] = []
        self.stopped = False
        self.modules = {name: ModuleType(name) for name in ("comfy", "comfy.utils", "comfy.model_management")}
        self.modules["comfy"].__path__ = []
        for name in ("utils", "model_management"):
            setattr(self.modules["comfy"], name, self.modules[f"comfy.{name}"])
        self.modules["comfy.utils"].ProgressBar = self.bar  # type: ignore[attr-defined]
        management: Any = self.modules["comfy.model_management"]
        management.get_torch_device = lambda: torch.device("cpu")
        management.throw_exception_if_processing_interrupted = self.check

    def bar(self, total: int) -> Any:
        told = [total, 0]
        self.bars.append(told)

        class Bar:
            def update(self, value: int) -> None:
                told[1] += value

        return Bar()

    def check(self) -> None:
        if self.stopped:
            raise StoppedError


@pytest.fixture
def comfy(monkeypatch: pytest.MonkeyPatch) -> Comfy:
    comfy = Comfy()
    for name, module in comfy.modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return comfy


@pytest.fixture
def nodes(comfy: Comfy, models: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What ComfyUI's loader finds, loaded as it does: by file, under the folder's path as a name."""
    monkeypatch.setattr(zoo, "ZOO", models)
    name = str(FOLDER).replace(".", "_x_")
    specification = importlib.util.spec_from_file_location(
        name, FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
    )
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    assert module.NODE_DISPLAY_NAME_MAPPINGS.keys() == module.NODE_CLASS_MAPPINGS.keys()
    yield dict(module.NODE_CLASS_MAPPINGS)
    for each in [key for key in sys.modules if key.startswith(name)]:
        del sys.modules[each]


@pytest.fixture
def images() -> Tensor:
    return torch.rand(2, 44, 60, 3, generator=torch.Generator().manual_seed(0))


def run(node: Any, **given: Any) -> Tensor:
    """As ComfyUI's executor: inputs by name, those left out at their defaults, the first output."""
    kinds = node.INPUT_TYPES()
    values = {}
    for name, (kind, *options) in kinds["required"].items():
        if name in given:
            values[name] = given.pop(name)
        else:
            values[name] = kind[0] if isinstance(kind, list) else options[0]["default"]
    assert given.keys() <= kinds.get("optional", {}).keys()
    outputs = getattr(node(), node.FUNCTION)(**values, **given)
    assert len(outputs) == len(node.RETURN_TYPES)
    image: Tensor = outputs[0]
    assert image.dtype == torch.float32 and image.ndim == 4 and image.shape[3] == 3
    assert image.min() >= 0 and image.max() <= 1
    return image


def test_the_loader_finds_four_nodes_with_comfyuis_types(nodes: dict[str, Any]) -> None:
    assert sorted(nodes) == ["ShanshuiCompose", "ShanshuiGenerate", "ShanshuiInpaint", "ShanshuiStylise"]
    for node in nodes.values():
        assert node.RETURN_TYPES == ("IMAGE",)
        assert callable(getattr(node, node.FUNCTION))
        for kind, *_ in (node.INPUT_TYPES()["required"] | node.INPUT_TYPES().get("optional", {})).values():
            assert isinstance(kind, list) or kind in {"IMAGE", "MASK", "INT", "FLOAT", "BOOLEAN", "STRING"}


def test_scenes_are_those_of_the_generator(nodes: dict[str, Any], comfy: Comfy) -> None:
    scenes = run(nodes["ShanshuiGenerate"], seed=3, count=3)
    expected = [np.asarray(scene) for scene in SceneGenerator.from_pretrained("landscape").generate(3, 3)]
    assert np.abs((scenes * 255).numpy() - np.stack(expected)).max() <= 1
    assert comfy.bars == [[3, 3]]
    assert run(nodes["ShanshuiGenerate"], width=128, wrap=True).shape == (1, 32, 128, 3)


def test_photos_are_painted_one_by_one_in_sixteen_bits(nodes: dict[str, Any], comfy: Comfy, images: Tensor) -> None:
    painted = run(nodes["ShanshuiStylise"], image=images, style="monet:0.6, ink:0.4", strength=0.5)
    assert painted.shape == images.shape
    assert comfy.bars == [[2, 2]]
    photo = np.rint(images[1].numpy() * 65535).astype(np.uint16)
    expected = np.asarray(Stylizer.from_pretrained("painter")(photo, {"monet": 0.6, "ink": 0.4}, 0.5))
    assert np.abs(painted[1].numpy() * 255 - expected).max() <= 1
    untouched = run(nodes["ShanshuiStylise"], image=images, strength=0.0)
    assert (untouched - images).abs().max() < 1e-4


def test_a_painting_takes_the_place_of_a_name(nodes: dict[str, Any], images: Tensor) -> None:
    given = {"image": images[:1], "painting": torch.rand(1, 50, 40, 3)}
    named = run(nodes["ShanshuiStylise"], image=images[:1])
    after = run(nodes["ShanshuiStylise"], **given)
    assert after.shape == named.shape and not torch.equal(after, named)
    assert run(nodes["ShanshuiCompose"], **given).shape == named.shape


def test_masks_are_dealt_out(nodes: dict[str, Any], images: Tensor) -> None:
    masks = torch.zeros(2, 44, 60)
    masks[1, :, :30] = 1
    painted = run(nodes["ShanshuiStylise"], image=images, mask=masks)
    assert (painted[0] - images[0]).abs().max() < 1e-4
    assert (painted[1, :, 30:] - images[1, :, 30:]).abs().max() < 1e-4
    assert (painted[1, :, :30] - images[1, :, :30]).abs().mean() > 0.01


def test_paintings_go_back_to_nature(nodes: dict[str, Any], images: Tensor) -> None:
    near, far, other = (
        run(nodes["ShanshuiCompose"], image=images[:1], style="ink", naturalness=naturalness, seed=seed)
        for naturalness, seed in ((0.0, 0), (1.0, 0), (1.0, 1))
    )
    assert not torch.equal(near, far) and not torch.equal(far, other)


def test_holes_are_filled_and_nothing_else(nodes: dict[str, Any], images: Tensor) -> None:
    mask = torch.zeros(44, 60)
    mask[10:30, 20:40] = 1
    filled = run(nodes["ShanshuiInpaint"], image=images, mask=mask, seed=5)
    outside = mask == 0
    assert (filled - images)[:, outside].abs().max() < 1e-4
    photo = np.rint(images[0].numpy() * 65535).astype(np.uint16)
    expected = SceneInpainter.from_pretrained("inpainter").inpaint(photo, mask.numpy(), seed=5).pixels
    assert np.abs(filled[0].numpy() * 65535 - expected).max() < 1


def test_comfyui_may_interrupt_and_is_told_what_is_wrong(nodes: dict[str, Any], comfy: Comfy, images: Tensor) -> None:
    with pytest.raises(ConfigError, match="There is no style 'nobody'"):
        run(nodes["ShanshuiStylise"], image=images, style="nobody")
    comfy.stopped = True
    with pytest.raises(StoppedError):
        run(nodes["ShanshuiGenerate"], count=2)
