"""What a data set has and has wrong, seen before any training starts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from shanshui.events import Emit
from shanshui.scenes.base import Source
from shanshui.scenes.inspection import Inspection, inspect
from shanshui.scenes.oddities import GREY, oddities
from shanshui.scenes.spreads import Spread, spreads

SPLITS = frozenset({"train", "test", "heldout", "held-out", "val", "valid", "validation"})
UNFIT = ("blank", "graphics")  # odd in a way that teaches a generator nothing


@dataclass(frozen=True, kw_only=True)
class Survey:
    """Findings about the image files of a source; everything follows from what `found` measured."""

    found: Inspection

    @property
    def usable(self) -> int:
        """Images that training would see, each once."""
        return len(self.found.traits)

    @property
    def worth(self) -> int:
        """Images that training can learn from: usable, no near-duplicate, neither blank nor a graphic."""
        unfit = {name for kind in UNFIT for name in self.odd[kind]}
        return len(set(self.found.traits) - unfit - set(self.found.repeats))

    @property
    def grey(self) -> int:
        """Usable images without colour."""
        return sum(one.most_color <= GREY for one in self.found.traits.values())

    @cached_property
    def odd(self) -> Mapping[str, Mapping[str, str]]:
        """Kind of oddity -> file -> what is odd; see `oddities`."""
        return oddities(self.found.traits)

    @cached_property
    def spreads(self) -> Mapping[str, Spread]:
        """Size, light, colour and shape; see `spreads`."""
        return spreads(self.found.traits.values())

    @cached_property
    def folders(self) -> Mapping[str, int]:
        """Usable images by the folder they lie in, or nothing where some lie in none or all in the same."""
        counts = Counter(name.partition("/")[0] if "/" in name else "" for name in self.found.traits)
        return {} if "" in counts or len(counts) < 2 else dict(sorted(counts.items()))

    @property
    def labels(self) -> Mapping[str, int]:
        """The folders, where they are classes of images and not the parts of a split data set."""
        return {} if SPLITS & {folder.lower() for folder in self.folders} else self.folders

    def share_with_side(self, pixels: int) -> float:
        """Share of the usable images whose shorter side has at least so many pixels."""
        reaching = sum(min(one.width, one.height) >= pixels for one in self.found.traits.values())
        return reaching / max(1, self.usable)

    def as_json(self) -> dict[str, Any]:
        """Everything, in types that JSON has."""
        sides = self.spreads["short side"].counts
        return {
            "source": self.found.label,
            "files": self.found.files,
            "usable": self.usable,
            "worth_learning": self.worth,
            "passed_over": list(self.found.passed_over),
            "unreadable": dict(self.found.unreadable),
            "too_small": list(self.found.too_small),
            "duplicates": dict(self.found.duplicates),
            "near_duplicates": [list(group) for group in self.found.near_duplicates],
            "odd": {kind: dict(files) for kind, files in self.odd.items()},
            "grey": self.grey,
            "short_sides": {span: count for span, count in sides.items() if count},
            "spreads": {name: one.as_json() for name, one in self.spreads.items()},
            "labels": dict(self.labels),
            "images": {name: asdict(one) for name, one in self.found.traits.items()},
        }


def survey(source: Source, emit: Emit) -> Survey:
    """Decode every image of `source` once and say what was found."""
    return Survey(found=inspect(source, emit))
