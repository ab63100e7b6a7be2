"""JSON that strangers may have written."""

import json
from typing import Any


def parsed(text: str | bytes) -> Any:
    """What `text` says.

    Raises:
        ValueError: it is no JSON, or its brackets lie deeper in each other than Python goes.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("brackets lie too deep in each other") from error
