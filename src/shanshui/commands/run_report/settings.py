"""The part of a run's page that lists its settings."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from shanshui.evaluation.report.part import Part


def settings(config: Mapping[str, Any]) -> Part | None:
    """Everything in config.json, a table for each group."""
    groups: dict[str, list[tuple[str, Any]]] = {}
    for path, value in flattened(config):
        groups.setdefault(".".join(path[:-1]), []).append((path[-1], value))
    tables = "\n".join(_table(group, rows) for group, rows in groups.items())
    text = "What config.json says: enough to repeat the run."
    return (
        Part(name="settings", heading="Settings", text=text, body=f'<div class="settings">{tables}</div>')
        if tables
        else None
    )


def flattened(config: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value of nested `config` that is no mapping itself, with the names that lead to it."""
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from flattened(value, (*path, str(name)))
        else:
            yield (*path, str(name)), value


def _table(group: str, rows: list[tuple[str, Any]]) -> str:
    cells = "\n".join(
        f'<tr><th scope="row">{_breakable(name)}</th><td>{escape(_written(value))}</td></tr>' for name, value in rows
    )
    caption = f"<caption>{_breakable(group)}</caption>" if group else ""
    return f"<table>{caption}<tbody>{cells}</tbody></table>"


def _written(value: Any) -> str:
    """A value as people write it: no quotes, counts with their thousands set apart."""
    match value:
        case bool():
            return "yes" if value else "no"
        case None:
            return "none"
        case int():
            return f"{value:,}" if abs(value) >= 10_000 else str(value)
        case list() | tuple():
            return ", ".join(map(_written, value)) or "none"
        case Mapping():
            return "none"
    return str(value)


def _breakable(name: str) -> str:
    return escape(name).replace("_", "_<wbr>").replace(".", ".<wbr>")
