"""What commands write into pictures and films about their making, unless they are told not to."""

import functools
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

import tyro

from shanshui import __version__
from shanshui.checkpoints.weights import read_header
from shanshui.checkpoints.zoo import resolve
from shanshui.commands.options import Common
from shanshui.errors import ConfigError, ModelError
from shanshui.images.credentials import Credentials, Making, unstamped
from shanshui.images.identity import Identity, can_sign, of_files, self_made
from shanshui.images.picture import Picture
from shanshui.images.provenance import Note, require_signer
from shanshui.serving.engine import card_of

CERTIFICATE, KEY = "SHANSHUI_CERTIFICATE", "SHANSHUI_CERTIFICATE_KEY"
"""Variables of the environment that stand for the options."""


@dataclass(frozen=True, kw_only=True)
class Credited(Common):
    """What every command takes that makes pictures or films.

    Attributes:
        signs_by_itself: whether works are signed where nobody asked for it with a certificate of his own.
    """

    signs_by_itself: ClassVar[bool] = True

    credentials: Annotated[bool, tyro.conf.FlagCreatePairsOff] = True
    """Leave out what pictures and films otherwise say of their making: AI-generated, by which model, under which
    licence, with which settings. `shanshui doctor FILE` reads it."""
    certificate: Annotated[Path | None, tyro.conf.arg(metavar="FILE.pem")] = None
    """Your certificate to sign it with, as C2PA (extra `provenance`); or SHANSHUI_CERTIFICATE in the environment. One
    that is made for the occasion, and that nobody trusts, when left out."""
    certificate_key: Annotated[Path | None, tyro.conf.arg(metavar="FILE.pem")] = None
    """The key of the certificate, or SHANSHUI_CERTIFICATE_KEY in the environment."""


def credited(picture: Picture, options: Credited, model: str, making: Making, **settings: Any) -> Picture:
    """`picture` with a note of its making; where `options` want none, without that of the picture it was made from."""
    note = note_of(options, model, making, **settings)
    if note is None:
        return replace(picture, metadata=unstamped(picture.metadata), note=None)
    return replace(picture, note=note)


def note_of(options: Credited, model: str, making: Making, **settings: Any) -> Note | None:
    """What a work of `model` is to say of its making; None where `options` want nothing.

    Raises:
        ConfigError: the certificate cannot be used.
    """
    if not options.credentials:
        return None
    # Where a file lies on this machine is nobody's business.
    name = Path(model).name if Path(model).is_file() else model
    credentials = Credentials(
        version=__version__, model=name, licence=licence_of(model), making=making, settings=settings
    )
    return Note(credentials=credentials, identity=_signer(options))


@functools.cache
def licence_of(model: str) -> str:
    """What the card inside a snapshot or graph says; "unknown" for what is none."""
    try:
        card = card_of(Path(model)) if model.lower().endswith(".onnx") else read_header(resolve(model)).card
    except ModelError:
        return "unknown"
    return str(card.get("licence", "unknown"))


def _signer(options: Credited) -> Identity | None:
    certificate, key = (
        given if given is not None else Path(named) if (named := os.environ.get(variable)) else None
        for given, variable in ((options.certificate, CERTIFICATE), (options.certificate_key, KEY))
    )
    if certificate is None and key is None:
        return self_made() if options.signs_by_itself and can_sign() else None
    if certificate is None or key is None:
        raise ConfigError("To sign takes both --certificate and --certificate-key: give the other one as well.")
    return _own(certificate, key)


@functools.cache
def _own(certificate: Path, key: Path) -> Identity:
    identity = of_files(certificate, key)
    require_signer(identity)
    return identity
