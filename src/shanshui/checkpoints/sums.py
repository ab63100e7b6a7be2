"""The SHA-256 of every file that ships in the zoo: what `sha256sum` writes and checks (`make zoo`)."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from shanshui.errors import ModelError

SUMS = "SHA256SUMS"
_AGAIN = "install Shanshui again"


def differing(zoo: Path, name: str) -> Iterator[str]:
    """Sentences on what is wrong with the weights and the card of the model `name`, if anything.

    Raises:
        ModelError: the list of sums is missing or damaged.
    """
    sums = _listed(zoo)
    for file in (zoo / f"{name}.safetensors", zoo / f"{name}.md"):
        if file.is_file() and file.name not in sums:
            yield f"{file.name} ships, but {SUMS} does not name it: run `make zoo`."
        elif file.is_file() and _digest(file) != sums[file.name]:
            yield f"{file.name} is not the file that {SUMS} names: {_AGAIN}, or run `make zoo` if you changed it."


def lost(zoo: Path) -> Iterator[str]:
    """Sentences on files that should ship and do not.

    Raises:
        ModelError: as `differing`.
    """
    for name in _listed(zoo):
        if not (zoo / name).is_file():
            yield f"{SUMS} names {name}, which is not there: {_AGAIN}."


def _listed(zoo: Path) -> dict[str, str]:
    try:
        lines = (zoo / SUMS).read_text(encoding="ascii").splitlines()
        return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    except (OSError, ValueError) as error:
        raise ModelError(f"{zoo / SUMS} is missing or damaged: {_AGAIN}, or run `make zoo`.") from error


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}): {_AGAIN}.") from error
