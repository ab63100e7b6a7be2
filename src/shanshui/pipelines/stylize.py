"""Photographs painted: in named styles or after any painting, as a whole or part by part."""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from shanshui.checkpoints.weights import load_snapshot
from shanshui.checkpoints.zoo import resolve
from shanshui.errors import ConfigError, ModelError
from shanshui.images.files import Picture, from_any, to_pillow
from shanshui.images.pixels import Pixels, to_tensor
from shanshui.images.resize import resize
from shanshui.memory import memory_for
from shanshui.networks.segmenters.zones import ZONES
from shanshui.networks.stylizers.arbitrary import ArbitraryStylizer
from shanshui.networks.stylizers.feedforward import FeedForwardStylizer
from shanshui.networks.stylizers.translators import LightTranslator, ResNetTranslator
from shanshui.pipelines.canvas import Layer, laid_over, painted, rows_of
from shanshui.pipelines.masks import mask_of
from shanshui.pipelines.painters import (
    AdaptivePainter,
    ExamplePainter,
    NamedPainter,
    Painter,
    Share,
    TranslationPainter,
)
from shanshui.pipelines.published import Published
from shanshui.pipelines.treatment import Colors, Mask, Photo, Region, Style, Treatment, parts_of
from shanshui.pipelines.zones import Zones

LARGEST_PAINTING = 1024
"""Longer side, in pixels, at which a painting is looked at, if it is larger."""


