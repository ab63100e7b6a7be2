"""What a figure means: its name is its whole protocol.

`kid_vgg19_relu5_4_128px_598v2000` reads: kernel inception distance; VGG-19's relu5_4, averaged over space; both sides
brought to 128 x 128 pixels (largest centred crop, antialiased, before the network); 598 real images against 2000
generated ones. Equal numbers are written once (`..._598`), a frame that is not square as width x height
(`..._256x128px_...`), and a third number counts training images (`memorized_vgg19_relu5_4_128px_598v2000v2681`).

Features of the installed encoders (`INSTALLED_FAMILIES`) are divided by the root mean square of the real ones, so that
layers with large and small activations give figures of one order. Features of every other network are taken as they
are, so that a figure on the 2015 Inception is the one that papers report.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shanshui.errors import ConfigError
from shanshui.evaluation.estimates import Estimate, unit_rms_scale
from shanshui.evaluation.features import FeatureSet
from shanshui.evaluation.measures import Sides, measure_of

INSTALLED_FAMILIES = frozenset({"vgg19", "effnetlite1"})
"""The encoders that install with Shanshui: learners look through them, and their features are brought to unit rms,
because their layers differ in size and no other tool has figures of them."""

DEFAULT_FIGURES = ("kid_vgg19_relu5_4", "kid_vgg19_relu4_4", "frechet_vgg19_relu5_4", "frechet_vgg19_relu4_4")
"""Measure and feature, in the order of preference for choosing a snapshot: KID is unbiased at small counts."""

_NAME = re.compile(
    r"(?P<figure>[a-z]+\d*_[a-z0-9_]+?)_(?P<width>[1-9]\d*)(?:x(?P<height>[1-9]\d*))?px"
    r"_(?P<reals>\d+)(?:v(?P<fakes>\d+))?(?:v(?P<trained>\d+))?"
)


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """Everything that a figure depends on besides the images.

    Attributes:
        measure: a word that `measure_of` knows.
        feature: what the extractor calls the features, for instance `vgg19_relu5_4`.
        height: rows of the images that the extractor sees.
        width: columns of them.
        reals: number of real images.
        fakes: number of generated images.
        trained: number of training images, for a measure that looks at them too; otherwise None.
    """

    measure: str
    feature: str
    height: int
    width: int
    reals: int
    fakes: int
    trained: int | None = None

    def __post_init__(self) -> None:
        """Raises ConfigError for a measure that does not exist."""
        measure_of(self.measure)

    @property
    def name(self) -> str:
        """The protocol in one word."""
        frame = f"{self.width}px" if self.width == self.height else f"{self.width}x{self.height}px"
        counts = f"{self.reals}" if self.reals == self.fakes else f"{self.reals}v{self.fakes}"
        if self.trained is not None:
            counts = f"{self.reals}v{self.fakes}v{self.trained}"
        return f"{self.measure}_{self.feature}_{frame}_{counts}"

    @property
    def family(self) -> str:
        """The encoder that the figure looks through."""
        return family_of(self.feature)

    @classmethod
    def parse(cls, name: str) -> "Protocol":
        """The protocol that `name` spells.

        Raises:
            ConfigError: the name spells none.
        """
        match = _NAME.fullmatch(name)
        if match is None:
            raise ConfigError(
                f"{name!r} is not the name of a figure: write it like kid_vgg19_relu5_4_128px_598 "
                "(measure, feature, size, images)."
            )
        measure, feature = split_figure(match["figure"])
        width, reals = int(match["width"]), int(match["reals"])
        return cls(
            measure=measure,
            feature=feature,
            height=int(match["height"] or width),
            width=width,
            reals=reals,
            fakes=int(match["fakes"] or reals),
            trained=None if match["trained"] is None else int(match["trained"]),
        )


def split_figure(figure: str) -> tuple[str, str]:
    """`kid_vgg19_relu5_4` -> (`kid`, `vgg19_relu5_4`).

    Raises:
        ConfigError: the first word is no measure, or nothing follows it.
    """
    measure, _, feature = figure.partition("_")
    measure_of(measure)
    if not feature:
        raise ConfigError(f"{figure!r} is not a figure: write a measure and a feature, like kid_vgg19_relu5_4.")
    return measure, feature


def features_of(figures: Iterable[str]) -> frozenset[str]:
    """Names of the features that `figures` need; ConfigError as in `split_figure`."""
    return frozenset(split_figure(figure)[1] for figure in figures)


def protocol_of(figure: str, reals: Mapping[str, FeatureSet], *, fakes: int, height: int, width: int) -> Protocol:
    """The protocol of `figure` (measure and feature) for `fakes` generated images against the features `reals`.

    Raises:
        ConfigError: an unknown measure, or a feature that is not among `reals`.
    """
    measure, feature = split_figure(figure)
    if feature not in reals:
        known = ", ".join(sorted(reals))
        raise ConfigError(f"{figure} needs the features {feature}, and these were extracted: {known}.")
    return Protocol(
        measure=measure, feature=feature, height=height, width=width, reals=len(reals[feature]), fakes=fakes
    )


def compare(
    reals: Mapping[str, FeatureSet],
    fakes: Mapping[str, FeatureSet],
    figures: Sequence[str],
    *,
    height: int,
    width: int,
) -> dict[str, Estimate]:
    """Each figure under its full name, in the order of `figures`.

    Args:
        reals: feature name -> features of the real images.
        fakes: the same of the generated images; every feature of as many images.
        figures: measure and feature, for instance `kid_vgg19_relu5_4`.
        height: rows of the images that were extracted.
        width: columns of them.

    Raises:
        ConfigError: an unknown measure, or a feature that was not extracted.
        DataError: too few images for a measure, or blank ones.
    """
    shared = {name: features for name, features in reals.items() if name in fakes}
    judged = max(map(len, fakes.values()), default=0)
    sides: dict[str, Sides] = {}
    estimates = {}
    for figure in figures:
        protocol = protocol_of(figure, shared, fakes=judged, height=height, width=width)
        feature = protocol.feature
        if feature not in sides:
            sides[feature] = sides_of(reals[feature], fakes[feature])
        estimates[protocol.name] = figure_of(protocol.measure, sides[feature])
    return estimates


def sides_of(real: FeatureSet, fake: FeatureSet) -> Sides:
    """Features of both sides, at unit rms where the encoder's family asks for it."""
    if family_of(real.name) not in INSTALLED_FAMILIES:
        return Sides(real=real.values, fake=fake.values)
    scale = np.float32(unit_rms_scale(real.values))
    return Sides(real=real.values * scale, fake=fake.values * scale)


