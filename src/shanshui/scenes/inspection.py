"""A data set looked at as a whole: every file decoded once, measured, and compared with all others."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from shanshui.errors import ImageError
from shanshui.events import Emit, Finished, Progress, Started
from shanshui.images.files import read_picture
from shanshui.scenes.ahead import ahead
from shanshui.scenes.base import Source
from shanshui.scenes.dataset import MIN_SIDE
from shanshui.scenes.lookalikes import glance, lookalikes
from shanshui.scenes.traits import Traits, measure

TASK = "inspect"


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What the image files of a source are.

    Attributes:
        label: what was looked at.
        files: number of image files.
        passed_over: files that do not end like an image.
        unreadable: file name -> why it cannot be used.
        too_small: files with a side below the smallest usable one.
        duplicates: files whose content is byte for byte that of an earlier one -> the earlier one.
        traits: measurements of all other files, those that training would see, in the order of their names.
        near_duplicates: groups of these that are one photograph, the largest picture of each group first.
    """

    label: str
    files: int
    passed_over: tuple[str, ...]
    unreadable: Mapping[str, str]
    too_small: tuple[str, ...]
    duplicates: Mapping[str, str]
    traits: Mapping[str, Traits]
    near_duplicates: tuple[tuple[str, ...], ...]

    @cached_property
    def repeats(self) -> Mapping[str, str]:
        """Every near-duplicate but the first of its group -> that first one."""
        return {name: group[0] for group in self.near_duplicates for name in group[1:]}


def inspect(source: Source, emit: Emit) -> Inspection:
    """Decode every image of `source` once, several at a time; of each, two kilobytes are kept until the end."""
    emit(Started(task=TASK, total=len(source)))
    unreadable: dict[str, str] = {}
    too_small: list[str] = []
    duplicates: dict[str, str] = {}
    first_with: dict[bytes, str] = {}
    traits: dict[str, Traits] = {}
    glances: list[NDArray[np.float16]] = []
    for done, (name, seen) in enumerate(ahead(lambda name: (name, _see(source, name)), source.names), start=1):
        if isinstance(seen, str):
            unreadable[name] = seen
        elif (earlier := first_with.setdefault(seen.digest, name)) != name:
            duplicates[name] = earlier
        elif min(seen.traits.width, seen.traits.height) < MIN_SIDE:
            too_small.append(name)
        else:
            traits[name] = seen.traits
            glances.append(seen.glance)
        emit(Progress(task=TASK, done=done, values={}))
    names = list(traits)

    def pixels_of(name: str) -> int:
        return traits[name].width * traits[name].height

    groups = [sorted((names[place] for place in group), key=pixels_of, reverse=True) for group in lookalikes(glances)]
    emit(Finished(task=TASK, done=len(source), reason="complete"))
    return Inspection(
        label=source.label,
        files=len(source),
        passed_over=source.passed_over,
        unreadable=unreadable,
        too_small=tuple(too_small),
        duplicates=duplicates,
        traits=traits,
        near_duplicates=tuple(map(tuple, groups)),
    )


@dataclass(frozen=True)
class _Seen:
    digest: bytes
    traits: Traits
    glance: NDArray[np.float16]


def _see(source: Source, name: str) -> _Seen | str:
    try:
        content = source.read(name)
        pixels = read_picture(content, name=name).over_white()
    except ImageError as error:
        return str(error)
    return _Seen(hashlib.sha256(content).digest(), measure(pixels), glance(pixels))
