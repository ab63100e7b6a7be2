"""Settings of a tab as an address, and back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import gradio as gr


@dataclass(frozen=True)
class Setting:
    """A component whose value goes into the address.

    Attributes:
        name: in the address.
        component: whose value it is.
        value_of: from the address's text; None where it is not one.
    """

    name: str
    component: Any
    value_of: Callable[[str], Any]

    def from_address(self, request: gr.Request) -> Any:
        """The value that the address gives, or nothing."""
        text = dict(request.query_params).get(self.name)
        value = None if text is None else self.value_of(text)
        return gr.skip() if value is None else value


def address_of(tab: str, settings: Sequence[Setting], given: Any) -> str:
    """The address of a tab with these values."""
    values = {setting.name: given[setting.component] for setting in settings}
    return f"?{urlencode({'tab': tab} | values)}"


def one_of(choices: Sequence[str]) -> Callable[[str], str | None]:
    """Takes these texts."""
    return lambda text: text if text in choices else None


def number(least: float, most: float) -> Callable[[str], float | None]:
    """Takes numbers between these two."""

    def value_of(text: str) -> float | None:
        try:
            value = float(text)
        except ValueError:
            return None
        return value if least <= value <= most else None

    return value_of
