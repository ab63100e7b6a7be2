"""Sample sheets: many images of one size side by side."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shanshui.errors import ImageError


def grid(images: Sequence[NDArray[np.uint8]], columns: int) -> NDArray[np.uint8]:
    """The images row by row, without gaps; cells left over in the last row are black.

    Args:
        images: at least one HWC uint8 array, all of the same shape.
        columns: images in a row; fewer images than that make one shorter row.

    Returns:
        HWC uint8.

    Raises:
        ImageError: no images, differing shapes, or fewer than one column.
    """
    if not images or columns < 1:
        raise ImageError(
            f"A grid of {len(images)} images in {columns} columns cannot be drawn: both must be at least 1."
        )
    shapes = {image.shape for image in images}
    if len(shapes) != 1:
        raise ImageError(f"The images of a grid have different shapes {sorted(shapes)}: resize them to one size first.")
    height, width, channels = shapes.pop()
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    sheet = np.zeros((rows, height, columns, width, channels), dtype=np.uint8)
    for index, image in enumerate(images):
        sheet[index // columns, :, index % columns] = image
    return sheet.reshape(rows * height, columns * width, channels)
