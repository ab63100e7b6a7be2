"""How unlike each other the images of one set are: a distance between images, averaged over random pairs of them."""

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shanshui.errors import ConfigError, DataError, ImageError, NonFiniteError
from shanshui.evaluation.estimates import Estimate
from shanshui.evaluation.features import Image
from shanshui.images.pixels import to_tensor

PairDistance: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Two batches (N, 3, H, W) float32 in [-1, 1] -> (N,): how far, or how alike, the images of each pair are."""

SAMPLE_SIZE = 400
"""Images kept by default: 200 pairs, which give the MS-SSIM of 128-pixel landscapes a standard error of about .01."""

PAIRS_AT_ONCE = 8


@dataclass(frozen=True, order=True)
class _Entry:
    rank: bytes
    image: Image = field(compare=False)


class PixelSample:
    """A random sample of the images of a stream, without replacement, that does not depend on their order.

    A bottom-k sketch (Cohen and Kaplan 2007, "Summarizing Data Using Bottom-k Sketches"): the rank of an image is a
    hash of its pixels and of how many equal images came before it, and the k lowest ranks stay. Hashing equal images
    apart keeps duplicates in their true proportion: a generator that repeats itself is caught in the act. There is no
    seed, because the pixels take its place: the same images give the same sample and the same pairs on every machine.

    Memory: `size` images, and about 100 bytes for every distinct image seen.
    """

    def __init__(self, size: int = SAMPLE_SIZE) -> None:
        """An empty sample.

        Args:
            size: images to keep, at least 2.

        Raises:
            ConfigError: `size` is below 2.
        """
        if size < 2:
            raise ConfigError(f"A sample of {size} images holds no pair: keep at least 2, and better 400.")
        self._size = size
        self._seen: Counter[bytes] = Counter()
        self._entries: list[_Entry] = []
        self._shape: tuple[int, ...] | None = None

    def __len__(self) -> int:
        """The number of images kept."""
        return len(self._entries)

    def add(self, image: Image) -> None:
        """Consider the next image of the stream, HWC RGB uint8.

        Raises:
            ImageError: not of the size of the images before it.
        """
        self._require_alike(image)
        digest = hashlib.blake2b(image.tobytes(), digest_size=16).digest()
        rank = hashlib.blake2b(digest + self._seen[digest].to_bytes(8, "big"), digest_size=16).digest()
        self._seen[digest] += 1
        if len(self._entries) < self._size or rank < self._entries[-1].rank:
            entry = _Entry(rank, image.copy())
            self._entries.insert(bisect_left(self._entries, entry), entry)
            del self._entries[self._size :]

    def pairs(self) -> Sequence[tuple[Image, Image]]:
        """Disjoint pairs of the sample, neighbours in the order of the hash: random, and the same in every order."""
        images = [entry.image for entry in self._entries]
        return list(zip(images[::2], images[1::2], strict=False))

    def _require_alike(self, image: Image) -> None:
        if self._shape is None:
            self._shape = image.shape
        if image.shape != self._shape:
            raise ImageError(
                f"Images of the shapes {self._shape} and {image.shape} cannot be compared in pairs: bring all of them "
                "to one size first."
            )


def pair_figure(sample: PixelSample, distance: PairDistance, *, batch_size: int = PAIRS_AT_ONCE) -> Estimate:
    """The mean of `distance` over the disjoint pairs of `sample`.

    With `similarity.ms_ssim` lower is more diverse, with a distance such as LPIPS higher is. Disjoint pairs share no
    image, so the standard error is simply that of a mean: deviation / sqrt(pairs).

    Args:
        sample: images of one size, at least 4.
        distance: called on batches of pairs.
        batch_size: pairs in a batch, at least 1; it changes speed and memory, and the figure by rounding only.

    Raises:
        DataError: fewer than two pairs.
        NonFiniteError: a distance is NaN or infinite.
        ImageError: as in `distance`.
    """
    pairs = sample.pairs()
    if len(pairs) < 2:
        raise DataError(
            f"The diversity needs two pairs of images, so at least 4 images, and there are {len(sample)}: add images."
        )
    starts = range(0, len(pairs), batch_size)
    values = np.concatenate([_distances(pairs[start : start + batch_size], distance) for start in starts])
    if not np.isfinite(values).all():
        raise NonFiniteError("The distance of two images is NaN or infinite: check the network that measures it.")
    return Estimate(value=float(values.mean()), standard_error=float(values.std(ddof=1) / np.sqrt(len(values))))


def _distances(pairs: Sequence[tuple[Image, Image]], distance: PairDistance) -> NDArray[np.float64]:
    first, second = (to_tensor(np.stack(side)) for side in zip(*pairs, strict=True))
    with torch.inference_mode():
        values = distance(first, second)
    if values.shape != (len(pairs),):
        raise ValueError(f"distance gave the shape {tuple(values.shape)} for {len(pairs)} pairs, not (N,)")
    result: NDArray[np.float64] = values.to(device="cpu", dtype=torch.float64).numpy()
    return result
