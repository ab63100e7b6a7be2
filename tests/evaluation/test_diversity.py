"""Diversity: a fair sample, the same in every order, and the right mean and error over its pairs."""

import math
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from shanshui.errors import ConfigError, DataError, ImageError, NonFiniteError
from shanshui.evaluation.diversity import PixelSample, pair_figure
from shanshui.evaluation.features import Image
from shanshui.evaluation.similarity import ms_ssim


def images(seed: int, count: int, side: int = 4) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def sampled(stream: NDArray[np.uint8], size: int = 400) -> PixelSample:
    sample = PixelSample(size)
    for image in stream:
        sample.add(image)
    return sample


def same(first: Tensor, second: Tensor) -> Tensor:
    """1 for equal images, else 0."""
    return (first == second).flatten(1).all(1).float()


def gap(first: Tensor, second: Tensor) -> Tensor:
    """Difference of mean brightness."""
    return (first.mean((1, 2, 3)) - second.mean((1, 2, 3))).abs()


def names(sample: PixelSample) -> list[tuple[bytes, bytes]]:
    return [(first.tobytes(), second.tobytes()) for first, second in sample.pairs()]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**16), size=st.integers(2, 40))
def test_order_does_not_matter(seed: int, size: int) -> None:
    """Neither which images are kept nor who is paired with whom, duplicates included."""
    distinct = images(seed, 20)
    stream = np.concatenate([distinct, distinct[:6], distinct[:3]])
    shuffled = np.random.default_rng(seed).permutation(stream)
    assert names(sampled(stream, size)) == names(sampled(shuffled, size))
    assert len(sampled(stream, size)) == min(size, len(stream))


def test_a_short_stream_is_kept_whole_and_pairs_are_disjoint() -> None:
    stream = images(0, 31)
    kept = [name for pair in names(sampled(stream)) for name in pair]
    assert len(kept) == len(set(kept)) == 30
    assert set(kept) <= {image.tobytes() for image in stream}


def test_every_image_has_the_same_chance() -> None:
    """Binomial counts over many streams: no preference for bright images or dark ones, for first or for last."""
    brightness, place = [], []
    for seed in range(60):
        stream = images(seed, 50, side=1)
        where = {image.tobytes(): index for index, image in enumerate(stream)}
        kept = [image for pair in sampled(stream, 10).pairs() for image in pair]
        brightness += [float(image.mean()) for image in kept]
        place += [where[image.tobytes()] for image in kept]
    assert len(place) == 600
    assert np.mean(place) == pytest.approx(24.5, abs=4 * 50 / math.sqrt(12 * 600))
    assert np.mean(brightness) == pytest.approx(127.5, abs=4 * 256 / math.sqrt(36 * 600))


def test_pairs_are_random_pairs_of_the_whole_stream() -> None:
    """The figure agrees, within its own error, with the mean over all pairs: also when images repeat unevenly."""
    pixels = np.random.default_rng(1).integers(0, 256, (200, 1, 1, 1)).astype(np.uint8)
    distinct = np.broadcast_to(pixels, (200, 2, 2, 3)).copy()
    distinct[:, 0, 0] = images(2, 200, side=1)[:, 0, 0]
    stream = np.concatenate([distinct, *[distinct[:1]] * 150, *[distinct[1:20]] * 4])
    levels = stream.astype(np.float64).mean((1, 2, 3)) / 127.5
    expected = float(np.mean([abs(one - other) for one, other in combinations(levels, 2)]))
    estimate = pair_figure(sampled(stream), gap)
    assert estimate.standard_error is not None
    assert estimate.value == pytest.approx(expected, abs=3 * estimate.standard_error)
    assert estimate.standard_error < 0.1 * expected


def test_duplicates_keep_their_proportion() -> None:
    """Ten copies each of fifty images: a pair is equal with probability 9/499."""
    values = [pair_figure(sampled(np.repeat(images(seed, 50), 10, axis=0)), same).value for seed in range(20)]
    expected = 9 / 499
    assert np.mean(values) == pytest.approx(expected, abs=4 * math.sqrt(expected / (20 * 200)))


def test_copies_of_one_image_are_perfectly_alike() -> None:
    estimate = pair_figure(sampled(np.repeat(images(0, 1, side=11), 400, axis=0)), ms_ssim)
    assert estimate.value == pytest.approx(1.0, abs=1e-5)
    assert estimate.standard_error == pytest.approx(0.0, abs=1e-6)
    assert pair_figure(sampled(images(0, 400, side=11)), ms_ssim).value < 0.3


def test_the_standard_error_is_the_spread_of_repeated_measurements() -> None:
    estimates = [pair_figure(sampled(images(seed, 60, side=1)), gap) for seed in range(100)]
    claimed = float(np.mean([estimate.standard_error for estimate in estimates if estimate.standard_error]))
    assert float(np.std([estimate.value for estimate in estimates])) == pytest.approx(claimed, rel=0.25)


@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_the_batch_does_not_show(batch_size: int) -> None:
    sample = sampled(images(3, 40))
    whole, parts = pair_figure(sample, gap), pair_figure(sample, gap, batch_size=batch_size)
    assert parts.value == pytest.approx(whole.value, rel=1e-6)
    assert parts.standard_error == pytest.approx(whole.standard_error, rel=1e-5)


def test_the_distance_sees_what_networks_see() -> None:
    seen = []

    def watched(first: Tensor, second: Tensor) -> Tensor:
        seen.append(torch.cat([first, second]))
        return first.mean((1, 2, 3))

    pair_figure(sampled(images(0, 12, side=8)), watched, batch_size=4)
    assert [tuple(batch.shape) for batch in seen] == [(8, 3, 8, 8), (4, 3, 8, 8)]
    assert all(batch.dtype == torch.float32 and batch.min() >= -1 and batch.max() <= 1 for batch in seen)


def test_the_sample_keeps_pixels_of_its_own() -> None:
    stream = images(0, 6)
    sample = sampled(stream)
    before = names(sample)
    stream[:] = 0
    assert names(sample) == before


def test_what_a_user_can_do_wrong_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match="holds no pair"):
        PixelSample(1)
    with pytest.raises(DataError, match="at least 4 images, and there are 3"):
        pair_figure(sampled(images(0, 3)), same)
    sample = sampled(images(0, 2))
    odd: Image = np.zeros((4, 6, 3), np.uint8)
    with pytest.raises(ImageError, match=r"\(4, 4, 3\) and \(4, 6, 3\)"):
        sample.add(odd)
    with pytest.raises(NonFiniteError, match="NaN or infinite"):
        pair_figure(sampled(images(0, 6)), lambda first, second: same(first, second) / 0 * 0)
