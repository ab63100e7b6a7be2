"""`shanshui models`: what ships and what is cached, with cards."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from huggingface_hub import scan_cache_dir
from huggingface_hub.errors import CacheNotFound

from shanshui.checkpoints.weights import SnapshotHeader, read_header
from shanshui.checkpoints.zoo import HUB_FILE, resolve, shipped
from shanshui.commands.options import Common, parse
from shanshui.commands.outcome import Outcome
from shanshui.errors import ModelError


@dataclass(frozen=True, kw_only=True)
class Models(Common):
    """List the models that ship with Shanshui or are cached here; name one to read its card.

    For example:

        shanshui models
        shanshui models painter
        shanshui models runs/mine/best.safetensors
    """

    model: Annotated[str | None, tyro.conf.Positional] = None
    """A name from the list, a .safetensors file, or a hub id."""


@dataclass(frozen=True)
class Listed:
    """A model and where it was found."""

    name: str
    file: Path
    header: SnapshotHeader

    def as_json(self) -> dict[str, Any]:
        """Everything but the weights."""
        return {
            "name": self.name,
            "role": self.header.role,
            "file": str(self.file),
            "bytes": self.file.stat().st_size,
            "architecture": self.header.architecture,
            "config": dict(self.header.config),
            "card": dict(self.header.card),
        }

    def row(self) -> str:
        """One line."""
        size = self.file.stat().st_size / 1e6
        return f"{self.name:<24} {self.header.role:<16} {size:5.1f} MB  {self.header.card.get('licence', 'unknown')}"

    def describe(self) -> str:
        """The card: the text beside the file where there is one, else what the file says of itself."""
        head, text = f"{self.row()}\n{self.file}\n", self.file.with_suffix(".md")
        if text.is_file():
            return f"{head}\n{text.read_text(encoding='utf-8').rstrip()}"
        return "\n".join([head, *_lines(self.header.card), "", *_lines(self.header.config)])


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`."""
    options = parse(Models, "models", argv)
    if options.model is not None:
        file = resolve(options.model)
        model = Listed(options.model, file, read_header(file))
        return Outcome(data=model.as_json(), text=model.describe(), as_json=options.json)
    models = [*_shipped(), *_cached()]
    return Outcome(
        data={"models": [model.as_json() for model in models]},
        text="\n".join([*(model.row() for model in models), "", "`shanshui models NAME` shows a model's card."])
        if models
        else "No model ships with this installation, and none is cached.",
        as_json=options.json,
    )


def _shipped() -> Iterator[Listed]:
    for name, file in shipped().items():
        yield Listed(name, file, read_header(file))


def _cached() -> Iterator[Listed]:
    """Models of ours that the hub's cache holds; it may hold anybody else's as well."""
    try:
        repositories = scan_cache_dir().repos
    except CacheNotFound:
        return
    for repository in sorted(repositories, key=lambda found: found.repo_id):
        for revision in repository.revisions:
            for found in revision.files:
                if found.file_name == HUB_FILE:
                    try:
                        yield Listed(repository.repo_id, found.file_path, read_header(found.file_path))
                    except ModelError:
                        continue


def _lines(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        yield f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
