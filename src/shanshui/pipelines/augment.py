"""Variants of photos for whoever learns from few of them: painted, composed, or made anew under the same label.

Painting changes what a photo is made of and keeps what it shows, so a classifier that learns from both looks less at
texture (Geirhos et al. 2019, "ImageNet-trained CNNs are biased towards texture"; Jackson et al. 2019, "Style
Augmentation", whose strengths between photo and painting these are). What a variant is like is a pure function of the
seed, the photo's name and the variant's number: others do not change when photos or variants are added.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, TypeAlias

import numpy as np

from shanshui.errors import ConfigError
from shanshui.images.files import from_any
from shanshui.images.picture import Picture
from shanshui.pipelines.compose import SceneComposer
from shanshui.pipelines.generate import SceneGenerator
from shanshui.pipelines.generators import LARGEST_SEED
from shanshui.pipelines.stylize import Stylizer
from shanshui.pipelines.treatment import Colors, Treatment, require_strength

Kind: TypeAlias = Literal["stylised", "composed", "generated"]


@dataclass(frozen=True, kw_only=True)
class Variant:
    """How one variant is made.

    Attributes:
        kind: how.
        model: with what.
        seed: of everything random in it.
        style: of the painting; None without one.
        strength: from 0 (the photo) to 1 (the painting); None without a painting.
        naturalness: from 0 (the painting) to 1 (a natural scene); None where nothing is composed.
        colors: whose colours it has; None without a painting.
    """

    kind: Kind
    model: str
    seed: int
    style: str | None = None
    strength: float | None = None
    naturalness: float | None = None
    colors: Colors | None = None


class Maker(Protocol):
    """Makes variants of one kind."""

    kind: ClassVar[Kind]

    def choose(self, turn: int, seed: int) -> Variant:
        """What to make: consecutive turns differ as far as they can, and `seed` decides the rest."""

    def make(self, variant: Variant, photo: Picture, label: str | None) -> Picture:
        """The variant of `photo`."""


@dataclass(frozen=True, kw_only=True)
class Painted:
    """Paints photos in styles.

    Attributes:
        painter: paints.
        model: its name.
        styles: that take turns.
        strengths: the lowest and the highest.
        colors: whose colours the paintings have.
    """

    kind: ClassVar[Kind] = "stylised"
    painter: Stylizer
    model: str
    styles: Sequence[str]
    strengths: tuple[float, float]
    colors: Colors = "painting"

    def __post_init__(self) -> None:
        """Raises ConfigError for a style that the painter does not know, or strengths that cannot work."""
        _require_styles(self.styles, self.painter)
        _require_range("strengths", self.strengths)

    def choose(self, turn: int, seed: int) -> Variant:
        """The style of that turn, at a strength that `seed` draws."""
        return Variant(
            kind=self.kind,
            model=self.model,
            seed=seed,
            style=self.styles[turn % len(self.styles)],
            strength=_drawn(self.strengths, seed),
            colors=self.colors,
        )

    def make(self, variant: Variant, photo: Picture, label: str | None) -> Picture:
        """The painting of `photo`, of its size."""
        assert variant.style is not None and variant.strength is not None
        return self.painter.paint(
            photo, variant.style, Treatment(strength=variant.strength, colors=variant.colors or self.colors)
        )


@dataclass(frozen=True, kw_only=True)
class Composed:
    """Paints photos and takes them back to nature, as far as `naturalness` (lowest, highest) says."""

    kind: ClassVar[Kind] = "composed"
    composer: SceneComposer
    model: str
    styles: Sequence[str]
    naturalness: tuple[float, float]

    def __post_init__(self) -> None:
        """Raises ConfigError for a style that the composer does not know, or naturalness that cannot work."""
        _require_styles(self.styles, self.composer.at(0.0))
        _require_range("naturalness", self.naturalness)

    def choose(self, turn: int, seed: int) -> Variant:
        """The style of that turn, as natural as `seed` draws."""
        return Variant(
            kind=self.kind,
            model=self.model,
            seed=seed,
            style=self.styles[turn % len(self.styles)],
            naturalness=_drawn(self.naturalness, seed),
        )

    def make(self, variant: Variant, photo: Picture, label: str | None) -> Picture:
        """The scene composed from `photo`, of its size."""
        assert variant.style is not None and variant.naturalness is not None
        return self.composer.at(variant.naturalness, seed=variant.seed).paint(photo, variant.style)


@dataclass(frozen=True, kw_only=True)
class Generated:
    """Scenes out of noise, of the class of a photo's label.

    Attributes:
        generator: makes them.
        model: its name.
        labels: of the data set, sorted; the generator learned them in this order.
    """

    kind: ClassVar[Kind] = "generated"
    generator: SceneGenerator
    model: str
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raises ConfigError where the generator cannot know what belongs to a label."""
        known, wanted = self.generator.classes, len(self.labels)
        if known != wanted and (known or wanted > 1):
            told = f"knows {known} labels" if known else "was told no labels"
            raise ConfigError(
                f"Scenes for the labels cannot be generated because {self.model} {told} and the photos have {wanted}: "
                "take a generator that learned with these folders as labels, or make other variants."
            )

    def choose(self, turn: int, seed: int) -> Variant:
        """The scene of `seed`."""
        return Variant(kind=self.kind, model=self.model, seed=seed)

    def make(self, variant: Variant, photo: Picture, label: str | None) -> Picture:
        """A scene of the class of `label`, in the generator's own size; nothing of `photo` is in it."""
        number = self.labels.index(label) if self.generator.classes and label is not None else None
        return from_any(next(self.generator.generate(1, variant.seed, label=number)))