class Stylizer(Published):
    """Paints photographs; the same photo, style and machine always give the same picture."""

    def __init__(self, painter: Painter, *, device: torch.device | str = "cpu") -> None:
        """Paint with `painter`, which lives on `device`."""
        self._painter, self._device = painter, torch.device(device)

    @classmethod
    def from_pretrained(cls, name: str | Path, *, device: torch.device | str = "cpu") -> Self:
        """Load a stylizer by zoo name (`painter`, `painter-any`), snapshot file, or hub id.

        Raises:
            ModelError: there is no such model, or it is not a stylizer.
        """
        snapshot = resolve(name)
        network, _ = load_snapshot(snapshot)
        if isinstance(network, FeedForwardStylizer):
            painter: Painter = NamedPainter(network, device=device)
        elif isinstance(network, ArbitraryStylizer):
            painter = ExamplePainter(network, device=device)
        elif isinstance(network, LightTranslator):
            painter = NamedPainter(network.painter, device=device)
        elif isinstance(network, ResNetTranslator):
            painter = TranslationPainter(network, device=device)
        else:
            raise ModelError(f"{name} is not a stylizer but a {type(network).__name__}: try `painter`.")
        return cls(painter, device=device)._from(snapshot)

    @property
    def device(self) -> torch.device:
        """Where it paints."""
        return self._device

    @property
    def styles(self) -> tuple[str, ...]:
        """The names that `style` may take."""
        return self._painter.styles

    def __call__(
        self,
        image: Photo,
        style: Style,
        strength: float = 1.0,
        keep_colors: bool | Literal["luminance", "statistics"] = False,
        *,
        stroke_scale: float = 1.0,
        flat_skies: bool = True,
        mask: Mask | None = None,
        regions: Sequence[Region] = (),
    ) -> Image.Image:
        """Paint `image`.

        Args:
            image: a file name, a PIL image, an HWC uint8 or uint16 array, or a `Picture`.
            style: a name of `styles`; a painting in any of these forms, if the model takes them; or several of them
                with weights, as a mapping or as pairs. Weights are scaled to sum to 1.
            strength: from 0 (the photo) to 1 (the painting).
            keep_colors: True or "luminance" keeps the photo's hue and saturation at each place, so that strokes and
                light come from the style; "statistics" keeps its mean colour and the spread around it.
            stroke_scale: size of the strokes, from 0.25 to 4 times that of the style.
            flat_skies: keep blobs out of parts where the photo has no detail.
            mask: a picture, or HW float32 in [0, 1]: where to paint at all.
            regions: parts with styles of their own.

        Returns:
            An image of exactly the input's size, sRGB, 8 bits, RGBA where the input has transparency; its `info` has
            the input's `exif`, `xmp` and `dpi`, to hand on to `save`. `paint` keeps 16 bits and the profile as well.

        Raises:
            ConfigError: an unknown style, or a value that cannot work.
            ImageError: a picture cannot be read.
        """
        colors: Colors = "painting" if keep_colors is False else "luminance" if keep_colors is True else keep_colors
        treatment = Treatment(
            strength=strength,
            colors=colors,
            stroke_scale=stroke_scale,
            flat_skies=flat_skies,
            mask=mask,
            regions=tuple(regions),
        )
        return to_pillow(self.paint(image, style, treatment))

    def paint(self, image: Photo, style: Style, treatment: Treatment | None = None) -> Picture:
        """Like calling the stylizer, but as a picture: 16 bits stay 16, and what stands beside the pixels stays."""
        treatment = treatment or Treatment()
        photo = from_any(image)
        with memory_for(photo.width * photo.height):
            return replace(photo, pixels=self.flattened(photo, self.layers(photo, style, treatment), treatment))

    def layers(self, photo: Picture, style: Style, treatment: Treatment) -> list[Layer]:
        """What lies over `photo`, from below to above: the whole of it painted, then each region.

        Raises:
            ConfigError: an unknown style.
            ImageError: a painting or a mask cannot be used.
        """
        with torch.inference_mode():
            layers = [self._layer(photo, style, treatment.strength, None, treatment)]
            for region, where in zip(treatment.regions, self._masks(treatment.regions, photo), strict=True):
                strength = treatment.strength if region.strength is None else region.strength
                layers.append(self._layer(photo, region.style, strength, where, treatment))
        return layers

    def flattened(self, photo: Picture, layers: Sequence[Layer], treatment: Treatment) -> Pixels:
        """The photo under its layers, where the mask of `treatment` lets them show: HWC of the photo's type.

        Raises:
            ImageError: the mask cannot be used.
        """
        mask = None if treatment.mask is None else mask_of(treatment.mask, photo.height, photo.width)
        with torch.inference_mode():
            return laid_over(photo.pixels, layers, mask, device=self._device)

    def settled(self, frames: Iterable[Picture], style: Style, treatment: Treatment) -> Self:
        """A stylizer that no longer adapts to each picture as a whole, but paints as it does these frames of a film.

        Returns:
            this stylizer, where its painter has nothing to adapt.
        """
        if not isinstance(self._painter, AdaptivePainter):
            return self

        def watch(painter: Painter) -> None:
            watching = self._with(painter)
            for frame in frames:
                watching.layers(frame, style, treatment)

        return self._with(self._painter.settled(watch))

    def _with(self, painter: Painter) -> Self:
        twin = copy(self)
        twin._painter = painter
        return twin

    def blend(self, style: Style) -> tuple[Share, ...]:
        """`style` as the painter takes it: names, and paintings as tensors.

        Raises:
            ConfigError: an unknown style, or weights that cannot work.
            ImageError: a painting cannot be read.
        """
        return tuple(Share(self._known(part), weight) for part, weight in parts_of(style))

    def _known(self, part: Photo) -> str | Tensor:
        if isinstance(part, str) and part in self.styles:
            return part
        if isinstance(part, str) and not (self._painter.takes_paintings and Path(part).exists()):
            names = f"this model's styles are {', '.join(self.styles)}" if self.styles else "this model knows no names"
            advice = "; a painting's file name is a style, too" if self._painter.takes_paintings else ""
            raise ConfigError(f"There is no style {part!r}: {names}{advice}.")
        pixels = from_any(part).over_white()
        height, width = pixels.shape[:2]
        scale = min(1.0, LARGEST_PAINTING / max(height, width))
        smaller = resize(pixels, max(1, round(height * scale)), max(1, round(width * scale)))
        return to_tensor(smaller).to(self._device)

    def _layer(
        self, photo: Picture, style: Style, strength: float, mask: NDArray[np.float32] | None, treatment: Treatment
    ) -> Layer:
        blend = self.blend(style)  # a style that does not exist is an error even where nothing of it shows
        if strength == 0:
            return Layer(rows_of(photo.pixels, self._device), strength, mask)
        painting = painted(
            self._painter, photo.pixels, blend, treatment, device=self._device, room=treatment.max_memory
        )
        return Layer(painting, strength, mask)

    def _masks(self, regions: Sequence[Region], photo: Picture) -> list[NDArray[np.float32]]:
        named = {region.where for region in regions if isinstance(region.where, str)} & set(ZONES)
        zones = self._zones(photo) if named else {}
        return [
            zones[region.where]
            if isinstance(region.where, str) and region.where in zones
            else mask_of(region.where, photo.height, photo.width)
            for region in regions
        ]

    @cached_property
    def _zones(self) -> Zones:
        return Zones.from_pretrained("zones", device=self._device)
