"""`shanshui models`: what ships and what is cached, with cards."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from huggingface_hub import scan_cache_dir
from huggingface_hub.errors import CacheNotFound

from shanshui.atomic import atomic_write_text
from shanshui.checkpoints import zoo
from shanshui.checkpoints.cards import card_of
from shanshui.checkpoints.hub import CARD, WEIGHTS, fetched
from shanshui.checkpoints.sharing import card_beside, share, weights_in
from shanshui.checkpoints.sums import SUMS, lost
from shanshui.checkpoints.weights import SnapshotHeader, read_header
from shanshui.checkpoints.zoo import resolve, shipped
from shanshui.commands.fitness import faults, unfit, unfit_to_ship
from shanshui.commands.options import Common, parse, resolve_device
from shanshui.commands.outcome import Outcome
from shanshui.errors import ConfigError, ModelError
from shanshui.training.run import RunFolder


@dataclass(frozen=True, kw_only=True)
class Models(Common):
    """List the models that ship with Shanshui or are cached here; name one to read its card.

    For example:

        shanshui models
        shanshui models painter
        shanshui models runs/mine/best.safetensors --write-card mine.md --notes what-i-saw.md
        shanshui models --verify
        shanshui models runs/mine/best.safetensors --push me/my-landscapes
        shanshui models me/my-landscapes
    """

    model: Annotated[str | None, tyro.conf.Positional] = None
    """A name from the list, a .safetensors file, or a hub id."""
    verify: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Check the model, or all that ship: the files are whole, the cards complete, and each network makes a picture."""
    write_card: Annotated[Path | None, tyro.conf.arg(metavar="FILE.md")] = None
    """Write the card of the model from what its training kept in the snapshot and in the run that it lies in: data,
    licence, recipe, hardware, hours, energy and scores."""
    notes: Annotated[Path | None, tyro.conf.arg(metavar="FILE.md")] = None
    """With --write-card, what you add to it: sections such as Known failures, Intended use, Scores."""
    push: Annotated[str | None, tyro.conf.arg(metavar="OWNER/NAME")] = None
    """Put the model and its card into this repository of the Hugging Face hub; everybody may then name it by that."""
    private: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """With --push, show a repository that is made to nobody else."""


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
        head, card = f"{self.row()}\n{self.file}\n", card_beside(self.file)
        if card is not None:
            return f"{head}\n{card.rstrip()}"
        return "\n".join([head, *_lines(self.header.card), "", *_lines(self.header.config)])


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`."""
    options = parse(Models, "models", argv)
    if options.verify:
        return verify(options)
    if options.model is not None:
        file = resolve(options.model)
        model = Listed(options.model, file, read_header(file))
        if options.push is not None:
            address = share(options.push, file, private=options.private)
            return Outcome(data={"model": options.push, "address": address}, text=address, as_json=options.json)
        if options.write_card is not None:
            return write_card(options, options.write_card, model)
        if file.name == WEIGHTS and not Path(options.model).exists():
            with suppress(ModelError):  # a model without a card is still a model
                fetched(options.model, CARD)
        return Outcome(data=model.as_json(), text=model.describe(), as_json=options.json)
    if options.write_card is not None or options.push is not None:
        raise ConfigError("--write-card and --push need a model: name it before them.")
    models = [*_shipped(), *_cached()]
    return Outcome(
        data={"models": [model.as_json() for model in models]},
        text="\n".join([*(model.row() for model in models), "", "`shanshui models NAME` shows a model's card."])
        if models
        else "No model ships with this installation, and none is cached.",
        as_json=options.json,
    )


def verify(options: Models) -> Outcome:
    """Say of the model, or of all that ship, what is wrong with it."""
    device = resolve_device(options.device)
    if options.model is not None:
        found = {options.model: faults(unfit(options.model, resolve(options.model), device))}
    else:
        found = {name: faults(unfit_to_ship(name, file, device)) for name, file in shipped().items()}
        found |= {SUMS: faults(lost(zoo.ZOO))} if found else {}
    sentences = [sentence for wrong in found.values() for sentence in wrong]
    good = [name for name, wrong in found.items() if not wrong and name != SUMS]
    return Outcome(
        data={"good": good, "wrong": {name: wrong for name, wrong in found.items() if wrong}},
        text="\n".join(dict.fromkeys([*sentences, *(f"{name} is in order." for name in good)])),
        as_json=options.json,
        failed=bool(sentences),
    )


def write_card(options: Models, path: Path, model: Listed) -> Outcome:
    """Write a card.

    Raises:
        ConfigError: the notes cannot be read.
        StorageError: the card cannot be written.
    """
    text = card_of(
        model.file.stem if model.file == Path(model.name) else model.name,
        model.header,
        weights=weights_in(model.file),
        cost=_cost(model.file),
        notes="" if options.notes is None else _notes(options.notes),
    )
    atomic_write_text(path, text)
    return Outcome(data={"file": str(path)}, text=str(path), as_json=options.json)


def _cost(snapshot: Path) -> list[dict[str, Any]]:
    """What the run cost that a snapshot lies in; nothing where it lies elsewhere."""
    runs = (RunFolder(folder) for folder in snapshot.resolve().parents[:2])
    return next(filter(None, (run.spent() for run in runs)), [])


def _notes(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ConfigError(f"--notes {path} cannot be read: give a Markdown file in UTF-8.") from error


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
                if found.file_name == WEIGHTS:
                    try:
                        yield Listed(repository.repo_id, found.file_path, read_header(found.file_path))
                    except ModelError:
                        continue


def _lines(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        yield f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
