"""Structural similarity: the values of scikit-image, cases known without it, and the scales that fit."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage import data
from skimage.metrics import structural_similarity
from sklearn.datasets import load_sample_image
from torch import Tensor

from shanshui.errors import ImageError
from shanshui.evaluation.similarity import SCALE_WEIGHTS, ms_ssim, scale_weights, ssim
from shanshui.images.pixels import to_tensor
from shanshui.images.resize import fit_crop


def photos(height: int, width: int) -> list[NDArray[np.uint8]]:
    """Four photographs and three versions of the first: darker, noisy, mirrored."""
    sources = [load_sample_image("china.jpg"), load_sample_image("flower.jpg"), data.chelsea(), data.rocket()]
    pictures = [fit_crop(source, height, width) for source in sources]
    first = pictures[0]
    noise = np.random.default_rng(0).integers(0, 40, first.shape, dtype=np.uint8)
    return [*pictures, first, first // 2, first // 2 + noise, first[:, ::-1]]


def by_scikit_image(first: NDArray[np.float64], second: NDArray[np.float64], *, luminance: float = 0.01) -> float:
    """SSIM of two planes of values in [0, 1]; a huge `luminance` constant leaves contrast and structure alone."""
    return float(
        structural_similarity(
            first,
            second,
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            K1=luminance,
        )
    )


def multi_scale_by_scikit_image(first: NDArray[np.uint8], second: NDArray[np.uint8], scales: int) -> float:
    """Scale by scale and channel by channel, as the paper of 2003 is written."""
    values = []
    for one, two in zip(np.moveaxis(first / 255, 2, 0), np.moveaxis(second / 255, 2, 0), strict=True):
        value = 1.0
        for scale in range(scales):
            weight = SCALE_WEIGHTS[scale] / sum(SCALE_WEIGHTS[:scales])
            last = scale == scales - 1
            value *= max(by_scikit_image(one, two, luminance=0.01 if last else 1e6), 0.0) ** weight
            one, two = halved(one), halved(two)
        values.append(value)
    return float(np.mean(values))


def halved(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, columns = plane.shape[0] // 2, plane.shape[1] // 2
    halves: NDArray[np.float64] = plane[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).mean((1, 3))
    return halves


def noise(seed: int, count: int = 2, side: int = 44) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_one_scale_equals_scikit_image_on_photographs() -> None:
    pictures = photos(60, 81)
    for first, second in zip(pictures, [*pictures[1:], pictures[0]], strict=True):
        expected = structural_similarity(
            first, second, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        assert ssim(to_tensor(first), to_tensor(second)).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("height", "width", "scales"), [(95, 121, 4), (176, 200, 5)])
def test_several_scales_equal_scikit_image_scale_by_scale(height: int, width: int, scales: int) -> None:
    pictures = photos(height, width)
    for first, second in zip(pictures, [*pictures[1:], pictures[0]], strict=True):
        expected = multi_scale_by_scikit_image(first, second, scales)
        assert ms_ssim(to_tensor(first), to_tensor(second)).item() == pytest.approx(expected, abs=2e-5)


def test_equal_images_score_one_and_inverted_ones_nothing() -> None:
    images = noise(0)
    assert ssim(images, images).numpy() == pytest.approx(1.0, abs=1e-6)
    assert ms_ssim(images, images).numpy() == pytest.approx(1.0, abs=1e-6)
    assert (ssim(images, -images) < -0.8).all()
    assert (ms_ssim(images, -images) == 0).all()


def test_flat_images_differ_by_luminance_alone() -> None:
    """Greys a and b of [0, 1] score (2ab + .0001) / (a^2 + b^2 + .0001), to the power of the coarsest scale."""
    dark, light = 0.25, 0.75
    expected = (2 * dark * light + 1e-4) / (dark**2 + light**2 + 1e-4)
    first, second = (torch.full((1, 3, 44, 44), 2 * grey - 1) for grey in (dark, light))
    assert ssim(first, second).item() == pytest.approx(expected, abs=1e-5)
    assert ms_ssim(first, second).item() == pytest.approx(expected ** scale_weights(44, 44)[-1], abs=1e-5)


def test_a_constant_shift_leaves_contrast_and_structure() -> None:
    images = noise(1) * 0.2
    shifted = ms_ssim(images, images + 0.1)
    means = (images.mean((2, 3)) + 1) / 2
    luminance = (2 * means * (means + 0.05)) / (means**2 + (means + 0.05) ** 2)
    expected = (luminance ** scale_weights(44, 44)[-1]).mean(1)
    assert shifted.numpy() == pytest.approx(expected.numpy(), abs=1e-4)


def test_half_the_contrast_is_known_at_every_scale() -> None:
    """Where variances dwarf the constants, contrast c : 1 scores 2c / (1 + c^2)."""
    images = noise(2, side=22)
    assert ssim(images, images * 0.5).mean().item() == pytest.approx(0.8, abs=0.02)


def test_colour_counts() -> None:
    """Red and blue exchanged: the same greys, and yet another scene."""
    scene = noise(3)
    assert (ms_ssim(scene, scene.flip(1)) < 0.5).all()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_pairs_are_independent_and_symmetric(seed: int) -> None:
    first, second = noise(2 * seed, 3, 22), noise(2 * seed, 3, 22) * 0.5 + noise(2 * seed + 1, 3, 22) * 0.5
    whole = ms_ssim(first, second)
    assert ((whole >= 0) & (whole <= 1)).all()
    assert ms_ssim(first[1:2], second[1:2]).item() == pytest.approx(whole[1].item(), abs=1e-6)
    assert ms_ssim(second, first).numpy() == pytest.approx(whole.numpy(), abs=1e-6)
    assert ms_ssim(first.flip(3), second.flip(3)).numpy() == pytest.approx(whole.numpy(), abs=1e-5)


def test_as_many_scales_as_hold_the_window() -> None:
    counts = {11: 1, 21: 1, 22: 2, 43: 2, 44: 3, 87: 3, 88: 4, 128: 4, 175: 4, 176: 5, 256: 5, 1024: 5}
    for side, count in counts.items():
        weights = scale_weights(side, 2 * side)
        assert len(weights) == count == len(scale_weights(2 * side, side))
        assert math.fsum(weights) == pytest.approx(1.0)
        assert weights[0] / weights[-1] == pytest.approx(SCALE_WEIGHTS[0] / SCALE_WEIGHTS[count - 1])


def test_what_cannot_be_compared_is_one_sentence() -> None:
    for measure in (ssim, ms_ssim):
        with pytest.raises(ImageError, match="30 x 10 pixels are too small"):
            measure(torch.zeros(1, 3, 10, 30), torch.zeros(1, 3, 10, 30))
        with pytest.raises(ImageError, match="one NCHW shape"):
            measure(torch.zeros(1, 3, 20, 20), torch.zeros(2, 3, 20, 20))
