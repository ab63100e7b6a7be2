"""How much detail an image has at each size, and its tones: features that are arithmetic, with nothing learnt.

Bands are those of a Laplacian pyramid (Burt and Adelson 1983, "The Laplacian Pyramid as a Compact Image Code") with
two departures. The low-pass filter is the binomial (1, 2, 1) / 4 in each direction instead of five taps: it removes
the finest checkerboard completely and halves a wave of four pixels, so that bands meet at octaves. And a band is the
image minus its low-pass at full density, not minus an interpolation, so that its energy follows from the filter alone.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shanshui.errors import ImageError

BANDS = 5
"""Octave bands of an image whose shorter side has 64 pixels or more."""

SMALLEST_SIDE = 4
"""Pixels below which an image has no band."""

ENERGY_FLOOR = (2 / 255) ** 2 / 12
"""Added to every energy: that of the rounding to 8 bits, below which no picture file shows anything."""

_LUMA = (0.2126, 0.7152, 0.0722)
_LOW_PASS = (0.25, 0.5, 0.25)


class Spectrum(nn.Module):
    """Energy of detail by octave (`spectrum`), and mean and deviation of each colour (`tone`).

    For stationary noise of spectral density S the energy of band b is, before the logarithm, the mean over all
    frequencies of S |1 - h(2^b w)|^2 times |h(2^c w)|^2 for each finer band c, with h = cos^2(u/2) cos^2(v/2).
    """

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Features of `images`.

        Args:
            images: (N, 3, H, W) RGB in [-1, 1].

        Returns:
            `spectrum` -> (N, B) float32: natural logarithm of the mean square of BT.709 luma (of gamma-coded values)
            in each band, the finest (waves of 2 to 4 pixels) first. B is 5 when the shorter side has 64 pixels or
            more, 4 from 32 on, 3 from 16, 2 from 8, 1 from 4.
            `tone` -> (N, 6) float32: mean R, G, B, then standard deviation of R, G, B, over the pixels of the image.

        Raises:
            ImageError: a side is shorter than `SMALLEST_SIDE`.
        """
        images = images.float()
        energies = _band_energies(_luma(images), bands_of(*images.shape[2:]))
        deviations, means = torch.std_mean(images, dim=(2, 3), correction=0)
        return {"spectrum": torch.log(energies + ENERGY_FLOOR), "tone": torch.cat([means, deviations], dim=1)}


def bands_of(height: int, width: int) -> int:
    """The number of bands of an image; the coarsest level has at least 4 x 4 places, 2 x 2 inside its border.

    Raises:
        ImageError: a side is shorter than `SMALLEST_SIDE`.
    """
    shorter = min(height, width)
    if shorter < SMALLEST_SIDE:
        raise ImageError(
            f"An image of {width} x {height} pixels has no detail to measure: both sides must be at least "
            f"{SMALLEST_SIDE} pixels."
        )
    return min(shorter.bit_length() - 2, BANDS)


def _luma(images: Tensor) -> Tensor:
    return torch.einsum("nchw,c->nhw", images, torch.tensor(_LUMA, device=images.device)).unsqueeze(1)


def _band_energies(level: Tensor, bands: int) -> Tensor:
    energies = []
    for _ in range(bands):
        coarse = _low_pass(level)
        # Reflection creases the border, and a crease looks like fine detail: it is not counted.
        energies.append((level - coarse)[:, :, 1:-1, 1:-1].square().mean((1, 2, 3)))
        level = coarse[:, :, ::2, ::2]
    return torch.stack(energies, dim=1)


def _low_pass(maps: Tensor) -> Tensor:
    taps = torch.tensor(_LOW_PASS, device=maps.device)
    padded = F.pad(maps, (1, 1, 1, 1), mode="reflect")
    return F.conv2d(F.conv2d(padded, taps.view(1, 1, 3, 1)), taps.view(1, 1, 1, 3))
