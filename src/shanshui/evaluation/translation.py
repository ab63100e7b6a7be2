"""Judging a translator while it learns: how near its pictures come to the paintings, and how far from their photos."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from shanshui.evaluation.diversity import PairDistance
from shanshui.evaluation.estimates import Estimate, Features
from shanshui.evaluation.examination import Examination
from shanshui.evaluation.features import Image
from shanshui.evaluation.judge import Judge
from shanshui.evaluation.protocols import Protocol
from shanshui.evaluation.stylization import content, with_changes


class TranslationJudge:
    """A `Judge` of all pictures that also compares the first of them with their photos.

    A translator that leaves photos alone has no change of content, one that paints what it likes may be near to the
    paintings: neither figure means anything without the other. The judge's chooses the best snapshot.

    Attributes:
        names: full names of the judge's figures, the preferred first, and of the change of content.
    """

    def __init__(
        self, judge: Judge, photos: Sequence[Image], distance: PairDistance, *, name: str, height: int, width: int
    ) -> None:
        """Judge with `judge`.

        Args:
            judge: measures pictures against the paintings.
            photos: what the first pictures are made from, in their order; at least 2.
            distance: between photo and picture.
            name: of that distance, for the figure's.
            height: rows at which they are compared.
            width: columns.
        """
        self._judge, self._photos, self._distance = judge, photos, distance
        self._distance_name, self._size = name, (height, width)
        self._content = Protocol(
            measure="content", feature=name, height=height, width=width, reals=len(photos), fakes=len(photos)
        ).name
        self.names = (*judge.names, self._content)

    def __call__(self, draw: Callable[[int], Iterable[Image]], before: Features | None = None) -> Examination:
        """As `Judge`, with the change of content.

        Raises:
            DataError: fewer pictures than are to be compared with their photos.
        """
        compared: list[Image] = []

        def watched(count: int) -> Iterator[Image]:
            for picture in draw(count):
                if len(compared) < len(self._photos):
                    compared.append(picture)
                yield picture

        found = self._judge(watched, before)
        change = self._change(compared)
        return replace(
            found,
            figures={**found.figures, self._content: change.value},
            errors={**found.errors, self._content: change.standard_error or 0.0},
        )

    def choosing(self, looks_through: str | None) -> str:
        """The figure that chooses the best snapshot: the judge's."""
        return self._judge.choosing(looks_through)

    def _change(self, pictures: Sequence[Image]) -> Estimate:
        changes: dict[str, list[float]] = {self._distance_name: []}
        height, width = self._size
        compared = with_changes(
            pictures, self._photos, {self._distance_name: self._distance}, changes, height=height, width=width
        )
        deque(compared, maxlen=0)
        return content(np.array(changes[self._distance_name]))
