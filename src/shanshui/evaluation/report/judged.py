"""The judged sets of a report, each with the name and the look that it has all over the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import PurePosixPath

from shanshui.evaluation.assessment import Assessment
from shanshui.evaluation.report.inks import REFERENCE, Ink, ink, line_swatch, swatch

CONTROL = "Real against real"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A judged set on the page.

    Attributes:
        assessment: what was found.
        brief: its label without what all labels have in common.
        ink: how it is drawn.
    """

    assessment: Assessment
    brief: str
    ink: Ink

    @property
    def label(self) -> str:
        """The whole label, as text."""
        return self.assessment.label

    def name(self) -> str:
        """The brief name beside the mark, as HTML; the whole label is a tooltip."""
        return self._marked(self.brief)

    def full_name(self) -> str:
        """The whole label beside the mark, as HTML."""
        return self._marked(self.label)

    def _marked(self, text: str) -> str:
        return f'<span class="set" title="{escape(self.label)}">{swatch(self.ink)}<span>{escape(text)}</span></span>'


def control_name() -> str:
    """The name of the control beside the dashed line that stands for it, as HTML."""
    return f'<span class="set">{line_swatch(REFERENCE)}<span>{CONTROL}</span></span>'


def judged_sets(assessments: Sequence[Assessment]) -> tuple[Judged, ...]:
    """`assessments` with brief names and a look each, in their order."""
    briefs = brief_names([each.label for each in assessments])
    return tuple(
        Judged(assessment=each, brief=brief, ink=ink(index))
        for index, (each, brief) in enumerate(zip(assessments, briefs, strict=True))
    )


def brief_names(labels: Sequence[str]) -> tuple[str, ...]:
    """Labels without the folders that all of them begin with and the suffix that all of them end with.

    What differs between labels stays, and so does one part of each; a single label stays whole.
    """
    if len(labels) < 2:
        return tuple(labels)
    parts = [label.split("/") for label in labels]
    most = min(map(len, parts)) - 1
    shared = next((depth for depth in range(most) if len({path[depth] for path in parts}) > 1), most)
    names = ["/".join(path[shared:]) for path in parts]
    suffixes = {PurePosixPath(name).suffix for name in names}
    suffix = suffixes.pop() if len(suffixes) == 1 else ""
    # `.safetensors` says nothing that the reader needs; the `.5` of a version does.
    return tuple(name.removesuffix(suffix) if suffix[1:].isalpha() else name for name in names)
