"""The zones of a landscape: which part of a photograph is sky, water, foliage, rock or built."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from shanshui.checkpoints.weights import load_snapshot
from shanshui.checkpoints.zoo import resolve
from shanshui.errors import ImageError, ModelError
from shanshui.images.files import Picture, from_any
from shanshui.images.pixels import to_tensor
from shanshui.networks.segmenters.zones import SMALLEST, ZONES, ZoneSegmenter
from shanshui.pipelines.published import Published


class Zones(Published):
    """Finds zones; the same photo and machine always give the same masks."""

    def __init__(self, network: ZoneSegmenter, *, device: torch.device | str = "cpu") -> None:
        """Use `network`, which is moved to `device`."""
        self._device = torch.device(device)
        self._network = network.to(self._device).eval().requires_grad_(False)

    @classmethod
    def from_pretrained(cls, name: str | Path = "zones", *, device: torch.device | str = "cpu") -> Self:
        """Load a segmenter by zoo name (`zones`), snapshot file, or hub id.

        Raises:
            ModelError: there is no such model, or it is not a zone segmenter, or the encoder is not installed.
        """
        snapshot = resolve(name)
        network, _ = load_snapshot(snapshot)
        if not isinstance(network, ZoneSegmenter):
            raise ModelError(f"{name} is not a zone segmenter but a {type(network).__name__}: try `zones`.")
        return cls(network, device=device)._from(snapshot)

    @property
    def names(self) -> tuple[str, ...]:
        """What the zones are called, in the order of the masks."""
        return ZONES

    def __call__(self, image: Path | str | Image.Image | NDArray[Any] | Picture) -> Mapping[str, NDArray[np.float32]]:
        """Find the zones of `image`.

        Args:
            image: a file name, a PIL image, an HW or HWC uint8 or uint16 array, or a `Picture`; transparency is
                not looked at.

        Returns:
            Name -> how much of each pixel is in the zone, (H, W) float32 in [0, 1]; over all zones they sum to 1.

        Raises:
            ImageError: `image` cannot be read, or a side is shorter than 32 pixels.
        """
        photo = from_any(image)
        if min(photo.height, photo.width) < SMALLEST:
            raise ImageError(
                f"A picture of {photo.width} x {photo.height} pixels is too small to find zones in: "
                f"each side must have at least {SMALLEST}."
            )
        with torch.inference_mode():
            masks: NDArray[np.float32] = self._network(to_tensor(photo.pixels).to(self._device))[0].cpu().numpy()
        return dict(zip(ZONES, masks, strict=True))
