"""`shanshui prepare`: any collection of photos as a clean training archive."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from shanshui.commands.options import Common, parse, require_positive
from shanshui.commands.outcome import Outcome
from shanshui.commands.terminal import terminal
from shanshui.scenes.credits import read_credits
from shanshui.scenes.inspection import inspect
from shanshui.scenes.prepare import prepare
from shanshui.scenes.sources import open_source


@dataclass(frozen=True, kw_only=True)
class Prepare(Common):
    """Turn any collection of photos into a clean training archive.

    Every photo becomes SIZE x SIZE pixels; what is damaged, too small, no image or there twice is left out, and the
    report says which and why. For example:

        shanshui prepare holiday-photos/ holiday.zip --size 256
    """

    source: Annotated[Path, tyro.conf.Positional]
    """A folder, a zip or tar archive, or ARCHIVE/FOLDER inside one."""
    out: Annotated[Path, tyro.conf.Positional]
    """The zip archive to write, or the folder for shards."""
    size: int = 256
    """Side of the prepared images in pixels; smaller photos are left out."""
    shards: Annotated[int | None, tyro.conf.arg(metavar="IMAGES")] = None
    """Write WebDataset shards of so many images instead of one archive, for sets that are too large for one file."""
    licence: str = ""
    """Licence of the photos, for the manifest."""
    near_duplicates: Literal["keep", "drop"] = "keep"
    """Drop keeps only the largest of photos that are the same but for size, compression, a small crop or brightness."""
    credits: Path | None = None
    """A CSV file with authors and licences of single photos, for the manifest."""


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`."""
    options = parse(Prepare, "prepare", argv)
    require_positive(size=options.size)
    credits = None if options.credits is None else read_credits(options.credits)
    with terminal() as emit:
        source = open_source(options.source)
        report = prepare(
            source,
            options.out,
            size=options.size,
            emit=emit,
            licence=options.licence,
            credits=credits,
            shard_images=options.shards,
            repeats=inspect(source, emit).repeats if options.near_duplicates == "drop" else None,
        )
    return Outcome(data=report.as_json(), text=report.summary(), as_json=options.json)
