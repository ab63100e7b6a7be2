"""Which stylizer a command opens: by name, or because of what is asked of it."""

import torch

from shanshui.events import Emit
from shanshui.pipelines.stylize import Stylizer

NAMED, ANY, OPTIMISED = "painter", "painter-any", "gatys"


def open_stylizer(model: str, device: torch.device, emit: Emit) -> Stylizer:
    """The stylizer of that name, file or hub id; `gatys` optimises pictures, and says how far it is.

    Raises:
        ModelError: there is no such model, or it is not a stylizer.
    """
    return Stylizer.from_pretrained(model, device=device)
