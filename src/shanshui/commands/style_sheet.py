"""One photo in every style of a model, on one sheet."""

import numpy as np

from shanshui.errors import ConfigError
from shanshui.events import Emit, Progress, Started
from shanshui.images.captions import contact_sheet
from shanshui.images.picture import Picture
from shanshui.images.pixels import to_eight_bits
from shanshui.images.resize import resize
from shanshui.pipelines.stylize import Stylizer
from shanshui.pipelines.treatment import Treatment

TASK = "contact sheet"
CELL = 360  # the longer side of each picture in pixels: large enough to see strokes
COLUMNS = 4


def style_sheet(stylizer: Stylizer, photo: Picture, treatment: Treatment, emit: Emit) -> Picture:
    """The photo and its picture in every style that `stylizer` knows by name, with the names below.

    Raises:
        ConfigError: it knows none.
    """
    if not stylizer.styles:
        raise ConfigError("This model has no named styles to show: give --style with a painting instead.")
    emit(Started(task=TASK, total=len(stylizer.styles)))
    pixels = to_eight_bits(photo.over_white())
    scale = CELL / max(pixels.shape[:2])
    small = resize(pixels, *(max(1, round(side * scale)) for side in pixels.shape[:2]))
    pictures = [("photo", small)]
    for done, style in enumerate(stylizer.styles, 1):
        painted = stylizer.paint(small, style, treatment).pixels.astype(np.uint8, copy=False)
        pictures.append((style, painted))
        emit(Progress(task=TASK, done=done, values={}))
    return Picture(contact_sheet(pictures, COLUMNS))
