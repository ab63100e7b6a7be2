"""Pictures filled where a mask says that something is missing, and extended beyond their borders."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from shanshui.checkpoints.weights import load_snapshot
from shanshui.checkpoints.zoo import resolve
from shanshui.errors import ConfigError, ImageError, ModelError
from shanshui.images.files import from_any, to_pillow
from shanshui.images.picture import Picture, require_decodable
from shanshui.images.pixels import peak
from shanshui.networks.inpainter import Inpainter
from shanshui.pipelines.canvas import Layer, laid_over, rows_of
from shanshui.pipelines.filling.holes import fill
from shanshui.pipelines.masks import mask_of
from shanshui.pipelines.published import Published
from shanshui.pipelines.treatment import Mask, Photo

MOST_SEEDS = 1 << 40
"""Seeds go from 0 to this."""

_STEP = 4
"""A picture grows by one in so many of its pixels at a time on each side: what is new must know what it continues."""


class SceneInpainter(Published):
    """Fills holes and extends pictures; the same picture, mask and seed always give the same result."""

    def __init__(self, network: Inpainter, *, device: torch.device | str = "cpu") -> None:
        """Use `network`, which is moved to `device`."""
        self._device = torch.device(device)
        network = network.to(self._device).eval().requires_grad_(False)
        self._network: Inpainter = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def from_pretrained(cls, name: str | Path = "inpainter", *, device: torch.device | str = "cpu") -> Self:
        """Load an inpainter by zoo name, snapshot file, or hub id.

        Raises:
            ModelError: there is no such model, or it is not an inpainter.
        """
        snapshot = resolve(name)
        network, _ = load_snapshot(snapshot)
        if not isinstance(network, Inpainter):
            raise ModelError(f"{name} is not an inpainter but a {type(network).__name__}: try `inpainter`.")
        return cls(network, device=device)._from(snapshot)

    def __call__(self, image: Photo, mask: Mask, *, seed: int = 0) -> Image.Image:
        """Fill `image`; arguments and errors as for `inpaint`.

        Returns:
            An image of exactly the input's size, as a `Stylizer` gives it.
        """
        return to_pillow(self.inpaint(image, mask, seed=seed))

    def inpaint(self, image: Photo, mask: Mask, *, seed: int = 0) -> Picture:
        """The picture with what the mask covers filled from what lies around it.

        Args:
            image: a file name, a PIL image, an HWC uint8 or uint16 array, or a `Picture`.
            mask: a picture of the same proportions, white where to fill, or HW float32 in [0, 1]. Whatever is above 0
                is filled; between 0 and 1 the fill and the picture mix.
            seed: from 0 to 2^40: another seed, another fill.

        Returns:
            A picture of the same size and type; where the mask is 0 its pixels are the input's, bit for bit, and so
            are transparency and all that stands beside the pixels.

        Raises:
            ConfigError: a seed outside its range.
            ImageError: a picture that cannot be read, a mask that does not fit it, or one that leaves nothing of it.
        """
        _require_seed(seed)
        picture = from_any(image)
        return self._filled(picture, mask_of(mask, picture.height, picture.width), seed)

    def expand(
        self, image: Photo, *, left: int = 0, right: int = 0, top: int = 0, bottom: int = 0, seed: int = 0
    ) -> Picture:
        """The picture with so many pixels more on each side, which continue it.

        Args:
            image: as for `inpaint`.
            left, right, top, bottom: pixels, at least 0. Many are added in steps, each by a share of what is there.
            seed: from 0 to 2^40: another seed, another continuation.

        Returns:
            A picture that holds the input's pixels bit for bit; what is new is opaque.

        Raises:
            ConfigError: a number outside its range.
            ImageError: a picture that cannot be read, or one that would become too large.
        """
        _require_seed(seed)
        sides = np.array([[top, bottom], [left, right]])
        if (sides < 0).any():
            raise ConfigError("A picture cannot be extended by fewer than 0 pixels: leave out the sides that stay.")
        picture = from_any(image)
        try:
            require_decodable(picture.width + left + right, picture.height + top + bottom)
        except ImageError as error:
            raise ImageError(f"The extended picture {error}") from error
        while sides.any():
            room = np.array([[picture.height], [picture.width]]) // _STEP
            step = np.minimum(sides, np.maximum(1, room))
            (above, under), (before, behind) = step.tolist()
            mask = np.ones((picture.height + above + under, picture.width + before + behind), np.float32)
            mask[above : above + picture.height, before : before + picture.width] = 0
            picture = self._filled(_padded(picture, step), mask, seed)
            sides = sides - step
        return picture

    def _filled(self, picture: Picture, mask: NDArray[np.float32], seed: int) -> Picture:
        holes = mask > 0
        if holes.all():
            raise ImageError("The mask covers the whole picture: leave some of it, from which the rest can be filled.")
        with torch.inference_mode():
            filled = fill(self._network, picture.pixels, holes, seed=seed, device=self._device)
            layer = Layer(rows_of(filled, self._device), 1.0, None)
            pixels = laid_over(picture.pixels, [layer], mask, device=self._device)
        # What is new is as bright as white can be, not brighter.
        light = None if picture.light is None else 1 + (picture.light - 1) * (1 - mask)
        return replace(picture, pixels=pixels, light=light)


def _padded(picture: Picture, sides: NDArray[np.int64]) -> Picture:
    """The picture in the middle of black, opaque, unlit pixels: `sides` are [[top, bottom], [left, right]]."""

    def plane(values: NDArray[Any] | None, beyond: float) -> NDArray[Any] | None:
        return None if values is None else np.pad(values, sides, constant_values=beyond)

    return replace(
        picture,
        pixels=np.pad(picture.pixels, [*sides, (0, 0)]),
        alpha=plane(picture.alpha, peak(picture.pixels)),
        light=plane(picture.light, 1.0),
    )


def _require_seed(seed: int) -> None:
    if not 0 <= seed <= MOST_SEEDS:
        raise ConfigError(f"The seed {seed} is outside 0 to 2^40.")
