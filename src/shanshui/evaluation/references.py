"""Features of real images, kept on disk: a data set is decoded and extracted once per protocol, not once per run.

One file per feature, named by what it depends on: a NumPy array, then the SHA-256 of its numbers. It is mapped, not
read, so a large set costs no memory. A cache can only save time: a file that is missing, truncated, altered, or made by
another version of the encoder is replaced by recomputing, without a word.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from shanshui.atomic import atomic_write
from shanshui.errors import ConfigError, DataError, StorageError
from shanshui.evaluation.features import Extractor, FeatureSet, Image, extract
from shanshui.events import Emit, Warned, ignore

LAYOUT = "shanshui features 2"
SAME_ENCODER = 1e-2
"""Relative difference below which features of one image come from one encoder: machines differ by far less."""
_CHECKSUM_BYTES = hashlib.sha256().digest_size
_ROWS_AT_A_TIME = 4096


def default_cache_folder() -> Path:
    """Where caches go unless a folder is given: the environment variable SHANSHUI_CACHE, or ~/.cache/shanshui."""
    chosen = os.environ.get("SHANSHUI_CACHE")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "shanshui"


def reference_features(
    images: Iterable[Image],
    extractor: Extractor,
    names: Iterable[str],
    *,
    height: int,
    width: int,
    digest: str | None = None,
    count: int | None = None,
    cache: Path | None = None,
    batch_size: int = 32,
    device: torch.device | str = "cpu",
    emit: Emit = ignore,
) -> dict[str, FeatureSet]:
    """The features `names` of a set of real images, from the cache when they are there.

    On a hit only the first image is extracted: its features must be those on file, so that a changed encoder or
    resize never meets old features.

    Args:
        images: HWC uint8, always in the same order for the same `digest` and `count`.
        extractor: as in `extract`.
        names: features wanted.
        height: rows of the images that the network sees.
        width: columns of them.
        digest: fingerprint of the data set (`Source.digest`); None: nothing is read from or left in the cache.
        count: number of images taken from the set; None for all usable ones.
        cache: folder; None for `default_cache_folder()`.
        batch_size: as in `extract`.
        device: as in `extract`.
        emit: hears a `Warned` when the cache cannot be written; the features are returned all the same.

    Raises:
        ConfigError: the extractor has no feature of a name.
        DataError, ImageError, NonFiniteError: as in `extract`.
    """
    wanted = sorted(set(names))
    paths = {}
    if digest is not None:
        folder = (cache or default_cache_folder()) / "features"
        paths = {name: folder / _file_name(_key(name, digest, height, width, count)) for name in wanted}
    source = iter(images)
    first = next(source, None)
    if first is None:
        raise DataError("There are no real images to compare with: give at least a few hundred.")
    cached = {name: values for name, path in paths.items() if (values := _read(path)) is not None}
    if cached.keys() == set(wanted):
        probe = extract([first], extractor, height=height, width=width, device=device)
        if all(name in probe and _same_encoder(probe[name].values[0], cached[name][0]) for name in wanted):
            return {name: FeatureSet(name, cached[name]) for name in wanted}
    extracted = extract(
        chain([first], source), extractor, height=height, width=width, batch_size=batch_size, device=device
    )
    missing = [name for name in wanted if name not in extracted]
    if missing:
        raise ConfigError(f"The extractor has no features {', '.join(missing)}: it gives {', '.join(extracted)}.")
    for name, path in paths.items():
        try:
            _write(path, extracted[name].values)
        except StorageError as error:
            emit(Warned(task="evaluate", message=f"Reference features are not kept for the next run: {error}"))
    return {name: extracted[name] for name in wanted}


def _key(name: str, digest: str, height: int, width: int, count: int | None) -> str:
    return json.dumps([LAYOUT, name, digest, height, width, "all" if count is None else count])


def _file_name(key: str) -> str:
    return f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npy"


def _write(path: Path, values: NDArray[np.float32]) -> None:
    with atomic_write(path) as file:
        np.lib.format.write_array(file, values, allow_pickle=False)
        file.write(_checksum(values))


def _read(path: Path) -> NDArray[np.float32] | None:
    """The features on file, or None when there are none to be trusted."""
    try:
        values: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
        with path.open("rb") as file:
            file.seek(-_CHECKSUM_BYTES, os.SEEK_END)
            checksum = file.read()
    except (OSError, ValueError, EOFError):
        return None
    sound = values.dtype == np.float32 and values.ndim == 2 and len(values) > 0 and checksum == _checksum(values)
    return values if sound else None


def _checksum(values: NDArray[np.float32]) -> bytes:
    summary = hashlib.sha256()
    for start in range(0, len(values), _ROWS_AT_A_TIME):
        summary.update(np.ascontiguousarray(values[start : start + _ROWS_AT_A_TIME]).data)
    return summary.digest()


def _same_encoder(now: NDArray[np.float32], then: NDArray[np.float32]) -> bool:
    return now.shape == then.shape and bool(np.linalg.norm(now - then) <= SAME_ENCODER * np.linalg.norm(then))
