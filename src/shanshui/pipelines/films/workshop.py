"""The folder beside an unfinished film: takes that are done, and what the next one is painted from."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from shanshui import jsontext
from shanshui.atomic import atomic_write_bytes, atomic_write_text, storage_errors
from shanshui.pipelines.films.steady import Flicker, Moment

_JOB = "job.txt"


class Workshop:
    """Everything in it is whole, whenever the work is interrupted: a take counts when the moment after it is there."""

    def __init__(self, folder: Path, job: str) -> None:
        """Go on in `folder`, if what lies there belongs to `job`; else begin anew.

        Raises:
            StorageError: the folder cannot be written.
        """
        self._folder = folder
        with storage_errors(folder):
            if not (folder / _JOB).is_file() or (folder / _JOB).read_text(encoding="utf-8") != job:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
        atomic_write_text(folder / _JOB, job)

    @property
    def rehearsal(self) -> Path:
        """A place for what is only tried."""
        return self._folder / "rehearsal.nut"

    def take(self, number: int) -> Path:
        """Where take `number` is or will be."""
        return self._folder / f"take-{number:06}.nut"

    def keep(self, number: int, moment: Moment, flicker: Flicker) -> None:
        """Take `number` is done, and the next one begins at `moment`.

        Raises:
            StorageError: it cannot be written.
        """
        arrays: dict[str, NDArray[np.generic]] = {"frame": moment.frame, "shown": moment.shown}
        arrays |= {f"painting{place}": painting for place, painting in enumerate(moment.paintings)}
        arrays |= {f"mask{place}": mask for place, mask in enumerate(moment.masks) if mask is not None}
        whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        atomic_write_bytes(self._state(number), save(whole, {"flicker": json.dumps(asdict(flicker))}))
        self._state(number - 1).unlink(missing_ok=True)

    def resume(self) -> tuple[int, Moment | None, Flicker]:
        """How many takes are done, the moment after the last of them, and the flicker of all."""
        for path in sorted(self._folder.glob("after-*.safetensors"), reverse=True):
            try:
                moment, flicker = _read(path)
            except (SafetensorError, OSError, ValueError, KeyError):
                continue  # of another program: the takes before it are good
            return int(path.stem.removeprefix("after-")) + 1, moment, flicker
        return 0, None, Flicker()

    @contextmanager
    def result(self, path: Path) -> Iterator[Path]:
        """A place in the folder for the film, which takes the name `path` when it is complete; the folder goes away.

        Raises:
            StorageError: `path` cannot be written.
        """
        place = self._folder / f"film{path.suffix.lower()}"
        yield place
        with storage_errors(path):
            os.replace(place, path)
        # Without the job nothing in the folder counts, should the rest of it stay behind.
        (self._folder / _JOB).unlink()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _state(self, number: int) -> Path:
        return self._folder / f"after-{number:06}.safetensors"


def _read(path: Path) -> tuple[Moment, Flicker]:
    with safe_open(path, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        flicker = Flicker(**jsontext.parsed(file.metadata()["flicker"]))
    count = sum(name.startswith("painting") for name in arrays)
    moment = Moment(
        frame=arrays["frame"],
        shown=arrays["shown"],
        paintings=tuple(arrays[f"painting{place}"] for place in range(count)),
        masks=tuple(arrays.get(f"mask{place}") for place in range(count)),
    )
    return moment, flicker
