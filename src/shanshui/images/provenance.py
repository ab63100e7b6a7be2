"""Signed content credentials: manifests of C2PA (extra `provenance`), beside the plain ones of `credentials`.

A manifest holds the same record, and a signature over it and over the rest of the file: whoever changes either without
signing anew is found out. No connection is ever opened, neither for a time stamp nor to look up a certificate.
https://spec.c2pa.org/specifications/specifications/2.2/specs/C2PA_Specification.html
"""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from PIL import Image

from shanshui import jsontext
from shanshui.errors import ConfigError, ImageError
from shanshui.images.credentials import PROGRAM, SOURCE_TYPES, Credentials
from shanshui.images.identity import Identity, can_sign

if TYPE_CHECKING:
    import c2pa

FORMATS: Mapping[str, str] = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".gif": "image/gif",
    ".mp4": "video/mp4",
    ".m4v": "video/x-m4v",
    ".mov": "video/quicktime",
    ".avi": "video/avi",
}
"""Ending, in lower case -> media type of what can hold a manifest."""

RECORD = "invalid.shanshui.record"
"""Label of the assertion that holds `Credentials.as_json`."""

_SETTINGS = {
    # A picture within its own description would be as large as the picture.
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
}
_UNTRUSTED = "signingCredential.untrusted"


class UnsignedError(ImageError):
    """A work could not be signed; the sentence lacks its subject."""


@dataclass(frozen=True, kw_only=True)
class Note:
    """What a work is to say of its making.

    Attributes:
        credentials: the plain ones.
        identity: who signs a manifest with them; None for no manifest.
    """

    credentials: Credentials
    identity: Identity | None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a file's manifest says, and whether it may be believed.

    Attributes:
        program: that made the file.
        source_types: IPTC's words for how it was made.
        signer: as its certificate names it.
        intact: the file is as it was signed.
        trusted: somebody whom this machine trusts vouches for the signer.
        problems: C2PA's codes for what is wrong, beside a lack of trust.
        record: `Credentials.as_json`, where Shanshui made the file.
    """

    program: str
    source_types: tuple[str, ...]
    signer: str
    intact: bool
    trusted: bool
    problems: tuple[str, ...]
    record: Mapping[str, Any] | None


@contextmanager
def sealed(file: BinaryIO, suffix: str, note: Note) -> Iterator[BinaryIO]:
    """Where to write a work that is to be signed into `file`: afterwards that is done.

    It is `file` itself, where nobody signs or the format holds no manifest.

    Raises:
        UnsignedError: the work cannot be signed.
    """
    if note.identity is None or suffix not in FORMATS:
        yield file
        return
    with _scratch(file) as unsigned:
        yield unsigned
        unsigned.seek(0)
        _sign(unsigned, file, suffix, note.credentials, note.identity)


def require_signer(identity: Identity) -> None:
    """Sign a tiny picture, so that a certificate that C2PA does not allow is found out before any work is done.

    Raises:
        ConfigError: it is refused.
    """
    picture = BytesIO()
    Image.new("RGB", (1, 1)).save(picture, "PNG")
    nothing = Credentials(version="", model="", licence="", making="trainedAlgorithmicMedia")
    try:
        _sign(picture, BytesIO(), ".png", nothing, identity)
    except UnsignedError as error:
        raise ConfigError(
            f"The certificate cannot sign content credentials ({error.__cause__}): it must be valid, made for signing "
            "documents or mail, and not have signed itself."
        ) from error


def manifest_in(path: Path) -> Manifest | None:
    """The manifest that `path` holds; None where there is none, or nothing that could read it.

    Raises:
        ImageError: the file cannot be read.
    """
    if not can_sign() or path.suffix.lower() not in FORMATS:
        return None
    import c2pa

    try:
        with path.open("rb") as file:
            reader = c2pa.Reader.try_create(FORMATS[path.suffix.lower()], file, context=_context())
            return None if reader is None else _told(jsontext.parsed(reader.json()))
    except c2pa.C2paError as error:
        return Manifest(
            program="unknown",
            source_types=(),
            signer="unknown",
            intact=False,
            trusted=False,
            problems=(str(error),),
            record=None,
        )
    except OSError as error:
        raise ImageError(f"{path} cannot be read ({error.strerror}): check the file and its permissions.") from error


def _sign(source: BinaryIO, target: BinaryIO, suffix: str, credentials: Credentials, identity: Identity) -> None:
    import c2pa

    info = c2pa.C2paSignerInfo(identity.algorithm, identity.certificates, identity.key, None)
    try:
        with (
            c2pa.Signer.from_info(info) as signer,
            c2pa.Builder(json.dumps(_claims(credentials)), _context()) as builder,
        ):
            builder.sign(signer, FORMATS[suffix], source, target)
    except c2pa.C2paError as error:
        raise UnsignedError(f"cannot be signed ({error}): leave that out with --no-credentials.") from error


def _claims(credentials: Credentials) -> dict[str, Any]:
    """What the manifest says, in C2PA's words."""
    agent = {"name": PROGRAM, "version": credentials.version}
    created = {
        "action": "c2pa.created",
        "digitalSourceType": SOURCE_TYPES + credentials.making,
        "softwareAgent": agent,
    }
    return {
        "claim_generator_info": [agent],
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [created]}},
            {"label": RECORD, "data": credentials.as_json()},
        ],
    }


def _told(store: Mapping[str, Any]) -> Manifest:
    active = store["manifests"][store["active_manifest"]]
    assertions = active.get("assertions", [])
    actions = [
        action
        for assertion in assertions
        if assertion["label"].startswith("c2pa.actions")
        for action in assertion["data"].get("actions", [])
    ]
    types = dict.fromkeys(
        action["digitalSourceType"].rpartition("/")[2] for action in actions if "digitalSourceType" in action
    )
    program = (active.get("claim_generator_info") or [{}])[0]
    signature = active.get("signature_info") or {}
    problems = [status["code"] for status in store.get("validation_status", ()) if status["code"] != _UNTRUSTED]
    state = store.get("validation_state")
    return Manifest(
        program=" ".join(str(program[word]) for word in ("name", "version") if word in program) or "unknown",
        source_types=tuple(types),
        signer=str(signature.get("common_name") or signature.get("issuer") or "unknown"),
        intact=state in ("Valid", "Trusted"),
        trusted=state == "Trusted",
        problems=tuple(dict.fromkeys(problems)),
        record=next((assertion["data"] for assertion in assertions if assertion["label"] == RECORD), None),
    )


@contextmanager
def _scratch(file: BinaryIO) -> Iterator[BinaryIO]:
    """A file beside `file`, where there is room for a large work; in memory for what has no place."""
    name = getattr(file, "name", None)
    if isinstance(name, str):
        with tempfile.NamedTemporaryFile(dir=Path(name).parent, prefix=".unsigned-") as unsigned:
            yield cast(BinaryIO, unsigned)
    else:
        yield BytesIO()


def _context() -> "c2pa.Context":
    return _context_of(os.getpid())


@cache
def _context_of(process: int) -> "c2pa.Context":
    """One for each process: a context that was made before a fork is not valid behind it."""
    import c2pa

    return c2pa.Context.from_dict(_SETTINGS)
