"""Colour profiles (ICC) to sRGB, relative colorimetric with black point compensation."""

import io
from functools import lru_cache

from PIL import Image, ImageCms

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
