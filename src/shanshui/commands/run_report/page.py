"""A run's page as a whole."""

from collections.abc import Callable, Mapping
from typing import Any

from shanshui.commands.run_report.curves import judged, logged
from shanshui.commands.run_report.diary import diary
from shanshui.commands.run_report.looks import RUN_STYLE, SCRIPT
from shanshui.commands.run_report.settings import settings
from shanshui.commands.run_report.sheets import Embed, nearest, sheets_over_time
from shanshui.commands.run_report.status import Best, status
from shanshui.commands.run_report.story import RunStory
from shanshui.evaluation.report import Explanation
from shanshui.evaluation.report.part import page_of

SECONDS_BETWEEN_LOADS = 30
"""Seconds after which the page of a running training loads itself again."""


def render(
    story: RunStory,
    config: Mapping[str, Any],
    *,
    explain: Callable[[str], Explanation],
    embed: Embed,
    live: bool,
    best: Best | None = None,
    newest: str | None = None,
) -> str:
    """The page as HTML: how the run stands, its samples, what happened, its curves and its settings.

    Args:
        story: of the run.
        config: what config.json says.
        explain: the full name of a figure -> what it says; raises ConfigError for what is no such name.
        embed: how pictures get onto the page.
        live: whether a training keeps it up to date; the page then loads itself again and again.
        best: the snapshot with the best figure.
        newest: the newest snapshot's name in the run folder.
    """
    running = live and story.ended is None
    parts = [
        status(story, live=live, best=best, newest=newest),
        sheets_over_time(story.sheets, embed),
        diary(story.moments, embed),
        judged(story.figures, explain),
        nearest(story.nearest[-1] if story.nearest else None, embed),
        logged(story.values),
        settings(config),
    ]
    return page_of(
        [part for part in parts if part is not None],
        heading=_heading(config),
        footer=f"Made by <code>shanshui train</code>.<script>{SCRIPT}</script>",
        style=RUN_STYLE,
        head=_reloading() if running else "",
    )


def _heading(config: Mapping[str, Any]) -> str:
    """What is learned from what, as far as `config` says."""
    words = (("of a {} model", "task"), ("by the recipe {}", "recipe"), ("from {}", "data"))
    return " ".join(["Training", *(said.format(config[name]) for said, name in words if config.get(name))])


def _reloading() -> str:
    """The script reads how often; without scripts the browser does it."""
    return (
        f'<meta name="shanshui-reload" content="{SECONDS_BETWEEN_LOADS}">'
        f'<noscript><meta http-equiv="refresh" content="{SECONDS_BETWEEN_LOADS}"></noscript>'
    )
