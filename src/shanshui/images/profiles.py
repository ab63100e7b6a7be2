"""Colour profiles (ICC) to sRGB and back, relative colorimetric with black point compensation."""

import io
from functools import lru_cache

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from shanshui.images.mapped import blank
from shanshui.images.pixels import Depth

_RELATIVE_COLORIMETRIC = 1
_BLACK_POINT_COMPENSATION = 0x2000
_STRIP_ROWS = 256

_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
"""Pillow's modes that a profile can describe, and the name that the profile has to give its colour space."""


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """An opaque image of any 8-bit mode as RGB.

    A profile that cannot be read, or that describes another kind of image, is ignored: the image is then taken for
    sRGB, as browsers do.
    """
    described = image if image.mode in _SPACES else image.convert("RGB")
    transform = _transform(profile, described.mode) if profile else None
    if transform is None:
        return described.convert("RGB")
    converted = transform.apply(described)
    converted.info.pop("icc_profile", None)
    return converted


def deep_to_srgb(colors: NDArray[np.uint16], profile: bytes) -> NDArray[np.uint16] | None:
    """HWC grey or RGB with 16 bits as RGB; None when the profile does not fit."""
    try:
        converted: NDArray[np.uint16] = imagecodecs.cms_transform(
            np.ascontiguousarray(colors),
            profile,
            imagecodecs.cms_profile("srgb"),
            colorspace="gray" if colors.shape[2] == 1 else "rgb",
            outcolorspace="rgb",
            intent=_RELATIVE_COLORIMETRIC,
            flags=_BLACK_POINT_COMPENSATION,
        )
    except imagecodecs.CmsError:
        return None
    return converted


def from_srgb(pixels: NDArray[Depth], profile: bytes) -> NDArray[Depth] | None:
    """HWC RGB in the colour space of an RGB profile; None when nothing can be converted to it.

    A profile that calls itself sRGB changes nothing, so that such a picture keeps every bit.
    """
    try:
        if _is_srgb(ImageCms.ImageCmsProfile(io.BytesIO(profile))):
            return pixels
        converted = blank(pixels.shape, pixels.dtype)
        for first in range(0, len(pixels), _STRIP_ROWS):
            rows = slice(first, first + _STRIP_ROWS)
            converted[rows] = imagecodecs.cms_transform(
                np.ascontiguousarray(pixels[rows]),
                imagecodecs.cms_profile("srgb"),
                profile,
                colorspace="rgb",
                outcolorspace="rgb",
                intent=_RELATIVE_COLORIMETRIC,
                flags=_BLACK_POINT_COMPENSATION,
            )
    except (imagecodecs.CmsError, ImageCms.PyCMSError, OSError):
        return None
    return converted


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    """Whether a profile calls itself sRGB: converting would only add rounding errors."""
    return ImageCms.getProfileDescription(profile).strip().lower().startswith("srgb")


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Data sets have few profiles and many images: building a transform costs more than a small image."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != _SPACES[mode] or _is_srgb(source):
            return None
        return ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError):
        return None
