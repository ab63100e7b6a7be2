"""Scenes over the service that are changed by name, or lie between two others: the same as from Python."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shanshui.images.files import read_picture
from shanshui.pipelines.interpolate import Interpolator
from shanshui.pipelines.steering.editor import SceneEditor


def same(server: Any, order: dict[str, Any], scenes: Iterable[Image.Image], *, apart: int = 0) -> None:
    contents = server.pictures(server.order("/v1/generate", json=order))
    for content, scene in zip(contents, scenes, strict=True):
        difference = read_picture(content).pixels.astype(int) - np.asarray(scene)
        assert np.abs(difference).max() <= apart


def test_controls_change_scenes_as_in_python(server: Any, models: Path) -> None:
    editor = SceneEditor.from_pretrained(models / "landscape.safetensors")
    expected = editor.edit([(3, 0), (3, 1)], {"brighter": 1.5})
    # Processes with other numbers of threads round otherwise, and a scene is looked for step by step.
    same(server, {"seed": 3, "count": 2, "control": ["brighter=1.5"]}, expected, apart=1)


def test_a_way_goes_from_one_scene_to_the_other_as_in_python(server: Any, models: Path) -> None:
    interpolator = Interpolator.from_pretrained(models / "landscape.safetensors")
    same(server, {"seed": 3, "towards": 4, "count": 5}, interpolator.frames(interpolator.journey([3, 4]), 5))


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        ({"control": ["brihgter=1"]}, "did you mean 'brighter'"),
        ({"control": ["brighter"]}, "write NAME=STRENGTH"),
        ({"control": ["brighter=7"]}, "outside -6 to 6"),
        ({"control": ["brighter=nan"]}, "outside -6 to 6"),
        ({"control": ["brighter=1"], "wrap": True}, "own size"),
        ({"towards": 4}, "at least 2 scenes"),
        ({"towards": 4, "count": 3, "width": 64}, "own size"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(server: Any, order: dict[str, Any], sentence: str) -> None:
    answer = server.client.post("/v1/generate", json=order)
    assert answer.status_code == 422 and sentence in answer.json()["detail"]
