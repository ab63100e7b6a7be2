"""The run folder: all that one training writes, laid out so that the newest file is last by name.

config.json, events.jsonl, cost.json, checkpoints/ (NUMBER.state to resume from, NUMBER.safetensors to use),
best.safetensors, samples/, TensorBoard files, report.html. NUMBER is images seen.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from torch import nn

from shanshui import jsontext
from shanshui.atomic import appended_lines, atomic_write_text, remove_unfinished, storage_errors
from shanshui.checkpoints.state import load_state, save_state
from shanshui.checkpoints.weights import save_snapshot
from shanshui.errors import ConfigError, ModelError
from shanshui.events import Emit, Warned, ignore
from shanshui.images.files import write_picture
from shanshui.images.grids import grid

_SAMPLE_COLUMNS = 8
_LOCK = ".lock"
_WORDS: Mapping[str, str] = {"data_digest": "set of images (some were added, removed or changed)"}


@contextmanager
def claimed(path: Path) -> Iterator[None]:
    """The run's folder, made if need be, for this training alone; a training that is killed lets go of it.

    Raises:
        ConfigError: another training is at work in it.
        StorageError: the folder cannot be written.
    """
    with storage_errors(path):
        path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path / _LOCK)
        held: AbstractContextManager[object] = nullcontext()
        try:
            held = lock.acquire(blocking=False)
        except Timeout as error:
            raise ConfigError(
                f"Another training is at work in {path}: wait for its end, stop it, or choose another folder."
            ) from error
        except NotImplementedError:
            pass  # some file systems of clusters have no locks
    with held:
        yield


class RunFolder:
    """Paths and files of one run. Construct through `create` or `reopen`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.events = path / "events.jsonl"

    @staticmethod
    def exists(path: Path) -> bool:
        """Whether there is a run in the folder `path`."""
        return (path / "config.json").exists()

    @classmethod
    def create(cls, path: Path, config: Mapping[str, Any]) -> "RunFolder":
        """A new run whose `config` (JSON values) says how to repeat it.

        Raises:
            ConfigError: the folder already holds a run, or what is left of one.
            StorageError: the folder cannot be written.
        """
        run = cls(path)
        if cls.exists(path):
            raise ConfigError(f"{path} already holds a run: add --resume to continue it or choose another folder.")
        if next(run.checkpoints.glob("*.s*"), None) is not None:
            raise ConfigError(
                f"{path} holds checkpoints of a run whose config.json is missing: put that back and add --resume, or "
                "choose another folder."
            )
        with storage_errors(path):
            run.checkpoints.mkdir(parents=True, exist_ok=True)
        atomic_write_text(path / "config.json", _json(config))
        return run

    @classmethod
    def reopen(cls, path: Path, config: Mapping[str, Any], *, may_differ: frozenset[str]) -> "RunFolder":
        """An existing run, continued with the same config but for the top-level keys in `may_differ`.

        Raises:
            ConfigError: there is no run, or the config differs in a way that changes what is learned.
        """
        try:
            stored = jsontext.parsed((path / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"There is no run to resume in {path}: leave out --resume to begin one.") from error
        asked = json.loads(_json(config))
        for key in stored.keys() | asked.keys():
            if key not in may_differ and stored.get(key) != asked.get(key):
                raise ConfigError(
                    f"The run in {path} was begun with another {_WORDS.get(key, key.replace('_', ' '))}: "
                    "resume with the same options or begin a new run."
                )
        atomic_write_text(path / "config.json", _json(config))
        run = cls(path)
        remove_unfinished(path, run.checkpoints, path / "samples")
        return run

    def spent(self) -> list[dict[str, Any]]:
        """What `save_spent` wrote last; nothing where that is missing or damaged: results do not hang on it."""
        try:
            told = jsontext.parsed((self.path / "cost.json").read_text(encoding="utf-8"))
            return [
                {"hardware": str(each["hardware"]), "watts": float(each["watts"]), "hours": float(each["hours"])}
                for each in told
            ]
        except (OSError, ValueError, TypeError, KeyError):
            return []

    def save_spent(self, spent: Sequence[Mapping[str, Any]]) -> None:
        """Keep what the training has cost so far, beside states and snapshots: these do not depend on the time."""
        atomic_write_text(self.path / "cost.json", _json(list(spent)))

    def save_state(self, images_seen: int, state: Mapping[str, Any], *, keep: int, good_at: int | None = None) -> None:
        """Write a resumable state, then delete all but the newest `keep` and the one after `good_at` images."""
        save_state(self._state_at(images_seen), {**state, "images_seen": images_seen})
        for outdated in self._states()[:-keep]:
            if good_at is None or outdated != self._state_at(good_at):
                outdated.unlink(missing_ok=True)

    def state_at(self, images_seen: int) -> dict[str, Any] | None:
        """The state after so many images, or None where none was saved.

        Raises:
            ModelError: it is damaged.
        """
        path = self._state_at(images_seen)
        return load_state(path) if path.exists() else None

    def forget_after(self, images_seen: int) -> None:
        """Delete states and snapshots of more images: a training went back to here and on in another way."""
        for path in (*self._states(), *self.checkpoints.glob("*.safetensors")):
            if int(path.stem) > images_seen:
                path.unlink(missing_ok=True)

    def newest_state(self, emit: Emit = ignore) -> dict[str, Any] | None:
        """The newest state that can be read whole, or None when there is none.

        Args:
            emit: hears a `Warned` for each state that cannot be read and is passed over for the one before.

        Raises:
            ModelError: there are states and none can be read.
        """
        failure: ModelError | None = None
        for path in reversed(self._states()):
            if failure is not None:
                emit(Warned(task="train", message=f"{failure} The checkpoint before it, {path.name}, is tried."))
            try:
                return load_state(path)
            except ModelError as error:
                failure = error
        if failure is not None:
            raise failure
        return None

    def save_snapshot(self, images_seen: int, network: nn.Module, card: Mapping[str, Any], *, keep: int) -> Path:
        """Write the network to use after `images_seen` images, then delete all but the newest `keep`."""
        path = self.checkpoints / f"{images_seen:010d}.safetensors"
        save_snapshot(path, network, card)
        for outdated in sorted(self.checkpoints.glob("*.safetensors"))[:-keep]:
            outdated.unlink(missing_ok=True)
        return path

    def save_best(self, network: nn.Module, card: Mapping[str, Any]) -> Path:
        """Write the network with the best figure so far."""
        save_snapshot(self.path / "best.safetensors", network, card)
        return self.path / "best.safetensors"

    def save_samples(self, images_seen: int, images: list[NDArray[np.uint8]]) -> Path:
        """Write a sheet of sample images."""
        path = self.path / "samples" / f"{images_seen:010d}.png"
        write_picture(path, grid(images, _SAMPLE_COLUMNS))
        return path

    def save_nearest(self, images_seen: int, images: Sequence[NDArray[np.uint8]]) -> Path:
        """Write a sheet of pairs, four in a row: a generated image and the training photograph nearest to it."""
        path = self.path / "samples" / f"nearest-{images_seen:010d}.png"
        write_picture(path, grid(images, _SAMPLE_COLUMNS))
        return path

    @contextmanager
    def journal(self) -> Iterator[Callable[[Mapping[str, Any]], None]]:
        """Append JSON lines to events.jsonl."""
        with appended_lines(self.events) as append:
            yield lambda entry: append(json.dumps(entry, default=str))

    def _state_at(self, images_seen: int) -> Path:
        return self.checkpoints / f"{images_seen:010d}.state"

    def _states(self) -> list[Path]:
        return sorted(self.checkpoints.glob("*.state"))


def _json(config: Mapping[str, Any] | list[Any]) -> str:
    return json.dumps(config, indent=2, default=str) + "\n"
