"""The part of a run's page that tells what happened: alarms, answers, warnings, beginnings and ends."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

from shanshui.commands.run_report.sheets import Embed, evidence
from shanshui.commands.run_report.story import Happening, Moment
from shanshui.evaluation.report.part import Part
from shanshui.events import Alarmed, Answered, Finished, Started, Warned

MOST_MOMENTS = 100
"""Lines of the diary at the most."""

MOST_PICTURES = 8
"""Pictures of evidence at the most, those of the newest alarms."""


def diary(moments: Sequence[Moment], embed: Embed) -> Part:
    """What happened, the newest first; alarms keep their lines when others are too many."""
    shown = _kept(moments)
    pictured = [moment for moment in shown if isinstance(moment.event, Alarmed) and moment.event.path][:MOST_PICTURES]
    rows = "\n".join(_row(moment, embed, pictured=any(moment is each for each in pictured)) for moment in shown)
    left_out = len(moments) - len(shown)
    more = f'<p class="none">{left_out:,} earlier lines are in events.jsonl.</p>' if left_out else ""
    alarms = sum(isinstance(moment.event, Alarmed) for moment in moments)
    text = {0: "No alarm.", 1: "One alarm."}.get(alarms, f"{alarms:,} alarms.") + " The newest first."
    return Part(name="diary", heading="What happened", text=text, body=f'<ol class="diary">{rows}</ol>{more}')


def clock(time: float) -> str:
    """A moment, in seconds since 1970, as date and time where this runs."""
    return datetime.fromtimestamp(time).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _kept(moments: Sequence[Moment]) -> Sequence[Moment]:
    """At most so many moments, the newest first: alarms and answers before anything else."""
    newest_first = list(reversed(moments))
    if len(newest_first) <= MOST_MOMENTS:
        return newest_first
    weighty = {id(moment) for moment in [m for m in newest_first if _is_weighty(m.event)][:MOST_MOMENTS]}
    room = MOST_MOMENTS - len(weighty)
    light = {id(moment) for moment in [m for m in newest_first if not _is_weighty(m.event)][:room]}
    return [moment for moment in newest_first if id(moment) in weighty | light]


def _row(moment: Moment, embed: Embed, *, pictured: bool) -> str:
    kind, heading, words = _told(moment)
    picture = ""
    if pictured and isinstance(moment.event, Alarmed) and moment.event.path is not None:
        picture = f'<div class="evidence">{evidence(moment.event.path, f"Evidence: {words}", embed)}</div>'
    return f"""<li class="{kind}"><p class="when"><time>{clock(moment.time)}</time>
{moment.images_seen:,} images</p><div><strong>{escape(heading)}</strong> {escape(words)}{picture}</div></li>"""


def _told(moment: Moment) -> tuple[str, str, str]:
    """How a moment looks, what it is, and what it says."""
    match moment.event:
        case Alarmed() as event:
            return "alarm", f"Alarm: {event.alarm}.", event.message
        case Answered() as event:
            return "answer", f"Answer to {event.alarm}: {event.answer}.", event.message
        case Warned() as event:
            return "warning", "Warning.", event.message
        case Finished() as event:
            return "border", "Ended:", f"{event.reason}."
        case Started(total=total):
            began = "The training went on" if moment.images_seen else "The training began"
            return "border", began, "" if total is None else f"to see {total:,} images."


def _is_weighty(event: Happening) -> bool:
    return isinstance(event, Alarmed | Answered)
