"""Features of many images: bounded memory changes where they lie, never what they are."""

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from shanshui.evaluation import features
from shanshui.evaluation.features import extract

SIDE = 8


def first_pixels(images: torch.Tensor) -> Mapping[str, torch.Tensor]:
    return {"tiny_first": images.flatten(1)[:, :6], "tiny_last": images.flatten(1)[:, -3:]}


def noise(count: int) -> Iterator[NDArray[np.uint8]]:
    random = np.random.default_rng(0)
    return (random.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8) for _ in range(count))


def test_features_that_outgrow_memory_go_on_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    held = extract(noise(50), first_pixels, height=SIDE, width=SIDE, batch_size=7)
    monkeypatch.setattr(features, "RESIDENT_BYTES", 600)
    monkeypatch.setattr(features, "_BLOCK_ROWS", 16)
    spilled = extract(noise(50), first_pixels, height=SIDE, width=SIDE, batch_size=7)
    assert isinstance(spilled["tiny_first"].values, np.memmap)
    assert isinstance(held["tiny_first"].values, np.ndarray)
    assert not isinstance(held["tiny_first"].values, np.memmap)
    for name in held:
        np.testing.assert_array_equal(spilled[name].values, held[name].values)


@pytest.mark.parametrize("block_rows", [1, 5, 7, 49, 50, 51])
def test_features_do_not_depend_on_how_they_are_kept(block_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = extract(noise(50), first_pixels, height=SIDE, width=SIDE, batch_size=7)
    monkeypatch.setattr(features, "_BLOCK_ROWS", block_rows)
    found = extract(noise(50), first_pixels, height=SIDE, width=SIDE, batch_size=7)
    for name in expected:
        np.testing.assert_array_equal(found[name].values, expected[name].values)


def test_every_image_is_shown_once_as_the_network_sees_it() -> None:
    seen: list[NDArray[np.uint8]] = []
    extract(noise(5), first_pixels, height=4, width=6, batch_size=2, watch=seen.append)
    assert [image.shape for image in seen] == [(4, 6, 3)] * 5
