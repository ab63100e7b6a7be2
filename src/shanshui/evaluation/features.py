"""Feature extraction: images in, one named matrix of features per layer out. No distances here.

Extraction runs in full float32: autocast and TensorFloat-32 are switched off, because figures of one protocol have to
agree between machines more than they have to be fast.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from shanshui.errors import DataError, ImageError, NonFiniteError
from shanshui.images.pixels import to_tensor
from shanshui.images.resize import fit_crop

Image: TypeAlias = NDArray[np.uint8]
"""HWC RGB uint8."""

Extractor: TypeAlias = Callable[[torch.Tensor], Mapping[str, torch.Tensor]]
"""(N, 3, H, W) float32 in [-1, 1] -> feature name -> (N, D). A name begins with its encoder: `vgg19_relu5_4`."""


@dataclass(frozen=True)
class FeatureSet:
    """The features of a set of images: `values` is (N, D) float32, one image a row, in the order of the images."""

    name: str
    values: NDArray[np.float32]

    def __len__(self) -> int:
        """The number of images."""
        return len(self.values)


def extract(
    images: Iterable[Image],
    extractor: Extractor,
    *,
    height: int,
    width: int,
    batch_size: int = 32,
    device: torch.device | str = "cpu",
) -> dict[str, FeatureSet]:
    """Features of every image, each brought to height x width first (largest centred crop, antialiased).

    Pixels are held one batch at a time. The batch size changes the order in which convolutions add, and so the
    features by rounding only: they agree within 1e-5 of their size, not bit for bit.

    Args:
        images: HWC RGB uint8, of any sizes; consumed once, lazily.
        extractor: the frozen network; a module is put into evaluation mode.
        height: rows of the images that the network sees.
        width: columns of them.
        batch_size: images per forward pass, at least 1.
        device: where `extractor` lives.

    Raises:
        DataError: no images.
        ImageError: an image that is not HWC RGB uint8.
        NonFiniteError: a feature is NaN or infinite.
    """
    if isinstance(extractor, torch.nn.Module):
        extractor.eval()
    parts: dict[str, list[NDArray[np.float32]]] = {}
    framed = (_framed(image, height, width) for image in images)
    with torch.inference_mode(), _full_precision(torch.device(device)):
        while batch := list(islice(framed, batch_size)):
            features = extractor(to_tensor(np.stack(batch)).to(device))
            for name, rows in features.items():
                parts.setdefault(name, []).append(_checked_rows(name, rows, len(batch)))
    if not parts:
        raise DataError("There are no images to measure: give at least a few hundred.")
    return {name: FeatureSet(name, np.concatenate(blocks)) for name, blocks in parts.items()}


def together(*extractors: Extractor) -> Extractor:
    """One extractor with the features of all: every image is read and resized once."""

    def extractor(images: torch.Tensor) -> Mapping[str, torch.Tensor]:
        return {name: rows for each in extractors for name, rows in each(images).items()}

    for each in extractors:
        if isinstance(each, torch.nn.Module):
            each.eval()
    return extractor


def _framed(image: Image, height: int, width: int) -> Image:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ImageError(
            f"An image to measure has the shape {image.shape} and type {image.dtype}: HWC RGB uint8 was expected."
        )
    if image.shape[:2] == (height, width):
        return image
    return fit_crop(image, height, width).astype(np.uint8, copy=False)


def _checked_rows(name: str, rows: torch.Tensor, count: int) -> NDArray[np.float32]:
    if rows.ndim != 2 or len(rows) != count:
        raise ValueError(f"extractor gave {name} the shape {tuple(rows.shape)} for {count} images, not (N, D)")
    if not bool(torch.isfinite(rows).all()):
        raise NonFiniteError(f"The features {name} of an image are NaN or infinite: check the network that made them.")
    values: NDArray[np.float32] = rows.to(device="cpu", dtype=torch.float32).numpy()
    return values


@contextmanager
def _full_precision(device: torch.device) -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(torch.autocast(device.type, enabled=False))
        if device.type == "cuda":
            stack.enter_context(torch.backends.cudnn.flags(enabled=True, allow_tf32=False))
        yield
