"""What every stylizer lets its user decide, whichever network paints: strength, colours, strokes, skies, places."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shanshui.errors import ConfigError
from shanshui.images.picture import Picture
from shanshui.images.pixels import Pixels

Photo: TypeAlias = Path | str | Image.Image | Pixels | Picture
"""A file name, a PIL image, an HWC uint8 or uint16 array, or a `Picture`."""

Style: TypeAlias = Photo | Mapping[str, float] | Sequence[tuple[Photo, float]]
"""The name of a style, a painting (as a `Photo`), or several of them with weights."""

Colors: TypeAlias = Literal["painting", "luminance", "statistics"]
"""Whose colours: the painting's; the photo's at each place, under the painting's light; or the photo's on the whole."""

Wrap: TypeAlias = Literal["no", "x", "y", "both", "sphere"]
"""Which edges of a picture join: left and right (x), top and bottom (y); a sphere is an equirectangular picture."""

Exactness: TypeAlias = Literal["exact", "fast"]
"""Whose statistics a painting has: the photo's, or those of a sample of it."""

Mask: TypeAlias = Photo | NDArray[np.float32]
"""A picture, white where something applies and black where it does not, or HW float32 in [0, 1]."""

FINEST, COARSEST = 0.25, 4.0

STROKE_PIXELS = 5.0
"""Width of a stroke as learned, in pixels: that of the autocorrelation, at half its height, of what the painter's
pictures have beyond a mean over 65 pixels. Median over ten of its styles on eight photos, measured before it learned
fourteen; 3 for fine ones (starry-night, sketch), 12 for the broadest (cartoon)."""


@dataclass(frozen=True, kw_only=True)
class Region:
    """A part of the photo with a style of its own.

    Attributes:
        where: `sky`, `water`, `foliage`, `rock` or `built`, which are looked for in the photo; or a mask.
        style: as for the whole picture.
        strength: from 0 (the photo) to 1 (the painting); that of the whole picture when None.
    """

    where: Mask
    style: Style
    strength: float | None = None

    def __post_init__(self) -> None:
        """Raises ConfigError for a strength outside 0 to 1."""
        if self.strength is not None:
            require_strength(self.strength)


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """How a photo is to be painted, beside the style.

    Attributes:
        strength: from 0 (the photo) to 1 (the painting).
        colors: whose colours the result has.
        stroke_scale: size of the strokes, 1 as learned, from 0.25 to 4; large strokes lose detail.
        flat_skies: keep blobs out of parts where the photo has no detail.
        mask: where to paint at all, at any size with the photo's proportions; everywhere when None.
        wrap: which edges join, so that nothing shows there when the result is tiled or looked around in.
        regions: parts with styles of their own; later ones lie over earlier ones.
        statistics: `exact` paints a large photo as it would a small one; `fast` takes the statistics of parts that
            make up 1024 x 1024 pixels, needs one pass and gives nearly the same. Smaller photos are always exact.
        max_memory: bytes that feature maps may take; a photo whose maps need more is painted by strips, and what does
            not fit goes to temporary files. The result is the same.
    """

    strength: float = 1.0
    colors: Colors = "painting"
    stroke_scale: float = 1.0
    flat_skies: bool = True
    mask: Mask | None = None
    wrap: Wrap = "no"
    regions: Sequence[Region] = ()
    statistics: Exactness = "exact"
    max_memory: int = 1 << 30

    def __post_init__(self) -> None:
        """Raises ConfigError for a value that cannot work."""
        require_strength(self.strength)
        if not FINEST <= self.stroke_scale <= COARSEST:
            raise ConfigError(f"The stroke scale {self.stroke_scale} is outside {FINEST} (fine) to {COARSEST} (broad).")


def stroke_scale_of(centimetres: float, dpi: float) -> float:
    """The stroke scale at which strokes of a print at `dpi` pixels an inch are so many centimetres wide.

    Raises:
        ConfigError: no number above 0, or strokes that are beyond what can be painted.
    """
    if not (0 < centimetres < math.inf and 0 < dpi < math.inf):
        raise ConfigError(f"Strokes of {centimetres} cm at {dpi} dpi cannot be: give numbers above 0.")
    scale = centimetres / 2.54 * dpi / STROKE_PIXELS
    if not FINEST <= scale <= COARSEST:
        finest, coarsest = (limit * STROKE_PIXELS / dpi * 2.54 for limit in (FINEST, COARSEST))
        raise ConfigError(
            f"At {dpi:g} dpi strokes can be {finest:.2g} to {coarsest:.2g} cm wide, not {centimetres:g}: "
            "lower the resolution for broader ones."
        )
    return scale


def require_strength(strength: float) -> None:
    """Refuse what is no share between the photo and the painting.

    Raises:
        ConfigError: not from 0 to 1.
    """
    if not 0 <= strength <= 1:
        raise ConfigError(f"The strength {strength} is outside 0 (the photo) to 1 (the painting).")


def parts_of(style: Style) -> list[tuple[Photo, float]]:
    """What a style is made of, with weights that sum to 1.

    Raises:
        ConfigError: no part, or a weight that cannot work.
    """
    if isinstance(style, Mapping):
        parts: list[tuple[Photo, float]] = list(style.items())
    elif isinstance(style, Sequence) and not isinstance(style, str):
        parts = list(style)
    else:
        parts = [(style, 1.0)]
    for part, weight in parts:
        if not 0 <= weight < math.inf:
            raise ConfigError(f"The share {weight} of style {part!s:.80} cannot work: give a number of at least 0.")
    total = sum(weight for _, weight in parts)
    if total <= 0:
        raise ConfigError("A blend of styles needs at least one share above 0.")
    return [(part, weight / total) for part, weight in parts if weight > 0]
