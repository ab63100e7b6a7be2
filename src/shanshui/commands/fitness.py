"""Whether models are fit for use: the files are those that ship, the cards are complete, and the networks work."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from shanshui.checkpoints.cards import missing_in, missing_in_header
from shanshui.checkpoints.sums import differing
from shanshui.checkpoints.weights import SnapshotHeader, read_header
from shanshui.errors import ShanshuiError
from shanshui.images.files import from_any
from shanshui.images.pixels import Pixels
from shanshui.images.resize import resize
from shanshui.pipelines.compose import SceneComposer
from shanshui.pipelines.generate import SceneGenerator
from shanshui.pipelines.inpaint import SceneInpainter
from shanshui.pipelines.stylize import Stylizer
from shanshui.pipelines.zones import Zones

_HEIGHT, _WIDTH = 64, 96


def faults(looked_for: Iterator[str]) -> list[str]:
    """All sentences, and the error that ends them early as another one."""
    found: list[str] = []
    try:
        for sentence in looked_for:
            found.append(sentence)
    except ShanshuiError as error:
        found.append(" ".join(str(error).split()))
    return found


def unfit(name: str, file: Path, device: torch.device) -> Iterator[str]:
    """Sentences on what keeps the model in `file` from being used, if anything; a card beside it is looked at, too.

    Raises:
        ModelError: it cannot be loaded.
    """
    header = read_header(file)
    if missing := missing_in_header(header.card):
        yield f"The card inside {file.name} does not tell its {' and '.join(missing)}."
    yield from _card(name, file.with_suffix(".md"))
    yield from _works(name, file, header, device)


def unfit_to_ship(name: str, file: Path, device: torch.device) -> Iterator[str]:
    """The same of a model of the zoo: it must have a card, and be the file that was meant to ship."""
    yield from faults(differing(file.parent, name))
    if not file.with_suffix(".md").is_file():
        yield f"The model {name} ships without a card: write {name}.md."
    yield from unfit(name, file, device)


def _card(name: str, path: Path) -> Iterator[str]:
    if path.is_file() and (missing := missing_in(path.read_text(encoding="utf-8"))):
        yield f"The card of {name} does not tell: {', '.join(missing)}."


def _works(name: str, file: Path, header: SnapshotHeader, device: torch.device) -> Iterator[str]:
    """One picture, through the pipeline that a user would take."""
    photo = _photo()
    match header.role:
        case "scene generator":
            generator = SceneGenerator.from_pretrained(file, device=device)
            made, wanted = np.asarray(next(generator.generate(1))), generator.size
        case "stylizer":
            stylizer = Stylizer.from_pretrained(file, device=device)
            style = stylizer.styles[0] if stylizer.styles else from_any(photo[::-1])
            made, wanted = np.asarray(stylizer(photo, style)), photo.shape[:2]
        case "composer":
            composer = SceneComposer.from_pretrained(file, device=device)
            made, wanted = np.asarray(composer(photo, composer.styles[0])), photo.shape[:2]
        case "inpainter":
            mask = np.zeros((_HEIGHT, _WIDTH), np.float32)
            mask[20:40, 30:60] = 1
            made = np.asarray(SceneInpainter.from_pretrained(file, device=device)(photo, mask))
            made, wanted = made[20:40, 30:60], (20, 30)
        case "zone segmenter":
            made = np.stack(list(Zones.from_pretrained(file, device=device)(photo).values()), axis=2)
            wanted = photo.shape[:2]
        case _:
            yield f"The model {name} is of a kind that this version of Shanshui does not know: upgrade it."
            return
    if made.shape[:2] != tuple(wanted):
        yield f"The model {name} makes {made.shape[1]} x {made.shape[0]} pixels instead of {wanted[1]} x {wanted[0]}."
    if not np.isfinite(made).all() or made.std() == 0:
        yield f"The model {name} makes nothing: all of its picture is one colour."


def _photo() -> Pixels:
    """Something with shapes and light, the same every time."""
    blocks = np.random.default_rng(0).integers(0, 256, (_HEIGHT // 8, _WIDTH // 8, 3), dtype=np.uint8)
    return resize(blocks, _HEIGHT, _WIDTH)