class Augmenter:
    """Decides what variants photos get: kinds and styles in turn, each photo from another beginning."""

    def __init__(self, makers: Sequence[Maker], *, seed: int = 0) -> None:
        """Use `makers`, of different kinds, in turn.

        Raises:
            ConfigError: no maker, or a seed outside 0 to 2^40.
        """
        if not makers:
            raise ConfigError("Nothing says how variants are made: name at least one kind.")
        if not 0 <= seed <= LARGEST_SEED:
            raise ConfigError(f"The seed {seed} is outside 0 to 2^40.")
        self._makers, self._seed = {maker.kind: maker for maker in makers}, seed

    def variants(self, name: str, count: int) -> list[Variant]:
        """What to make of the photo called `name`: more of them begin with the same ones."""
        makers = list(self._makers.values())
        first = _number_of(f"{self._seed}/{name}")
        turns = [divmod(first + number, len(makers)) for number in range(count)]
        return [
            makers[place].choose(turn, _number_of(f"{self._seed}/{number}/{name}") % LARGEST_SEED)
            for number, (turn, place) in enumerate(turns)
        ]

    def make(self, variant: Variant, photo: Picture, label: str | None) -> Picture:
        """What one of `variants` asks for."""
        return self._makers[variant.kind].make(variant, photo, label)


def _number_of(text: str) -> int:
    """A number of 63 bits that depends on `text` alone."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big") >> 1


def _drawn(limits: tuple[float, float], seed: int) -> float:
    """Between the limits, in steps that a manifest can spell."""
    low, high = limits
    return round(low + (high - low) * float(np.random.default_rng(seed).random()), 3)


def _require_styles(styles: Sequence[str], painter: Stylizer) -> None:
    if not styles:
        raise ConfigError("There is no style to paint in: name at least one.")
    for style in styles:
        painter.blend(style)


def _require_range(what: str, limits: tuple[float, float]) -> None:
    for limit in limits:
        require_strength(limit)
    if limits[0] > limits[1]:
        raise ConfigError(f"The {what} {limits[0]} to {limits[1]} are no range: give the lower one first.")
