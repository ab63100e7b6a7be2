"""The paintings that define styles, and the statistics that a stylizer is to reach."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from shanshui.images.files import read_picture
from shanshui.images.pixels import to_tensor
from shanshui.images.resize import resize
from shanshui.objectives.style import StyleObjective, StyleTargets
from shanshui.scenes.sources import open_source

Encode = Callable[[Tensor, Sequence[str]], Mapping[str, Tensor]]


def style_targets(
    styles: Mapping[str, Sequence[str]],
    data: Path,
    *,
    objective: StyleObjective,
    encode: Encode,
    side: int,
    margin: float,
    device: torch.device,
) -> StyleTargets:
    """One row of targets per style, in the order of `styles`: the mean over all of its paintings.

    Args:
        styles: name -> data sets or single paintings (`ARCHIVE.zip/train/file.jpg`), relative to `data`.
        data: the folder of the data sets.
        objective: says which statistics count.
        encode: images in [-1, 1] and layer names to features.
        side: shorter side, in pixels, at which the paintings are looked at: it sets the size of the strokes.
        margin: share of the shorter side that is cut off all around (frames, paper, scanner edges).
        device: where to encode.

    Raises:
        DataError: a data set is missing or empty.
        ImageError: a painting cannot be read.
    """
    rows = []
    with torch.no_grad():
        for places in styles.values():
            paintings = [painting for place in places for painting in _paintings(data / place, side, margin)]
            images = [painting.to(device) for painting in paintings]
            targets = [objective.targets(image, encode(image, objective.layers)) for image in images]
            rows.append(StyleTargets.joined(targets).blended(torch.full((len(images),), 1 / len(images))))
    return StyleTargets.joined(rows)


def _paintings(place: Path, side: int, margin: float) -> list[Tensor]:
    source = open_source(place)
    return [_painting(source.read(name), f"{name} in {source.label}", side, margin) for name in source.names]


def _painting(content: bytes, label: str, side: int, margin: float) -> Tensor:
    pixels = read_picture(content, name=label).over_white()
    rows, columns = pixels.shape[:2]
    cut = margin * min(rows, columns)
    inner_rows, inner_columns = rows - 2 * cut, columns - 2 * cut
    scale = side / min(inner_rows, inner_columns)
    box = (cut, cut, columns - cut, rows - cut)
    return to_tensor(resize(pixels, round(inner_rows * scale), round(inner_columns * scale), box=box))