def figure_of(word: str, sides: Sides) -> Estimate:
    """The measure that `word` names, of two sets of features.

    Raises:
        ConfigError: there is no such measure, or it needs more than features.
        DataError: too few images for it.
    """
    compute = measure_of(word).compute
    if compute is None:
        raise ConfigError(f"The measure {word} needs more than the features of two sets: use `shanshui evaluate`.")
    return compute(sides)


def family_of(feature: str) -> str:
    """The encoder that a feature comes from: the first word of its name."""
    return feature.split("_", 1)[0]


def choosing_metric(names: Sequence[str], *, looks_through: str | None) -> str:
    """The first of `names` that may choose the best snapshot: the judge is never the discriminator's own network.

    A generator trained against a discriminator that looks through a frozen encoder learns to please that encoder, and
    every figure on the same encoder flatters it (Kynkaanniemi et al. 2023, "The Role of ImageNet Classes in FID").

    Args:
        names: full names of figures, the preferred first.
        looks_through: the family of the encoder in front of the discriminator, or None when it sees pixels.

    Raises:
        ConfigError: every figure looks through that very encoder, or the family is not known.
    """
    if looks_through is not None and looks_through not in INSTALLED_FAMILIES:
        raise ConfigError(
            f"The encoder family {looks_through!r} is not known, so no figure can be called independent of it: "
            f"use {' or '.join(sorted(INSTALLED_FAMILIES))}."
        )
    for name in names:
        protocol = Protocol.parse(name)
        if protocol.family != looks_through and measure_of(protocol.measure).better == "lower":
            return name
    raise ConfigError(
        f"No figure among ({', '.join(names)}) may choose the best snapshot of a learner that looks through "
        f"{looks_through or 'pixels'}: add one on another encoder, like {DEFAULT_FIGURES[0]}."
    )
