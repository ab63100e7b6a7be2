"""What a command hands back to the command line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of a command, for people and for programs.

    Attributes:
        data: what `--json` prints; only types that JSON has.
        text: what a person reads on stdout instead; may be empty.
        as_json: which of the two was asked for.
        interrupted: the work was stopped by Ctrl-C, in good order.
        failed: something was asked for that is not so, and `text` says what.
    """

    data: Mapping[str, Any]
    text: str
    as_json: bool
    interrupted: bool = False
    failed: bool = False
