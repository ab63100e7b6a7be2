"""What a data set has wrong, seen before any training starts."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from shanshui.errors import ImageError
from shanshui.events import Emit, Finished, Progress, Started
from shanshui.images.files import read_picture
from shanshui.images.pixels import Pixels, peak
from shanshui.images.resize import fit_crop
from shanshui.scenes.base import Source
from shanshui.scenes.dataset import MIN_SIDE

TASK = "doctor"
FEW = 500  # below this many photos a scene generator mostly repeats what it saw
GREY_TOLERANCE = 0.03  # largest difference between channels, as a share of white, that still counts as grey
SHORT_SIDES = (64, 128, 256, 512, 1024, 2048)
NAMES_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Survey:
    """Findings about the image files of a source.

    Attributes:
        label: what was looked at.
        files: number of image files.
        unreadable: file name -> why it cannot be used.
        too_small: files with a side below the smallest usable one.
        duplicates: files whose content is byte for byte that of an earlier one -> the earlier one.
        grey: number of usable images without colour.
        short_sides: number of usable images by the length of the short side, as `below 64`, `64-127`, ...
    """

    label: str
    files: int
    unreadable: Mapping[str, str]
    too_small: tuple[str, ...]
    duplicates: Mapping[str, str]
    grey: int
    short_sides: Mapping[str, int]

    @property
    def usable(self) -> int:
        """Images that training would see, each once."""
        return self.files - len(self.unreadable) - len(self.too_small) - len(self.duplicates)

    def as_json(self) -> dict[str, Any]:
        """Everything, in types that JSON has."""
        return {
            "source": self.label,
            "files": self.files,
            "usable": self.usable,
            "unreadable": dict(self.unreadable),
            "too_small": list(self.too_small),
            "duplicates": dict(self.duplicates),
            "grey": self.grey,
            "short_sides": dict(self.short_sides),
        }

    def describe(self) -> str:
        """The findings in words, with what to do about them."""
        lines = [f"{self.label}: {self.usable:,} of {self.files:,} image files are usable"]
        most = max(self.short_sides.values(), default=1)
        for span, count in self.short_sides.items():
            lines.append(f"  short side {span:>10} px  {count:>7,}  {'█' * round(24 * count / most)}")
        for title, names in (
            ("unreadable", list(self.unreadable)),
            (f"smaller than {MIN_SIDE} px", self.too_small),
            ("copies of another file", list(self.duplicates)),
        ):
            if names:
                shown = ", ".join(names[:NAMES_SHOWN]) + (", ..." if len(names) > NAMES_SHOWN else "")
                lines.append(f"  {title}: {len(names):,} ({shown})")
        if self.grey:
            lines.append(f"  without colour: {self.grey:,} ({self.grey / max(1, self.usable):.0%})")
        lines += [f"  advice: {advice}" for advice in self._advice()]
        return "\n".join(lines)

    def _advice(self) -> list[str]:
        advice = []
        if self.unreadable or self.too_small or self.duplicates:
            advice.append("`shanshui prepare` writes an archive without the files named above.")
        if self.grey > 0.1 * max(1, self.usable):
            advice.append("a generator will make grey scenes as often: take the grey photos out if you want colour.")
        if self.usable < FEW:
            advice.append(f"fewer than {FEW} photos are enough for a style, but few for a scene generator.")
        return advice or ["nothing to mend."]


def survey(source: Source, emit: Emit) -> Survey:
    """Decode every image of `source` once and say what was found."""
    emit(Started(task=TASK, total=len(source)))
    unreadable: dict[str, str] = {}
    too_small: list[str] = []
    duplicates: dict[str, str] = {}
    first_with: dict[bytes, str] = {}
    short_sides: Counter[int] = Counter()
    grey = 0
    for done, name in enumerate(source.names, 1):
        try:
            content = source.read(name)
            pixels = read_picture(content, name=name).over_white()
        except ImageError as error:
            unreadable[name] = str(error)
        else:
            earlier = first_with.setdefault(hashlib.sha256(content).digest(), name)
            if earlier != name:
                duplicates[name] = earlier
            elif min(pixels.shape[:2]) < MIN_SIDE:
                too_small.append(name)
            else:
                grey += _is_grey(pixels)
                short_sides[_span(min(pixels.shape[:2]))] += 1
        emit(Progress(task=TASK, done=done, values={}))
    emit(Finished(task=TASK, done=len(source), reason="complete"))
    return Survey(
        label=source.label,
        files=len(source),
        unreadable=unreadable,
        too_small=tuple(too_small),
        duplicates=duplicates,
        grey=grey,
        short_sides={_span_name(index): short_sides[index] for index in sorted(short_sides)},
    )


def _is_grey(pixels: Pixels) -> bool:
    small = fit_crop(pixels, 32, 32).astype(np.float32) / peak(pixels)
    return bool((small.max(axis=2) - small.min(axis=2)).max() <= GREY_TOLERANCE)


def _span(side: int) -> int:
    """How many of `SHORT_SIDES` the side reaches."""
    return sum(side >= bound for bound in SHORT_SIDES)


def _span_name(index: int) -> str:
    if index == 0:
        return f"below {SHORT_SIDES[0]}"
    if index == len(SHORT_SIDES):
        return f"{SHORT_SIDES[-1]}+"
    return f"{SHORT_SIDES[index - 1]}-{SHORT_SIDES[index] - 1}"
