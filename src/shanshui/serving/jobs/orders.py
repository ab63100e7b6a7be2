"""What can be asked for, by kind. An order holds plain values and names, and never a path."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from shanshui.errors import ConfigError
from shanshui.networks.segmenters.zones import ZONES
from shanshui.pipelines.steering.controls import STRONGEST, wished_changes
from shanshui.pipelines.treatment import COARSEST, FINEST, Colors, Exactness, Wrap, parts_of

Kind: TypeAlias = Literal["stylize", "generate", "compose", "inpaint"]
Format: TypeAlias = Literal["png", "jpg", "webp", "avif", "tif"]

NAMED, ANY = "painter", "painter-any"
PAINTING = "painting-"
"""What uploaded paintings are called as styles: painting-1, painting-2, ..."""

MOST_STYLES, MOST_SCENES, MOST_PIXELS_ADDED = 16, 64, 16_384
_LARGEST_SEED = 2**40

Share: TypeAlias = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Seed: TypeAlias = Annotated[int, Field(ge=0, le=_LARGEST_SEED)]
Side: TypeAlias = Annotated[int, Field(ge=1, le=65_536)]
Beyond: TypeAlias = Annotated[int, Field(ge=0, le=MOST_PIXELS_ADDED)]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=100)]
Texts: TypeAlias = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=MOST_STYLES)]


class Order(BaseModel):
    """What every kind takes."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    format: Format = "png"
    """File format of the result; png and tif keep every pixel."""


class Painted(Order):
    """What everything takes that paints."""

    style: Texts = []
    """A style of the model, as NAME or NAME:WEIGHT; repeat it for a blend. Uploaded paintings are called painting-1,
    painting-2 and so on, and may be left out here when they are to be used in equal parts."""
    region: Texts = []
    """Gives a part a style of its own: WHERE=STYLE or WHERE=STYLE:STRENGTH; WHERE is sky, water, foliage, rock or
    built."""
    strength: Share = 1.0
    """From 0 (the photo) to 1 (the painting)."""
    colors: Colors = "painting"
    """Whose colours: the painting's, the photo's at each place (luminance) or on the whole (statistics)."""
    stroke_scale: Annotated[float, Field(ge=FINEST, le=COARSEST, allow_inf_nan=False)] = 1.0
    """Size of the strokes."""
    flat_skies: bool = True
    """Keep blobs out of even skies and waters."""
    wrap: Wrap = "no"
    """Which edges join: x (left and right), y (top and bottom), both, or sphere."""
    statistics: Exactness = "exact"
    """Whether a large photo is painted exactly as a small one would be, or faster."""


class StylizeOrder(Painted):
    """A photo to be painted."""

    model: Name | None = None
    """A stylizer; when left out, painter for names and painter-any for paintings."""


class ComposeOrder(Painted):
    """A photo, or a scene out of noise, to be painted and taken back to nature."""

    model: Name = "composer"
    """A composer."""
    naturalness: Share = 0.5
    """From 0 (the painting) to 1 (a natural scene)."""
    seed: Seed = 0
    """Another seed, other details, and another scene out of noise."""
    scenes: Name = "landscape"
    """The scene generator for a scene out of noise, where no photo is given."""


class InpaintOrder(Order):
    """A photo to be filled where a mask is white, or extended, or both."""

    model: Name = "inpainter"
    """An inpainter."""
    seed: Seed = 0
    """Another seed, another fill."""
    left: Beyond = 0
    """Pixels to add on the left."""
    right: Beyond = 0
    """Pixels to add on the right."""
    top: Beyond = 0
    """Pixels to add at the top."""
    bottom: Beyond = 0
    """Pixels to add at the bottom."""


