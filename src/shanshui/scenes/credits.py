"""Who made an image and under which licence it may be used, from a table beside the data."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from shanshui.errors import DataError


@dataclass(frozen=True)
class Credit:
    """Licence and author of one image; empty where unknown."""

    licence: str = ""
    author: str = ""


def read_credits(path: Path) -> Mapping[str, Credit]:
    """The credits in a CSV table with the columns `file`, `licence` and, if known, `author`; UTF-8.

    Raises:
        DataError: the table is missing, unreadable, or lacks a column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            if not {"file", "licence"} <= set(table.fieldnames or ()):
                raise DataError(f"{path} needs the columns file and licence in its first line.")
            return {
                row["file"]: Credit((row["licence"] or "").strip(), (row.get("author") or "").strip()) for row in table
            }
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a readable table of licences ({error}): give a CSV file in UTF-8.") from error


def credit_of(name: str, credits: Mapping[str, Credit], licence: str) -> Credit:
    """The credit of an image: its own row, a row for its bare file name, or else `licence` without an author."""
    found = credits.get(name) or credits.get(PurePosixPath(name).name)
    return found or Credit(licence)
