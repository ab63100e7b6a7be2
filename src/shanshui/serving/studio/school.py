"""Trainings that the page starts: one at a time, each a process of its own that leaves when the studio does."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shanshui.atomic import storage_errors
from shanshui.errors import ConfigError

_SECONDS_TO_SAVE = 120
_LINES_SHOWN = 14
_LOG_BYTES = 4096


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What a training is to be.

    Attributes:
        subject: what is learned: scene, style, ...
        recipe: by name.
        data: what it learns from.
        run: its folder.
        images: total to see; the recipe's when None.
    """

    subject: str
    recipe: str
    data: Path
    run: Path
    images: int | None

    def arguments(self, *, resume: bool) -> list[str]:
        """Of `shanshui`."""
        places = ["--data", str(self.data), "--run", str(self.run)]
        more = [*([] if self.images is None else ["--images", str(self.images)]), *(["--resume"] if resume else [])]
        return ["train", self.subject, "--recipe", self.recipe, *places, *more]


class School:
    """Starts trainings, says how they are getting on, and asks them to stop."""

    def __init__(self, folder: Path, recipes: Mapping[str, Sequence[str]]) -> None:
        """What they say goes into a file of `folder`; `recipes` are the names of those for each subject."""
        self.recipes = recipes
        self._log = folder / "training.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._run: Path | None = None

    @property
    def busy(self) -> bool:
        """Whether a training is under way."""
        return self._process is not None and self._process.poll() is None

    @property
    def standing(self) -> str:
        """`idle`, `learning`, `learned` or `refused`: nothing yet, under way, ended well, or ended with an error."""
        if self._process is None:
            return "idle"
        code = self._process.poll()
        return "learning" if code is None else "refused" if code not in (0, 130) else "learned"

    @property
    def report(self) -> Path | None:
        """The page that the training keeps up to date, once it is there."""
        page = None if self._run is None else self._run / "report.html"
        return page if page is not None and page.is_file() else None

    def start(self, lesson: Lesson, *, resume: bool) -> None:
        """Begin, or go on where a training in the same folder stopped.

        Raises:
            ConfigError: another training is under way.
            StorageError: the folder of the studio cannot be written.
        """
        if self.busy:
            raise ConfigError("A training is under way: stop it first.")
        command = [sys.executable, "-m", "shanshui", *lesson.arguments(resume=resume)]
        with storage_errors(self._log), self._log.open("wb") as log:
            # In a group of its own, so that Ctrl-C in the terminal reaches it through us alone, once.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._run = lesson.run

    def stop(self) -> None:
        """Ask the training to save and leave."""
        if self._process is not None and self.busy:
            self._process.send_signal(signal.SIGINT)

    async def close(self) -> None:
        """Stop, and wait until everything is saved."""
        self.stop()
        for _ in range(_SECONDS_TO_SAVE * 10):
            if not self.busy:
                return
            await asyncio.sleep(0.1)

    def said(self) -> Sequence[str]:
        """The newest lines of what the training says."""
        if not self._log.is_file():
            return []
        with self._log.open("rb") as file:
            file.seek(max(0, self._log.stat().st_size - _LOG_BYTES))
            return file.read().decode("utf-8", "replace").splitlines()[-_LINES_SHOWN:]
