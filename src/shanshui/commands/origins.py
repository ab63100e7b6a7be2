"""How pictures and films say that they were made, read back for `shanshui doctor`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shanshui.images.credentials import credentials_in, credentials_in_file
from shanshui.images.files import read_picture
from shanshui.images.film_notes import credentials_in_film
from shanshui.images.footage.reel import is_film
from shanshui.images.identity import INSTALL, SELF_MADE, can_sign
from shanshui.images.provenance import Manifest, manifest_in


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a file says of its making: in the plain, and signed."""

    record: Mapping[str, Any] | None
    manifest: Manifest | None

    def as_json(self) -> dict[str, Any] | None:
        """The record, with the manifest as `c2pa`; None where there is neither."""
        if self.record is None and self.manifest is None:
            return None
        return {**(self.record or {}), "c2pa": None if self.manifest is None else asdict(self.manifest)}

    def describe(self, path: Path) -> str:
        """For people."""
        record = "no credentials of Shanshui" if self.record is None else _sentence(self.record)
        return f"{path}: {record}\n  {_signed(self.manifest)}"


def origin_of(path: Path) -> Origin:
    """What `path` says of its making.

    Raises:
        ImageError: it is no picture and no film, or cannot be read.
        ConfigError: a film needs PyAV to be read, which is not installed.
    """
    if is_film(path):
        record = credentials_in_film(path)
    else:
        record = credentials_in(read_picture(path).metadata)
        if record is None and path.suffix.lower() == ".gif":  # whose XMP Pillow does not read
            record = credentials_in_file(path)
    return Origin(record=record, manifest=manifest_in(path))


def _sentence(record: Mapping[str, Any]) -> str:
    how = (
        "AI-generated"
        if record.get("digital_source_type") == "trainedAlgorithmicMedia"
        else "made by AI from a photograph"
    )
    settings = ", ".join(f"{name} {_plain(value)}" for name, value in (record.get("settings") or {}).items())
    return (
        f"{how}, by {record.get('program')} {record.get('version')} with the model {record.get('model')} "
        f"(licence: {record.get('licence')})" + (f"; {settings}" if settings else "")
    )


def _plain(value: Any) -> str:
    match value:
        case str():
            return value
        case Sequence():
            return " + ".join(map(_plain, value)) or "none"
    return json.dumps(value, ensure_ascii=False)


def _signed(manifest: Manifest | None) -> str:
    if manifest is None:
        return "C2PA: no manifest." if can_sign() else f"C2PA: not looked for; {INSTALL} for that."
    if not manifest.intact:
        return f"C2PA: the file is not what was signed ({', '.join(manifest.problems)}): do not believe its manifest."
    made = f" and says: {', '.join(manifest.source_types)}, by {manifest.program}" if manifest.source_types else ""
    if manifest.trusted:
        return f"C2PA: unchanged since {manifest.signer} signed it{made}."
    why = (
        "a certificate made for the occasion, which proves nothing about who it was"
        if manifest.signer == SELF_MADE
        else "whom nobody known here vouches for"
    )
    return f"C2PA: unchanged since it was signed by {manifest.signer}, {why}{made}."
