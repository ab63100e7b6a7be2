"""Blurred or noisy, in one number: the fine detail of generated images beside that of real ones.

The features are those of `shanshui.networks.encoders.spectrum`: log energies in octave bands, the finest first.
"""

import numpy as np

from shanshui.evaluation.estimates import Estimate, Features, Float64, checked_pair

MIDDLE = 2
"""The band that fine detail is compared with: waves of 8 to 16 pixels, out of reach of blur and grain of a pixel."""


def sharpness(real_spectrum: Features, fake_spectrum: Features) -> Estimate:
    """Energy of the finest detail relative to that of middle-sized detail, over the same of real images.

    1 is as sharp as the real images, below 1 blurred, above 1 noisy or over-sharpened. Because it is relative, images
    of weak contrast (fog, dusk, a timid generator) are not taken for blurred ones: `contrast` tells of those. Energies
    are squares: half the amplitude of the fine detail is a sharpness of 1/4. Images so small that they have no middle
    band are compared by their coarsest one.

    Args and errors as in `detail`.
    """
    real, fake = checked_pair(real_spectrum, fake_spectrum, at_least=2, name="sharpness")
    return _ratios(*(rows[:, :1] - rows[:, _middle(rows)] for rows in (real, fake)))[0]


def contrast(real_spectrum: Features, fake_spectrum: Features) -> Estimate:
    """Energy of middle-sized detail over that of the real images: below 1 flat or foggy, above 1 harsh.

    Args and errors as in `detail`.
    """
    real, fake = checked_pair(real_spectrum, fake_spectrum, at_least=2, name="contrast")
    return _ratios(*(rows[:, _middle(rows)] for rows in (real, fake)))[0]


def detail(real_spectrum: Features, fake_spectrum: Features) -> tuple[Estimate, ...]:
    """Energy of detail of generated images as a share of that of real ones, in every band, the finest first.

    The ratio of geometric means over images, exp(mean fake - mean real): a few very busy images do not decide it. The
    standard error is that of the difference of the means, times the ratio (delta method).

    Args:
        real_spectrum: (M, B) natural logarithms of energies, M >= 2.
        fake_spectrum: (N, B), N >= 2, of images of the same size.

    Raises:
        DataError: fewer than two images on a side, or different numbers of bands.
    """
    return _ratios(*checked_pair(real_spectrum, fake_spectrum, at_least=2, name="detail"))


def _middle(rows: Float64) -> slice:
    last = min(MIDDLE, rows.shape[1] - 1)
    return slice(last, last + 1)


def _ratios(real: Float64, fake: Float64) -> tuple[Estimate, ...]:
    ratios = np.exp(fake.mean(axis=0) - real.mean(axis=0))
    errors = ratios * np.sqrt(_variance_of_mean(real) + _variance_of_mean(fake))
    return tuple(
        Estimate(value=float(ratio), standard_error=float(error)) for ratio, error in zip(ratios, errors, strict=True)
    )


def _variance_of_mean(rows: Float64) -> Float64:
    variance: Float64 = rows.var(axis=0, ddof=1) / len(rows)
    return variance