class GenerateOrder(Order):
    """Scenes to be made out of a seed."""

    model: Name = "landscape"
    """A scene generator."""
    count: Annotated[int, Field(ge=1, le=MOST_SCENES)] = 1
    """How many scenes."""
    seed: Seed = 0
    """Another seed, other scenes."""
    width: Side | None = None
    """In pixels; as wide as the model's own scenes when left out."""
    height: Side | None = None
    """In pixels; as high as the model's own scenes when left out."""
    truncation: Share = 1.0
    """Below 1: more typical scenes, less variety."""
    wrap: bool = False
    """The right edge joins the left edge."""
    label: Annotated[int, Field(ge=0, le=65_535)] | None = None
    """Class of the scenes, for a model that knows classes."""
    control: Texts = []
    """Changes the scenes by name, as NAME=STRENGTH: brighter, warmer, higher-horizon, more-green, more-contrast,
    more-cloud, more-color, more-detail, more-sunset and their opposites; from -6 to 6 standard deviations."""
    towards: Seed | None = None
    """The scenes lie on the way from the first scene of `seed` to the first of this one, both among them."""


ORDERS: Mapping[Kind, type[Order]] = {
    "stylize": StylizeOrder,
    "generate": GenerateOrder,
    "compose": ComposeOrder,
    "inpaint": InpaintOrder,
}


def weights_of(style: Sequence[str], paintings: int) -> dict[str, float]:
    """`["monet:0.6", "painting-1:0.4"]` as {"monet": 0.6, "painting-1": 0.4}; without weights, 1 each.

    Args:
        style: as ordered.
        paintings: how many were uploaded; where `style` is empty, they are the style.

    Raises:
        ConfigError: no style, one named twice, weights for some only, or a painting that is not there.
    """
    uploaded = [f"{PAINTING}{number + 1}" for number in range(paintings)]
    parts = [_weighted(text) for text in style or uploaded]
    if not parts:
        raise ConfigError("The style is missing: name one, or upload a painting.")
    weights = dict(parts)
    if len(weights) < len(parts):
        raise ConfigError("A style is named twice: name each style once.")
    for name in weights:
        if name.startswith(PAINTING) and name not in uploaded:
            raise ConfigError(f"There is no {name}: {paintings} paintings were uploaded.")
    given = [weight for weight in weights.values() if weight is not None]
    if given and len(given) < len(weights):
        raise ConfigError("Weights are given to some styles only: write NAME:WEIGHT for each of them or for none.")
    shares = {name: 1.0 if weight is None else weight for name, weight in weights.items()}
    parts_of(shares)  # refuses weights that cannot work
    return shares


def places_of(region: Sequence[str]) -> list[tuple[str, str, float | None]]:
    """`["sky=ink:0.5"]` as [("sky", "ink", 0.5)].

    Raises:
        ConfigError: another form, an unknown place, or a strength outside 0 to 1.
    """
    places = []
    for text in region:
        where, _, rest = text.partition("=")
        style, strength = _weighted(rest)
        if where not in ZONES or not style or not 0 <= (strength or 0) <= 1:
            raise ConfigError(
                f"The region {text!r} is not understood: write WHERE=STYLE or WHERE=STYLE:STRENGTH, where WHERE is one "
                f"of {', '.join(ZONES)} and the strength from 0 to 1."
            )
        places.append((where, style, strength))
    return places


def strengths_of(control: Sequence[str]) -> dict[str, float]:
    """`["brighter=1.5"]` as {"brighter": 1.5}.

    Raises:
        ConfigError: another form, an unknown control, one named twice, or a strength out of range.
    """
    strengths: dict[str, float] = {}
    for text in control:
        name, _, number = text.partition("=")
        try:
            strength = float(number)
        except ValueError as error:
            raise ConfigError(f"The control {text!r} is not understood: write NAME=STRENGTH.") from error
        if name in strengths or not abs(strength) <= STRONGEST:
            raise ConfigError(f"The control {text!r} is named twice, or its strength is outside -6 to 6.")
        strengths[name] = strength
    wished_changes(strengths)  # refuses names that do not exist
    return strengths


def _weighted(text: str) -> tuple[str, float | None]:
    name, colon, number = text.rpartition(":")
    if not colon:
        return text, None
    try:
        return name, float(number)
    except ValueError as error:
        raise ConfigError(f"{text!r} has no number after the colon: write, for instance, monet:0.5.") from error
