"""The parts of a run's page that are pictures: sample sheets over time, and nearest neighbours."""

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import TypeAlias

from shanshui.commands.run_report.story import Sheet
from shanshui.evaluation.report.part import Part
from shanshui.evaluation.report.pictures import Embedded

MOST_SHEETS = 12
"""Sample sheets on the page at the most, spread over the run."""

STRIP, LARGE, EVIDENCE = 384, 1024, 512
"""Pixels of the longer side that an earlier sheet, the newest one, and the evidence of an alarm have at the most."""

Embed: TypeAlias = Callable[[Path, int], Embedded | None]
"""A picture's file and the pixels of its longer side -> the picture for the page; None where it cannot be read."""


def sheets_over_time(sheets: Sequence[Sheet], embed: Embed) -> Part | None:
    """The newest sample sheet, and earlier ones to go back to."""
    if not sheets:
        return None
    *earlier, newest = spread(sheets, at_most=MOST_SHEETS)
    strip = [*filter(None, (_thumbnail(sheet, embed) for sheet in earlier)), _newest_thumbnail(newest, embed)]
    last = len(strip) - 1
    slider = f"""<label class="slider"><span>Earlier</span>
<input type="range" min="0" max="{last}" value="{last}" aria-label="Sample sheet, by images seen" autocomplete="off">
<span>newest</span></label>
<div class="strip" tabindex="0" role="group" aria-label="Sample sheets over time">{"".join(strip)}</div>"""
    body = f"""<div class="sheets">
<figure class="plain newest"><figcaption aria-live="polite">{_after(newest)}</figcaption>
{_picture(newest, embed, LARGE)}</figure>
{slider if last else ""}
</div>"""
    few = "" if len(sheets) <= MOST_SHEETS else f" Here are {last + 1} of {len(sheets):,} sheets, spread over the run."
    text = f"What comes of the same latents, or the same photos, each time: the slider goes back in the run.{few}"
    return Part(name="samples", heading="Samples", text=text, body=body)


def nearest(sheet: Sheet | None, embed: Embed) -> Part | None:
    """Generated images beside the training photographs nearest to them; None where nobody looked."""
    if sheet is None:
        return None
    body = f"""<figure class="plain pairs"><figcaption>{_after(sheet)}</figcaption>
{_picture(sheet, embed, LARGE)}</figure>"""
    return Part(
        name="nearest",
        heading="Nearest training photographs",
        text="A generated image, then the training photograph most like it, the most suspicious pairs first. "
        "Scenes that only resemble each other are a good sign; the same picture again is a copy.",
        body=body,
    )


def evidence(path: Path, description: str, embed: Embed) -> str:
    """The picture that goes with an alarm."""
    shown = embed(path, EVIDENCE)
    return _missing(path) if shown is None else shown.html(description)


def spread(sheets: Sequence[Sheet], *, at_most: int) -> Sequence[Sheet]:
    """Every sheet, every second, every fourth... until at most that many are left, and always the newest.

    As a run grows the choice only loses sheets and gains new ones, so that each is made small once.
    """
    step = 1
    while -(-(len(sheets) - 1) // step) + 1 > at_most:
        step *= 2
    return (*sheets[:-1:step], sheets[-1])


def _thumbnail(sheet: Sheet, embed: Embed) -> str | None:
    """A sheet that the slider can go to; None where its file is missing."""
    shown = embed(sheet.path, STRIP)
    return None if shown is None else _button(sheet, shown.html(_description(sheet)))


def _newest_thumbnail(sheet: Sheet, embed: Embed) -> str:
    return _button(sheet, _picture(sheet, embed, STRIP), ' aria-current="true"')


def _button(sheet: Sheet, picture: str, state: str = "") -> str:
    return (
        f'<button type="button"{state} data-caption="{_after(sheet)}">{picture}'
        f"<span>{sheet.images_seen:,}</span></button>"
    )


def _picture(sheet: Sheet, embed: Embed, longest: int) -> str:
    shown = embed(sheet.path, longest)
    return _missing(sheet.path) if shown is None else shown.html(_description(sheet))


def _after(sheet: Sheet) -> str:
    return f"After {sheet.images_seen:,} images"


def _description(sheet: Sheet) -> str:
    return f"Sheet of images made after {sheet.images_seen:,} images"


def _missing(path: Path) -> str:
    return f'<span class="none">{escape(path.name)} is missing or damaged.</span>'
