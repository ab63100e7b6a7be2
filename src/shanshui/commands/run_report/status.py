"""The first part of a run's page: how it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from shanshui.commands.run_report.diary import clock
from shanshui.commands.run_report.story import RunStory
from shanshui.commands.run_report.topics import SPEED
from shanshui.commands.terminal import duration
from shanshui.evaluation.report.part import Part

RECENT = 10
"""Logged speeds that the present speed is the median of."""


@dataclass(frozen=True, kw_only=True)
class Best:
    """The snapshot with the best figure so far.

    Attributes:
        file: its name in the run folder.
        images_seen: when it was kept.
        figure: in words.
        value: of that figure.
    """

    file: str
    images_seen: int
    figure: str
    value: float


def status(story: RunStory, *, live: bool, best: Best | None, newest: str | None) -> Part:
    """Whether it runs, how far it is, how long it will take, and which snapshot to take.

    Args:
        story: of the run.
        live: whether the page is kept up to date by a training that runs.
        best: the snapshot with the best figure; None where nothing was judged.
        newest: the newest snapshot's name in the run folder.
    """
    facts = [
        ("State", _state(story, live=live)),
        ("Images seen", _seen(story)),
        *_pace(story, live=live),
        ("Trained for", escape(duration(story.seconds))),
        *([("Best snapshot", _best(best))] if best else []),
        *([("Newest snapshot", f"<code>{escape(newest)}</code>")] if newest else []),
        *([("Log", f"Lines of events.jsonl that could not be read: {story.unreadable:,}")] if story.unreadable else []),
    ]
    tiles = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    return Part(name="status", heading="Status", body=f'<dl class="facts">{tiles}</dl>')


def _state(story: RunStory, *, live: bool) -> str:
    if story.ended is not None:
        return _ENDS.get(story.ended) or f"Stopped: {escape(story.ended.rstrip('.'))}."
    heard = "" if story.latest is None else f' <span class="heard" data-latest="{story.latest:.0f}">'
    heard += "" if story.latest is None else f"Last heard of at {clock(story.latest)}.</span>"
    return f"{'Running.' if live else 'Never said that it ended.'}{heard}"


_ENDS = {
    "complete": "Finished: all images seen.",
    "interrupted": 'Interrupted; the same command with <span class="option">--resume</span> goes on.',
}


def _seen(story: RunStory) -> str:
    if not story.total:
        return f"{story.images_seen:,}"
    seen = min(story.images_seen, story.total)
    return (
        f"{story.images_seen:,} of {story.total:,} ({_share(seen / story.total)})"
        f'<progress max="{story.total}" value="{seen}" aria-label="Images seen"></progress>'
    )


def _share(share: float) -> str:
    """In percent; a run that has only begun moves, too."""
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}"


def _pace(story: RunStory, *, live: bool) -> Sequence[tuple[str, str]]:
    speeds = story.values.get(SPEED)
    if speeds is None:
        return ()
    rate = float(np.median(speeds.values[-RECENT:]))
    pace = ("Speed", f"{rate:.1f} images/s" if rate < 100 else f"{rate:,.0f} images/s")
    left = 0 if story.total is None else story.total - story.images_seen
    if not live or story.ended is not None or left <= 0 or rate <= 0:
        return (pace,)
    return pace, ("Time left", escape(duration(left / rate)))


def _best(best: Best) -> str:
    return f"<code>{escape(best.file)}</code> {escape(best.figure)} {best.value:.4g} after {best.images_seen:,} images"
