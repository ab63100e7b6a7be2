"""Feature extraction: images in, one named matrix of features per layer out. No distances here.

Memory is bounded at any number of images: pixels are held one batch at a time, and a matrix that outgrows
`RESIDENT_BYTES` goes on in a temporary file without a name, mapped into memory.

Extraction runs in full float32: autocast and TensorFloat-32 are switched off, because figures of one protocol have to
agree between machines more than they have to be fast.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import BinaryIO, TypeAlias, cast

import numpy as np
import torch
from numpy.typing import NDArray

from shanshui.atomic import storage_errors
from shanshui.errors import DataError, ImageError, NonFiniteError
from shanshui.evaluation.streams import in_streams
from shanshui.images.pixels import to_tensor
from shanshui.images.resize import fit_crop

Image: TypeAlias = NDArray[np.uint8]
"""HWC RGB uint8."""

Extractor: TypeAlias = Callable[[torch.Tensor], Mapping[str, torch.Tensor]]
"""(N, 3, H, W) float32 in [-1, 1] -> feature name -> (N, D). A name begins with its encoder: `vgg19_relu5_4`."""

RESIDENT_BYTES = 2**28
"""Features of one layer are held in memory up to 256 MiB (32,768 images of 2,048 numbers), beyond that on disk."""

_BLOCK_ROWS = 1024


@dataclass(frozen=True)
class FeatureSet:
    """The features of a set of images: `values` is (N, D) float32, one image a row, in the order of the images.

    A large set is a `numpy.memmap`: read it a block at a time.
    """

    name: str
    values: NDArray[np.float32]

    def __len__(self) -> int:
        """The number of images."""
        return len(self.values)


def _look_away(image: Image) -> None:
    """Watch nothing."""


def extract(
    images: Iterable[Image],
    extractor: Extractor,
    *,
    height: int,
    width: int,
    batch_size: int = 32,
    device: torch.device | str = "cpu",
    watch: Callable[[Image], None] = _look_away,
) -> dict[str, FeatureSet]:
    """Features of every image, each brought to height x width first (largest centred crop, antialiased).

    The batch size changes the order in which convolutions add, and so the features by rounding only: they agree
    within 1e-5 of their size, not bit for bit.

    Args:
        images: HWC RGB uint8, of any sizes; consumed once, a few batches ahead of the network.
        extractor: the frozen network; a module is put into evaluation mode. On a processor it is called from several
            threads at once.
        height: rows of the images that the network sees.
        width: columns of them.
        batch_size: images per forward pass, at least 1.
        device: where `extractor` lives.
        watch: is shown every image as the network sees it, for measures that look at pixels.

    Raises:
        DataError: no images.
        ImageError: an image that is not HWC RGB uint8.
        NonFiniteError: a feature is NaN or infinite.
    """
    if isinstance(extractor, torch.nn.Module):
        extractor.eval()

    def features_of(batch: list[Image]) -> Mapping[str, NDArray[np.float32]]:
        with torch.inference_mode(), _full_precision(torch.device(device)):
            features = extractor(to_tensor(np.stack(batch)).to(device))
            return {name: _checked_rows(name, rows, len(batch)) for name, rows in features.items()}

    matrices: dict[str, _GrowingMatrix] = {}
    batches = _batches(images, batch_size, height, width, watch)
    for features in in_streams(features_of, batches, device=torch.device(device)):
        for name, rows in features.items():
            matrices.setdefault(name, _GrowingMatrix()).append(rows)
    if not matrices:
        raise DataError("There are no images to measure: give at least a few hundred.")
    return {name: FeatureSet(name, matrix.finish()) for name, matrix in matrices.items()}


def _batches(
    images: Iterable[Image], size: int, height: int, width: int, watch: Callable[[Image], None]
) -> Iterator[list[Image]]:
    frames = (framed(image, height, width) for image in images)
    while batch := list(islice(frames, size)):
        for image in batch:
            watch(image)
        yield batch


def together(*extractors: Extractor) -> Extractor:
    """One extractor with the features of all: every image is read and resized once."""

    def extractor(images: torch.Tensor) -> Mapping[str, torch.Tensor]:
        return {name: rows for each in extractors for name, rows in each(images).items()}

    for each in extractors:
        if isinstance(each, torch.nn.Module):
            each.eval()
    return extractor


class _GrowingMatrix:
    """Rows of one width: in memory up to a limit, in an unnamed temporary file beyond it.

    Rows are copied into large blocks. Kept as they come, they would pin the memory that the network worked in, a little
    of it for every batch.
    """

    def __init__(self) -> None:
        self._blocks: list[NDArray[np.float32]] = []
        self._file: BinaryIO | None = None
        self._shape = (0, 0)

    def append(self, rows: NDArray[np.float32]) -> None:
        self._shape = (self._shape[0], rows.shape[1])
        while len(rows) > 0:
            place = self._shape[0] % _BLOCK_ROWS
            if place == 0:
                self._spill_full_blocks()
                self._blocks.append(np.empty((_BLOCK_ROWS, rows.shape[1]), np.float32))
            taken = rows[: _BLOCK_ROWS - place]
            self._blocks[-1][place : place + len(taken)] = taken
            self._shape = (self._shape[0] + len(taken), rows.shape[1])
            rows = rows[len(taken) :]

    def finish(self) -> NDArray[np.float32]:
        self._blocks[-1] = self._blocks[-1][: (self._shape[0] - 1) % _BLOCK_ROWS + 1]
        self._spill_full_blocks()
        if self._file is None:
            return np.concatenate(self._blocks)
        self._file.flush()
        with self._file:  # the mapping outlives the file
            return np.memmap(self._file, np.float32, "r", shape=self._shape)

    def _spill_full_blocks(self) -> None:
        """Move what is held to the file, once there is too much of it."""
        held = self._shape[0] * self._shape[1] * np.dtype(np.float32).itemsize
        if self._file is None and held <= RESIDENT_BYTES:
            return
        with storage_errors(Path(gettempdir())):
            if self._file is None:
                self._file = cast(BinaryIO, TemporaryFile())  # noqa: SIM115 - lives as long as the mapping needs it
            for block in self._blocks:
                self._file.write(np.ascontiguousarray(block).data)
        self._blocks.clear()


def framed(image: Image, height: int, width: int) -> Image:
    """`image` as the network sees it: its largest centred crop of these proportions, resized antialiased.

    Raises:
        ImageError: not HWC RGB uint8.
    """
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
