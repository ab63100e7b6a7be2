"""What commands write into pictures about their making, unless they are told not to."""

import functools
from dataclasses import dataclass, replace
from typing import Annotated, Any

import tyro

from shanshui import __version__
from shanshui.checkpoints.weights import read_header
from shanshui.checkpoints.zoo import resolve
from shanshui.commands.options import Common
from shanshui.errors import ModelError
from shanshui.images.credentials import Credentials, Making, stamped
from shanshui.images.picture import Picture


@dataclass(frozen=True, kw_only=True)
class Credited(Common):
    """What every command takes that makes pictures."""

    credentials: Annotated[bool, tyro.conf.FlagCreatePairsOff] = True
    """Leave out what pictures otherwise say of their making: AI-generated, by which model, under which licence, with
    which settings. `shanshui doctor PICTURE` reads it."""


def credited(picture: Picture, options: Credited, model: str, making: Making, **settings: Any) -> Picture:
    """`picture` with a note of its making, or as it is where `options` want none."""
    if not options.credentials:
        return picture
    credentials = Credentials(
        version=__version__, model=model, licence=licence_of(model), making=making, settings=settings
    )
    return replace(picture, metadata=stamped(picture.metadata, credentials))


@functools.cache
def licence_of(model: str) -> str:
    """What the card inside a snapshot says; "unknown" for what is no snapshot."""
    try:
        return str(read_header(resolve(model)).card.get("licence", "unknown"))
    except ModelError:
        return "unknown"
