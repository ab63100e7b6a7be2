"""Judging translations: how near to paintings as the judge says, and how far from the photos, in order."""

from collections.abc import Iterable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from shanshui.errors import DataError
from shanshui.evaluation import Judge, extract
from shanshui.evaluation.features import Image
from shanshui.evaluation.protocols import Protocol
from shanshui.evaluation.translation import TranslationJudge

SIDE, PAINTINGS, PICTURES, COMPARED = 16, 14, 12, 5


class MeanColours(nn.Module):
    """The mean colours of both halves of an image as features."""

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        halves = torch.cat([half.mean((2, 3)) for half in images.chunk(2, dim=3)], dim=1)
        return {"vgg19_relu4_4": halves, "vgg19_relu5_4": halves}


def images(seed: int, count: int) -> list[Image]:
    return list(np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8))


def difference(first: Tensor, second: Tensor) -> Tensor:
    """Mean absolute difference, from 0 to 2."""
    return (first - second).abs().mean((1, 2, 3))


@pytest.fixture
def photos() -> list[Image]:
    return images(1, PICTURES)


@pytest.fixture
def inner() -> Judge:
    network = MeanColours()
    reference = extract(images(0, PAINTINGS), network, height=SIDE, width=SIDE)
    return Judge(reference, network, height=SIDE, width=SIDE, fakes=PICTURES)


@pytest.fixture
def judge(inner: Judge, photos: list[Image]) -> TranslationJudge:
    return TranslationJudge(inner, photos[:COMPARED], difference, name="pixels", height=SIDE, width=SIDE)


def test_photos_left_alone_have_no_change_of_content(
    judge: TranslationJudge, inner: Judge, photos: list[Image]
) -> None:
    found, alone = judge(lambda count: photos[:count]), inner(lambda count: photos[:count])
    name = judge.names[-1]
    assert name == "content_pixels_16px_5" and Protocol.parse(name).measure == "content"
    assert found.figures == {**alone.figures, name: 0.0} and found.errors[name] == 0
    assert tuple(found.figures) == judge.names


def test_the_change_is_the_mean_over_the_photos_compared(judge: TranslationJudge, photos: list[Image]) -> None:
    """Pictures are negatives: each differs from its own photo by a known amount, and the sixth does not count."""
    negatives = [255 - photo for photo in photos]

    def draw(count: int) -> Iterable[Image]:
        return [*negatives[:COMPARED], *photos[COMPARED:count]]

    expected = [np.abs(255.0 - 2.0 * photo).mean() / 127.5 for photo in photos[:COMPARED]]
    found = judge(draw)
    assert found.figures[judge.names[-1]] == pytest.approx(np.mean(expected), rel=1e-5)
    assert found.errors[judge.names[-1]] == pytest.approx(np.std(expected, ddof=1) / np.sqrt(COMPARED), rel=1e-4)


def test_the_distance_to_the_paintings_chooses(judge: TranslationJudge) -> None:
    assert judge.choosing(None) == judge.names[0] and judge.names[0].startswith("kid_")


def test_too_few_pictures_are_refused(judge: TranslationJudge, photos: list[Image]) -> None:
    with pytest.raises(DataError):
        judge(lambda count: photos[:3])
