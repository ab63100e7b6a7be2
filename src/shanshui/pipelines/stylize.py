"""Photographs painted in named styles."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from shanshui.checkpoints.weights import load_snapshot
from shanshui.checkpoints.zoo import resolve
from shanshui.errors import ConfigError, ModelError
from shanshui.images.color import keep_colors as with_colors_of
from shanshui.images.files import Picture, from_any
from shanshui.images.pixels import Pixels, to_pixels, to_tensor
from shanshui.networks.precision import fast_dtype
from shanshui.networks.stylizers.feedforward import FeedForwardStylizer

Photo = Path | str | Image.Image | Pixels | Picture


class Stylizer:
    """Paints photographs; the same photo, style and machine always give the same picture."""

    def __init__(self, network: FeedForwardStylizer, *, device: torch.device | str = "cpu") -> None:
        """Use `network`, which is moved to `device` and to the number format that is fastest there."""
        self._device = torch.device(device)
        self._styles = network.config.styles
        network = network.to(device=self._device, dtype=fast_dtype(self._device)).eval().requires_grad_(False)
        self._network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def from_pretrained(cls, name: str | Path, *, device: torch.device | str = "cpu") -> Self:
        """Load a stylizer by zoo name (`painter`), snapshot file, or hub id.

        Raises:
            ModelError: there is no such model, or it is not a stylizer.
        """
        network, _ = load_snapshot(resolve(name))
        if not isinstance(network, FeedForwardStylizer):
            raise ModelError(f"{name} is not a stylizer but a {type(network).__name__}: try `painter`.")
        return cls(network, device=device)

    @property
    def styles(self) -> tuple[str, ...]:
        """The names that `style` may take."""
        return self._styles

    def __call__(
        self,
        image: Photo,
        style: str | Mapping[str, float],
        strength: float = 1.0,
        keep_colors: bool = False,
    ) -> Image.Image:
        """Paint `image`.

        Args:
            image: a file name, a PIL image, an HWC uint8 or uint16 array, or a `Picture`.
            style: a name of `styles`, or name -> share for a blend; shares are scaled to sum to 1.
            strength: from 0 (the photo) to 1 (the painting).
            keep_colors: keep the photo's hues and saturation; strokes and light come from the style.

        Returns:
            An image of exactly the input's size, 8 bits, RGBA where the input has transparency. `paint` keeps 16 bits.

        Raises:
            ConfigError: an unknown style, or a strength or share that cannot work.
            ImageError: `image` cannot be read.
        """
        painted = self.paint(image, style, strength=strength, keep_colors=keep_colors)
        pixels = _eight_bits(painted.pixels)
        if painted.alpha is not None:
            pixels = np.dstack([pixels, _eight_bits(painted.alpha)])
        return Image.fromarray(pixels)

    def paint(
        self, image: Photo, style: str | Mapping[str, float], *, strength: float = 1.0, keep_colors: bool = False
    ) -> Picture:
        """Like calling the stylizer, but as pixels: 16 bits stay 16 bits, and transparency stays aside, untouched."""
        weights = self._weights(style)
        if not 0 <= strength <= 1:
            raise ConfigError(f"The strength {strength} is outside 0 (the photo) to 1 (the painting).")
        photo = from_any(image)
        x = to_tensor(photo.pixels).to(self._device)
        with torch.inference_mode():
            painting = self._network(x, weights).to(x.dtype)
            pixels = to_pixels(torch.lerp(x, painting, strength), dtype=photo.pixels.dtype.type)[0]
        return Picture(with_colors_of(pixels, photo.pixels) if keep_colors else pixels, photo.alpha)

    def _weights(self, style: str | Mapping[str, float]) -> torch.Tensor:
        shares = {style: 1.0} if isinstance(style, str) else dict(style)
        for name, share in shares.items():
            if name not in self.styles:
                raise ConfigError(f"There is no style {name!r}: this model's styles are {', '.join(self.styles)}.")
            if not 0 <= share < math.inf:
                raise ConfigError(f"The share {share} of style {name!r} cannot work: give a number of at least 0.")
        total = sum(shares.values())
        if total <= 0:
            raise ConfigError("A blend of styles needs at least one share above 0.")
        return torch.tensor([[shares.get(name, 0.0) / total for name in self.styles]], device=self._device)


def _eight_bits(values: Pixels) -> NDArray[np.uint8]:
    """16 bits as 8: the scale of `to_tensor` for both, so that white stays white."""
    if values.dtype == np.uint8:
        return values.astype(np.uint8, copy=False)
    stack = values if values.ndim == 3 else values[..., None]
    reduced: NDArray[np.uint8] = to_pixels(to_tensor(stack))[0].reshape(values.shape)
    return reduced
