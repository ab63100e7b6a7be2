"""One pass over generated images: variety, recall, movement and copies, on features whose answer is known."""

from collections.abc import Iterable

import numpy as np
import pytest
import torch

from shanshui.evaluation.examination import copies, movement
from shanshui.evaluation.features import FeatureSet, Image
from shanshui.evaluation.judge import TRACED, Judge
from shanshui.evaluation.manifolds import Comparison

SIDE = 4
FEATURE = "vgg19_relu5_4"
RANDOM = np.random.default_rng(0)
PHOTOS = list(RANDOM.integers(0, 256, (60, SIDE, SIDE, 3), dtype=np.uint8))
OTHERS = list(RANDOM.integers(0, 256, (60, SIDE, SIDE, 3), dtype=np.uint8))


def pixels(images: torch.Tensor) -> dict[str, torch.Tensor]:
    return {FEATURE: images.flatten(1)}


def features(images: Iterable[Image]) -> np.ndarray:
    planes = np.stack(list(images)).transpose(0, 3, 1, 2)
    return (planes.reshape(len(planes), -1) / 127.5 - 1).astype(np.float32)


def judge(heldout: Iterable[Image] | None = None) -> Judge:
    rows = {} if heldout is None else {FEATURE: FeatureSet(FEATURE, features(heldout))}
    reference = {FEATURE: FeatureSet(FEATURE, features(PHOTOS))}
    return Judge(
        reference,
        pixels,
        height=SIDE,
        width=SIDE,
        fakes=30,
        figures=[f"kid_{FEATURE}"],
        heldout=rows,
        photo=lambda row: PHOTOS[row],
    )


def test_images_of_the_same_kind_are_varied_and_copy_nothing() -> None:
    seen = judge()(lambda count: OTHERS[:count])
    assert seen.variety == pytest.approx(1.0, abs=0.1)
    assert seen.copies is not None and seen.copies.share <= 0.1
    assert list(seen.figures) == [f"kid_{FEATURE}_4px_60v30"] == list(seen.errors)


@pytest.mark.parametrize("heldout", [None, OTHERS[30:]])
def test_copies_are_found_and_shown_beside_their_photographs(heldout: list[Image] | None) -> None:
    made = [*PHOTOS[40:45], *OTHERS[:25]]
    seen = judge(heldout)(lambda count: made[:count])
    assert seen.copies is not None
    assert {pair for pair in seen.copies.pairs if pair[0] < 5} == {(row, 40 + row) for row in range(5)}
    assert seen.copies.share >= 5 / 30 and seen.copies.expected < 0.05
    for place in range(5):
        np.testing.assert_array_equal(seen.evidence[2 * place], seen.evidence[2 * place + 1])


def test_one_image_again_and_again_has_no_variety() -> None:
    seen = judge()(lambda count: OTHERS[:1] * count)
    assert seen.variety == pytest.approx(0.0, abs=1e-6) and seen.recall == 0.0


def test_movement_is_counted_in_distances_of_real_neighbours() -> None:
    one = judge()
    first = one(lambda count: OTHERS[:count])
    assert first.movement is None and len(first.trace) == min(TRACED, 30)
    assert one(lambda count: OTHERS[:count], first.trace).movement == pytest.approx(0.0, abs=1e-6)
    # Images that were exchanged for others moved as far as two random images lie apart.
    moved = one(lambda count: OTHERS[count : 2 * count], first.trace).movement
    real, now, before = features(PHOTOS), features(OTHERS[30:]), features(OTHERS[:30])
    apart = np.linalg.norm(real[:, None] - real, axis=2) + np.where(np.eye(60), np.inf, 0)
    expected = np.linalg.norm(now - before, axis=1).mean() / apart.min(axis=1).mean()
    assert moved == pytest.approx(expected, rel=1e-5)


def test_what_cannot_be_told_is_none() -> None:
    same = np.ones((8, 3), np.float32)
    assert movement(same, same, np.zeros(8)) is None
    real = np.concatenate([same, RANDOM.normal(size=(4, 3)).astype(np.float32)])
    fake = RANDOM.normal(size=(6, 3)).astype(np.float32)
    assert copies(Comparison(real, fake), real, fake, None) is None, "too few photographs differ"
