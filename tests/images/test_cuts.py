"""Cuts are found, and nothing else is taken for one."""

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data
from sklearn.datasets import load_sample_image

from shanshui.images.footage.cuts import CutDetector
from shanshui.images.pixels import Pixels
from shanshui.images.resize import resize


@pytest.fixture(scope="module")
def scenes() -> list[NDArray[np.uint8]]:
    pictures = [load_sample_image("china.jpg"), load_sample_image("flower.jpg"), data.coffee(), data.rocket()]
    return [resize(picture, 180, 320) for picture in pictures]


def pan(scene: Pixels, count: int, step: int) -> list[Pixels]:
    return [scene[20:140, step * number : step * number + 160] for number in range(count)]


def found(frames: list[Pixels]) -> list[int]:
    detector = CutDetector()
    return [number for number, frame in enumerate(frames) if detector.begins(frame)]


def test_every_cut_between_scenes_is_found(scenes: list[Pixels]) -> None:
    frames = [frame for scene in scenes for frame in pan(scene, 6, 3)]
    assert found(frames) == [0, 6, 12, 18]


@pytest.mark.parametrize("step", [1, 10, 20])
def test_a_pan_is_one_shot_however_fast(scenes: list[Pixels], step: int) -> None:
    for scene in scenes:
        assert found(pan(scene, 8, step)) == [0]


def test_grain_and_a_fade_are_no_cuts(scenes: list[Pixels]) -> None:
    random = np.random.default_rng(0)
    grainy = [np.clip(f + random.normal(0, 12, f.shape), 0, 255).astype(np.uint8) for f in pan(scenes[0], 8, 2)]
    assert found(list(grainy)) == [0]
    fading = [(frame * (1 - number / 12)).astype(np.uint8) for number, frame in enumerate(pan(scenes[1], 12, 0))]
    assert found(list(fading)) == [0]


def test_sixteen_bits_have_the_same_cuts(scenes: list[Pixels]) -> None:
    frames = [frame.astype(np.uint16) * 257 for scene in scenes for frame in pan(scene, 3, 3)]
    assert found(list(frames)) == [0, 3, 6, 9]
