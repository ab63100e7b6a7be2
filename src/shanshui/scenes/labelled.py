"""Labels and splits of a data set, told by the folders that its files lie in.

`beach/1.jpg` has the label `beach`. Where the first folder is `train`, that of `train/beach/1.jpg` is the split, and
everything beside it is held out: it is there to measure on, and nothing may be made of it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from shanshui.errors import DataError
from shanshui.scenes.base import Source

TRAIN = "train"

HELD_OUT = frozenset(
    {"heldout", "held-out", "held_out", "test", "testing", "val", "valid", "validation", "dev", "eval"}
)
"""What folders of images are called, in lower case, that nobody learns from."""


@dataclass(frozen=True)
class Filed:
    """A file with its place.

    Attributes:
        name: in the source.
        split: the folder of its split as the source spells it, None where there are no splits.
        label: the folder of its class, None where it lies in none.
    """

    name: str
    split: str | None
    label: str | None


@dataclass(frozen=True)
class Labelled:
    """The files of a data set.

    Attributes:
        train: those to learn from, in the order of their names; all or none of them have labels.
        held_out: those to measure on.
        labels: of `train`, sorted; empty where it has none.
    """

    train: Sequence[Filed]
    held_out: Sequence[Filed]
    labels: tuple[str, ...]


def labelled(source: Source) -> Labelled:
    """The files of `source` by split and label.

    Raises:
        DataError: nothing to learn from, a folder beside `train` that is no known split, or labels for some files only.
    """
    if PurePosixPath(source.title).name.lower() in HELD_OUT:
        raise DataError(f"{source.label} is held out by its name, so nothing is made of it: give the folder to learn.")
    firsts = Counter(_first(name) for name in source.names)
    splits = {first for first in firsts if first is not None and first.lower() in {TRAIN, *HELD_OUT}}
    if not any(split.lower() == TRAIN for split in splits):
        if splits:
            raise DataError(
                f"{source.label} has a folder {min(splits)} but no folder {TRAIN} beside it: name what is to learn so."
            )
        return _checked(source, [Filed(name, None, _first(name)) for name in source.names], [])
    strays = [name for name in source.names if _first(name) not in splits]
    if strays:
        raise DataError(
            f"{strays[0]} in {source.label} lies beside the folder {TRAIN}: there may only be folders of held-out "
            f"images ({', '.join(sorted(HELD_OUT))})."
        )
    filed = [_in_split(name) for name in source.names]
    return _checked(
        source,
        [file for file in filed if file.split is not None and file.split.lower() == TRAIN],
        [file for file in filed if file.split is None or file.split.lower() != TRAIN],
    )


def _checked(source: Source, train: list[Filed], held_out: list[Filed]) -> Labelled:
    bare = [file.name for file in train if file.label is None]
    if bare and len(bare) < len(train):
        raise DataError(
            f"{bare[0]} in {source.label} lies in no folder, so it has no label, but others have: give all of them one."
        )
    return Labelled(train, held_out, tuple(sorted({file.label for file in train if file.label is not None})))


def _in_split(name: str) -> Filed:
    split, _, rest = name.partition("/")
    return Filed(name, split, _first(rest))


def _first(name: str) -> str | None:
    """The first folder of a path, None for a bare file."""
    folder, slash, _ = name.partition("/")
    return folder if slash else None
