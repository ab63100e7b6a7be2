"""Training images from a source: decoded, cropped at random, flipped, at exactly one size."""

import math
import threading
from collections import OrderedDict
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from shanshui.errors import ConfigError, DataError, ImageError
from shanshui.events import Emit, Warned, ignore
from shanshui.images.files import read_picture
from shanshui.images.pixels import to_eight_bits
from shanshui.images.resize import crop_box, fit_crop, largest_crop, resize
from shanshui.scenes.base import GoneError, Source
from shanshui.scenes.sampler import index_at

CACHE_BYTES = 2**30
"""Decoded images are remembered up to one gibibyte a data set: decoding again and again would cost learning time."""

MIN_SIDE = 16
"""Images with a shorter side below this many pixels are icons, not scenes, and are passed over."""

_STREAM = 0xC407


class SceneDataset:
    """Images of one size, each a pure function of (seed, position).

    An image that cannot be used (damaged, not an image, tiny) is replaced by the next usable one, the same one in
    every run, and reported once. Safe to use from several threads.
    """

    def __init__(
        self,
        source: Source,
        height: int,
        width: int,
        *,
        flip: bool = True,
        min_scale: float = 0.8,
        emit: Emit = ignore,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        """Images of `source` at height x width pixels.

        Args:
            source: where the files are.
            height: rows of every image.
            width: columns of every image.
            flip: mirror every second image, at random, left to right.
            min_scale: sides of the smallest random crop as a share of the largest crop with these proportions, in
                (0, 1]; 1 always takes the largest crop.
            emit: hears one `Warned` for each file that is passed over.
            cache_bytes: memory for decoded images; 0 decodes each time.

        Raises:
            ConfigError: a size below 1 or a scale outside (0, 1].
        """
        if height < 1 or width < 1:
            raise ConfigError(
                f"Training images of {width} x {height} pixels are impossible: both sides must be at least 1."
            )
        if not 0 < min_scale <= 1:
            raise ConfigError(f"The smallest crop is {min_scale} of the image: give a share above 0 and at most 1.")
        self.source = source
        self.height = height
        self.width = width
        self._flip = flip
        self._min_scale = min_scale
        self._emit = emit
        self._cache = _Cache(cache_bytes)
        self._refused: dict[int, str] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """The number of files, usable or not."""
        return len(self.source)

    def item(self, seed: int, position: int) -> NDArray[np.uint8]:
        """The training image seen as number `position`: a random crop, perhaps mirrored.

        Returns:
            HWC uint8, height x width x 3.

        Raises:
            DataError: no file of the source can be used, or one of them is there no more.
        """
        copy = self._usable(index_at(seed, position, len(self)))
        random = np.random.default_rng([_STREAM, seed, position])
        scale = random.uniform(self._min_scale, 1)
        across, down, mirrored = random.random(3)
        rows, columns = copy.shape[:2]
        crop_height, crop_width = (scale * side for side in largest_crop(rows, columns, self.height, self.width))
        left, top = across * (columns - crop_width), down * (rows - crop_height)
        box = crop_box(left, top, crop_height, crop_width, rows, columns)
        image = resize(copy, self.height, self.width, box=box)
        return np.ascontiguousarray(image[:, ::-1]) if self._flip and mirrored < 0.5 else image

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the folders that the files lie in, sorted: the labels of the images, by number.

        Raises:
            DataError: some or all files lie in no folder.
        """
        return tuple(sorted({self._folder(name) for name in self.source.names}))

    def label(self, seed: int, position: int) -> int:
        """The number of the class of the training image `position`."""
        index = index_at(seed, position, len(self))
        self._usable(index)  # so that an unusable file is known, whose replacement is shown
        while index in self._refused:
            index = (index + 1) % len(self)
        return self.classes.index(self._folder(self.source.names[index]))

    def _folder(self, name: str) -> str:
        folder, slash, _ = name.partition("/")
        if not slash:
            raise DataError(
                f"{name} in {self.source.label} lies in no folder, so it has no label: put each class in a folder."
            )
        return folder

    def still(self, index: int) -> NDArray[np.uint8]:
        """File number `index` without randomness: the largest centred crop, resized.

        Returns:
            HWC uint8, height x width x 3; of the next usable file when this one is unusable.

        Raises:
            DataError: no file of the source can be used.
        """
        return fit_crop(self._usable(index), self.height, self.width)

    def usable_still(self, index: int) -> NDArray[np.uint8] | None:
        """What `still` gives, or None when this file is unusable."""
        copy = self._copy(index)
        return None if copy is None else fit_crop(copy, self.height, self.width)

    def _usable(self, index: int) -> NDArray[np.uint8]:
        for step in range(len(self)):
            copy = self._copy((index + step) % len(self))
            if copy is not None:
                return copy
        raise DataError(f"{self.source.label} has no usable image among {len(self)}: {self._refused[index]}")

    def _copy(self, index: int) -> NDArray[np.uint8] | None:
        """The decoded file, no larger than its smallest crop needs, or None when it cannot be used."""
        if index in self._refused:
            return None
        cached = self._cache.get(index)
        if cached is not None:
            return cached
        name = self.source.names[index]
        try:
            picture = read_picture(self.source.read(name), name=f"{name} in {self.source.label}")
            pixels = to_eight_bits(picture.over_white())
            if min(pixels.shape[:2]) < MIN_SIDE:
                raise ImageError(
                    f"{name} in {self.source.label} has a side below {MIN_SIDE} pixels: too small for a scene."
                )
        except GoneError as error:  # not one bad image, which the same training would do without every time
            raise DataError(f"{error} Put it back; a training then goes on with --resume.") from error
        except ImageError as error:
            self._refuse(index, str(error))
            return None
        copy = self._reduced(pixels)
        self._cache.put(index, copy)
        return copy

    def _reduced(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        rows, columns = pixels.shape[:2]
        crop_height, _ = largest_crop(rows, columns, self.height, self.width)
        factor = self.height / (crop_height * self._min_scale)
        if factor >= 1:
            return pixels
        return resize(pixels, math.ceil(rows * factor), math.ceil(columns * factor))

    def _refuse(self, index: int, reason: str) -> None:
        with self._lock:
            if index in self._refused:
                return
            self._refused[index] = reason
        self._emit(Warned(task="data", message=reason))


class _Cache:
    """The most recently used arrays, up to a number of bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._arrays: OrderedDict[int, NDArray[np.uint8]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: int) -> NDArray[np.uint8] | None:
        with self._lock:
            if key in self._arrays:
                self._arrays.move_to_end(key)
            return self._arrays.get(key)

    def put(self, key: int, array: NDArray[np.uint8]) -> None:
        with self._lock:
            replaced = self._arrays.pop(key, None)
            self._held += array.nbytes - (0 if replaced is None else replaced.nbytes)
            self._arrays[key] = array
            while self._held > self._limit:
                _, dropped = self._arrays.popitem(last=False)
                self._held -= dropped.nbytes
