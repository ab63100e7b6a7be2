"""Small photographs, on disk and as bytes."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Photo = Callable[..., bytes]
Folder = Callable[[Mapping[str, bytes]], Path]


@pytest.fixture
def photo() -> Photo:
    """Make a file of a smooth picture: photo(seed, height=24, width=32, form="PNG", **options)."""
    return _photo


def _photo(seed: int, height: int = 24, width: int = 32, form: str = "PNG", **options: Any) -> bytes:
    rows, columns = np.mgrid[0:height, 0:width]
    pixels = np.stack([rows * 5 + seed, columns * 4, rows + columns + 2 * seed], axis=2) % 256
    stream = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(stream, form, **options)
    return stream.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Write files below a new folder and give it back."""

    def write(files: Mapping[str, bytes]) -> Path:
        root = tmp_path / "photos"
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        return root

    return write
