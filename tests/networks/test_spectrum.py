"""The spectrum means what filters and noise say it must: bands, blur, noise, contrast, tones."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage import data
from torch import Tensor

from shanshui.errors import ImageError
from shanshui.images.pixels import to_pixels, to_tensor
from shanshui.images.resize import fit_crop
from shanshui.networks.encoders.spectrum import BANDS, ENERGY_FLOOR, Spectrum, bands_of

SIDE = 128
FREQUENCIES = 2 * np.pi * np.fft.fftfreq(4 * SIDE)


def grey(values: NDArray[np.floating]) -> Tensor:
    """(H, W) -> (1, 3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).expand(1, 3, *values.shape)


def energies(images: Tensor) -> NDArray[np.float64]:
    """Mean square of each band without the floor, (N, B)."""
    logs: NDArray[np.float32] = Spectrum()(images)["spectrum"].numpy()
    result: NDArray[np.float64] = np.exp(logs.astype(np.float64)) - ENERGY_FLOOR
    return result


def white(seed: int, deviation: float = 0.2) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, deviation, (SIDE, SIDE))


def predicted(density: NDArray[np.float64]) -> NDArray[np.float64]:
    """Energies of noise of spectral `density` over FREQUENCIES x FREQUENCIES, by the formula in the docstring."""

    def low_pass(octave: int) -> NDArray[np.float64]:
        one = np.cos(2.0**octave * FREQUENCIES / 2) ** 2
        return np.outer(one, one)

    result = []
    for band in range(BANDS):
        result.append(float(np.mean(density * (1 - low_pass(band)) ** 2)))
        density = density * low_pass(band) ** 2
    return np.array(result)


def gaussian(sigma: float) -> NDArray[np.float64]:
    """Power transfer function of a Gaussian blur of `sigma` pixels."""
    one = np.exp(-((sigma * FREQUENCIES) ** 2))
    return np.outer(one, one)


def test_white_noise_has_the_energies_of_the_filters() -> None:
    measured = np.mean([energies(grey(white(seed)))[0] for seed in range(12)], axis=0)
    expected = predicted(np.full((FREQUENCIES.size,) * 2, 0.2**2))
    assert measured / expected == pytest.approx(1.0, abs=0.15)
    assert measured[:2] / expected[:2] == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_blur_lowers_bands_as_its_transfer_function_says(sigma: float) -> None:
    sharp = [white(seed) for seed in range(12)]
    blurred = [gaussian_filter(image, sigma, mode="wrap", truncate=6) for image in sharp]
    ratio = np.sum([energies(grey(image)) for image in blurred], 0) / np.sum([energies(grey(i)) for i in sharp], 0)
    flat = np.ones((FREQUENCIES.size,) * 2)
    expected = predicted(gaussian(sigma)) / predicted(flat)
    assert ratio[0][:3] / expected[:3] == pytest.approx(1.0, abs=0.05)
    assert expected[0] < 0.1 and expected[4] > 0.5


def test_noise_adds_its_energy() -> None:
    photo = to_tensor(fit_crop(data.rocket(), SIDE, SIDE)) * 0.5
    before = energies(photo)[0]
    after = np.mean([energies(photo + grey(white(seed, 0.1)))[0] for seed in range(12)], axis=0)
    expected = predicted(np.full((FREQUENCIES.size,) * 2, 0.1**2))
    assert (after - before)[:2] / expected[:2] == pytest.approx(1.0, abs=0.1)
    assert after[0] > 5 * before[0]


def test_contrast_scales_energies_by_its_square_and_brightness_not_at_all() -> None:
    photo = to_tensor(fit_crop(data.chelsea(), SIDE, SIDE)) * 0.5
    assert energies(photo * 0.5)[0] == pytest.approx(energies(photo)[0] / 4, rel=1e-3)
    assert energies(photo + 0.3)[0] == pytest.approx(energies(photo)[0], rel=1e-3)
    before, brighter = (Spectrum()(images)["tone"][0] for images in (photo, photo + 0.3))
    assert (brighter - before).numpy() == pytest.approx(np.array([0.3, 0.3, 0.3, 0, 0, 0]), abs=1e-5)
    assert Spectrum()(photo * 0.5)["tone"].numpy() == pytest.approx(before.numpy()[None] / 2, abs=1e-5)


def test_a_checkerboard_is_all_in_the_finest_band() -> None:
    board = np.where(np.indices((SIDE, SIDE)).sum(0) % 2, 1.0, -1.0)
    stripes = np.where(np.indices((SIDE, SIDE))[0] % 2, 1.0, -1.0)
    for finest in (board, stripes):
        assert energies(grey(finest))[0] == pytest.approx([1, 0, 0, 0, 0], abs=1e-6)


def test_each_octave_of_waves_is_strongest_in_its_own_band() -> None:
    """Waves of 3, 6, 12, 24 and 48 pixels."""
    place = np.arange(192)
    for band in range(BANDS):
        wave = np.broadcast_to(np.sin(2 * np.pi * place / (3 * 2**band)), (192, 192))
        assert int(energies(grey(wave))[0].argmax()) == band


def test_a_flat_image_is_finite_and_at_the_floor() -> None:
    spectrum = Spectrum()(torch.full((2, 3, 64, 64), 0.7))["spectrum"]
    assert spectrum.numpy() == pytest.approx(np.log(ENERGY_FLOOR), abs=1e-3)


def test_the_floor_is_the_error_of_rounding_to_eight_bits() -> None:
    images = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(0)) * 2 - 1
    error = to_tensor(to_pixels(images)) - images
    assert error.square().mean().item() == pytest.approx(ENERGY_FLOOR, rel=0.02)


def test_tones_are_means_and_deviations_of_each_channel() -> None:
    images = torch.rand(3, 3, 20, 31, generator=torch.Generator().manual_seed(0)) * 2 - 1
    pixels = images.numpy().reshape(3, 3, -1)
    expected = np.concatenate([pixels.mean(2), pixels.std(2)], axis=1)
    assert Spectrum()(images)["tone"].numpy() == pytest.approx(expected, abs=1e-6)


def test_luma_weighs_green_most() -> None:
    noise = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)) - 0.5
    shares = [energies(noise * torch.eye(3)[channel].view(1, 3, 1, 1))[0, 0] for channel in range(3)]
    assert np.sqrt(shares / energies(noise.expand(1, 3, -1, -1))[0, 0]) == pytest.approx(
        [0.2126, 0.7152, 0.0722], rel=1e-2
    )


def test_images_do_not_touch_each_other() -> None:
    images = torch.rand(4, 3, 40, 70, generator=torch.Generator().manual_seed(0)) * 2 - 1
    whole = Spectrum()(images)
    for name, rows in whole.items():
        assert torch.allclose(Spectrum()(images[2:3])[name], rows[2:3], atol=1e-5)
        assert rows.dtype == torch.float32


def test_smaller_images_have_fewer_bands() -> None:
    sides = {4: 1, 7: 1, 8: 2, 15: 2, 16: 3, 31: 3, 32: 4, 63: 4, 64: 5, 65: 5, 1024: 5}
    assert {side: bands_of(side, 2048) for side in sides} == sides
    for side in (4, 9, 33, 64):
        assert Spectrum()(torch.rand(2, 3, side, 90))["spectrum"].shape == (2, sides.get(side, bands_of(side, 90)))
    with pytest.raises(ImageError, match="90 x 3 pixels"):
        Spectrum()(torch.zeros(1, 3, 3, 90))
