"""The findings about a data set as lines for people."""

from collections.abc import Collection, Iterable, Mapping

from shanshui.commands.survey import Survey
from shanshui.scenes.dataset import MIN_SIDE
from shanshui.scenes.spreads import Spread

BAR = 24
NAMES_SHOWN = 5
GROUPS_SHOWN = 10

ODD: Mapping[str, str] = {
    "blank": "nearly blank",
    "graphics": "screenshots, charts or drawings",
    "frames": "with bars or a frame",
    "turned": "turned the other way than the rest",
    "shape": "of an unusual shape",
    "grey": "without colour",
}


def describe(survey: Survey, advice: Iterable[str]) -> str:
    """The findings in words and small bars, then what to do about them."""
    found = survey.found
    lines = [f"{found.label}: {survey.usable:,} of {found.files:,} image files are usable"]
    for name, spread in survey.spreads.items():
        lines += _bars(name, spread, "px" if name == "short side" else "")
    lines += _named("unreadable", found.unreadable)
    lines += _named(f"smaller than {MIN_SIDE} px", found.too_small)
    lines += _named("copies of another file", found.duplicates)
    lines += _groups(found.near_duplicates)
    for kind, files in survey.odd.items():
        lines += _named(ODD[kind], files)
    if survey.labels:
        counts = ", ".join(f"{folder} {count:,}" for folder, count in survey.labels.items())
        lines.append(f"  folders: {len(survey.labels)} ({counts})")
    return "\n".join([*lines, *(f"  advice: {each}" for each in advice)])


def _bars(name: str, spread: Spread, unit: str) -> list[str]:
    most = max(spread.counts.values(), default=0) or 1
    return [
        f"  {name:<10} {span:>11} {unit:<2} {count:>7,}  {'█' * max(1, round(BAR * count / most))}"
        for span, count in spread.counts.items()
        if count
    ]


def _named(title: str, names: Collection[str]) -> list[str]:
    if not names:
        return []
    shown = list(names)[:NAMES_SHOWN]
    return [f"  {title}: {len(names):,} ({', '.join(shown)}{', ...' if len(names) > len(shown) else ''})"]


def _groups(groups: Collection[tuple[str, ...]]) -> list[str]:
    if not groups:
        return []
    spare = sum(len(group) - 1 for group in groups)
    lines = [f"  near-duplicates: {len(groups):,} groups with {spare:,} to spare; the largest picture first:"]
    for group in list(groups)[:GROUPS_SHOWN]:
        lines.append(f"    {', '.join(group[:NAMES_SHOWN])}{', ...' if len(group) > NAMES_SHOWN else ''}")
    return [*lines, "    ..."] if len(groups) > GROUPS_SHOWN else lines
