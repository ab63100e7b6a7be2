"""Model cards as Markdown: made from what a training wrote into its snapshot, and from what people add to that."""

import re
from collections.abc import Iterator, Mapping, Sequence
from statistics import NormalDist
from typing import Any

from shanshui.checkpoints.weights import SnapshotHeader

FIELDS = ("role", "licence", "data", "recipe", "images seen", "hardware", "hours", "energy")
"""What the table of a card must tell."""

SECTIONS = ("Scores", "Intended use", "Known failures")
"""What must be said below the table."""

ASSUMED = "the power is an assumption: 10 W for a processor's thread, 350 W for a GPU, unless --watts gave another"

_COMMANDS: Mapping[str, str] = {
    "scene generator": "shanshui generate --model {name} --count 16 --seed 7 --out scenes",
    "stylizer": "shanshui stylize photo.jpg --model {name} --style STYLE",
    "composer": "shanshui compose photo.jpg --model {name} --style STYLE --naturalness 0.5",
    "inpainter": "shanshui inpaint photo.jpg --mask mask.png --model {name}",
}
_USES: Mapping[str, str] = {
    "scene generator": "Pictures of places that do not exist: backgrounds, studies, textures, data for experiments. "
    "They are no evidence of any place.",
    "stylizer": "Paintings made from photographs of landscapes. Whoever took the photograph keeps their rights in it.",
    "composer": "Scenes between a painting and a photograph, for games, studies and design. They are no evidence of "
    "any place.",
    "inpainter": "Photographs of landscapes without what is in the way, or wider than they were taken. What is filled "
    "in was never there: do not use it as evidence, or to restore what a person looked like.",
    "zone segmenter": "Parts of a landscape for painters to treat apart. It is no basis for measuring land.",
}
_CONFIDENCE = 0.95
_HEADING = re.compile(r"^## (.+?)\s*$", re.MULTILINE)


def card_of(
    name: str, header: SnapshotHeader, *, weights: int, cost: Sequence[Mapping[str, Any]] = (), notes: str = ""
) -> str:
    """The card of a model.

    Args:
        name: what the model is called.
        header: of its snapshot.
        weights: how many numbers it has learned.
        cost: {"hardware", "watts", "hours"} of the training, on each kind of hardware that it ran on.
        notes: Markdown of people: what stands before its first heading goes below the table, a section that the card
            has as well takes its place (Scores: is added to it), and others follow.
    """
    said, added = _sections(notes)
    card, command = header.card, _COMMANDS.get(header.role)
    parts = [
        f"# {name}",
        f"`{command.format(name=name)}`" if command else f"A {header.role}.",
        _table(header, weights, cost),
        said,
        "## Scores",
        *_scores(card.get("scores") or {}, card.get("standard_errors") or {}),
        added.pop("Scores", ""),
        "## Intended use",
        added.pop("Intended use", "") or _USES.get(header.role, "None is known."),
        "## Known failures",
        *_failures(card),
        added.pop("Known failures", "") or "Nobody has written any down, which does not say that there are none.",
        *(f"## {title}\n\n{text}" for title, text in added.items()),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def missing_in(card: str) -> list[str]:
    """Fields and sections that a card lacks, or leaves empty."""
    rows = dict(re.findall(r"^\|\s*([^|]+?)\s*\|\s*([^|\n]*?)\s*\|\s*$", card, re.MULTILINE))
    said = {title: text.strip() for title, text in _sections(card)[1].items()}
    return [*(name for name in FIELDS if not rows.get(name)), *(title for title in SECTIONS if not said.get(title))]


def missing_in_header(card: Mapping[str, Any]) -> list[str]:
    """What the card inside a snapshot must tell, for outputs and listings, and does not."""
    return [name for name in ("licence", "data", "recipe") if card.get(name, "unknown") in ("", "unknown", None)]


def _table(header: SnapshotHeader, weights: int, cost: Sequence[Mapping[str, Any]]) -> str:
    card = header.card
    seen = card.get("images_seen")
    rows = {
        "role": f"{header.role}: {header.architecture}, {_short(weights)} weights in half precision",
        "licence": str(card.get("licence", "unknown")),
        "data": _data(card),
        "recipe": _recipe(card),
        "images seen": "unknown" if seen is None else f"{seen:,}",
        "hardware": "; ".join(str(each["hardware"]) for each in cost) or "unknown",
        "hours": " + ".join(f"{each['hours']:.2f}" for each in cost) or "unknown",
        "energy": _energy(cost),
    }
    if card.get("looks_through"):
        rows["learned through"] = f"{card['looks_through']}, which cannot judge it"
    if card.get("ended", "complete") != "complete":
        rows["ended"] = str(card["ended"])
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {_cell(text)} |" for name, text in rows.items())])


def _data(card: Mapping[str, Any]) -> str:
    digest = f" (digest {card['data_digest']})" if card.get("data_digest") else ""
    return f"{card.get('data', 'unknown')}{digest}"


def _recipe(card: Mapping[str, Any]) -> str:
    recipe = str(card.get("recipe", "unknown"))
    if " " in recipe or "task" not in card:  # a command of its own, or nothing to make one of
        return f"`{recipe}`" if " " in recipe else recipe
    return f"`shanshui train {card['task']} --recipe {recipe} --data DATA --run RUN`"


def _energy(cost: Sequence[Mapping[str, Any]]) -> str:
    if not cost:
        return "unknown"
    used = sum(each["hours"] * each["watts"] for each in cost) / 1000
    powers = ", ".join(f"{each['watts']:g} W" for each in cost)
    return f"about {used:.2g} kWh at {powers}; {ASSUMED}"


def _scores(scores: Mapping[str, float], errors: Mapping[str, float]) -> Iterator[str]:
    if not scores:
        yield "Training measured none."
        return
    reach = NormalDist().inv_cdf(0.5 + _CONFIDENCE / 2)
    rows = [
        f"| {name} | {value:.4g} | "
        + (f"{value - reach * errors[name]:.4g} to {value + reach * errors[name]:.4g}" if name in errors else "")
        + " |"
        for name, value in scores.items()
    ]
    yield "\n".join(["| figure | value | 95 % interval |", "|---|---|---|", *rows])
    yield "During training, against the images that it learned from; the name of a figure is its whole protocol."


def _failures(card: Mapping[str, Any]) -> Iterator[str]:
    """What the run itself tells."""
    if card.get("remedies"):
        yield f"Training went back and on with another setting: {', '.join(map(str, card['remedies']))}."
    if card.get("ended", "complete") != "complete":
        yield f"Training ended before its last image: {card['ended']}."


def _sections(text: str) -> tuple[str, dict[str, str]]:
    """What stands before the first heading of the second level, and title -> text of the sections."""
    parts = _HEADING.split(text)
    return parts[0].strip(), {title: body.strip() for title, body in zip(parts[1::2], parts[2::2], strict=True)}


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _short(count: int) -> str:
    return f"{count / 1e6:.1f} million" if count >= 1e6 else f"{count:,}"
