"""The images of a data set as a metric sees them: no randomness, spread over the whole set."""

from collections.abc import Iterator

from shanshui.errors import DataError
from shanshui.evaluation.features import Image
from shanshui.events import Emit, ignore
from shanshui.scenes.dataset import SceneDataset
from shanshui.scenes.sources import Source


def stills(
    source: Source, height: int, width: int, *, count: int | None = None, emit: Emit = ignore
) -> Iterator[Image]:
    """Images of `source` at height x width: the largest centred crop of each, resized once, antialiased.

    Args:
        source: the data set.
        height: rows of every image.
        width: columns of every image.
        count: this many, evenly spread over the names, because the first few hundred of a sorted set are often of one
            day or one photographer; an unusable file is replaced by its next usable neighbour. None: every usable one.
        emit: hears a `Warned` for each unusable file.

    Yields:
        HWC uint8, height x width x 3.

    Raises:
        DataError: `count` exceeds the number of files, or no file can be used.
    """
    if count is not None and not 1 <= count <= len(source):
        raise DataError(
            f"{source.label} has {len(source)} images and {count} are asked for: ask for 1 to {len(source)}."
        )
    # Whole crops, so that no image is resized twice, and no memory, because each is decoded once.
    dataset = SceneDataset(source, height, width, flip=False, min_scale=1.0, emit=emit, cache_bytes=0)
    if count is None:
        return dataset.stills()
    return (dataset.still(index * len(source) // count) for index in range(count))
