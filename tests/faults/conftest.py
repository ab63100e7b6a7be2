"""A small training that can be killed, starved and resumed: a process of its own, forked so that it starts at once."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.commands.conftest import tiny_models  # noqa: F401 - a fixture

import shanshui.commands.stylize
import shanshui.commands.train  # noqa: F401 - children are born with what they need
from shanshui.cli import main

IMAGES, BATCH = 48, 4
TINY = ["train", "scene", "--recipe", "dcgan-64", "--size", "32", "--batch-size", str(BATCH), "--device", "cpu"]
TINY += ["--workers", "1", "--checkpoint-every", "8", "--log-every", "4", "--sample-every", "48"]
TINY += ["--generator.width", "2", "--generator.latent", "4", "--discriminator.channels", "2"]
LAST = f"{IMAGES:010d}"

if not hasattr(os, "fork"):
    collect_ignore_glob = ["*"]


class Child:
    """`work` in a process of its own, as if it had been typed; what it says goes to `log`."""

    def __init__(self, work: Callable[[], int], log: Path) -> None:
        self._log = log
        self.pid = os.fork()
        if self.pid == 0:
            self._be(work)

    def wait(self) -> int:
        """The exit code, or minus the signal that ended it."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def killed_after(self, seconds: float) -> bool:
        """Whether SIGKILL was faster than the end of the work."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                assert os.waitstatus_to_exitcode(status) == 0, self.said
                return False
            time.sleep(0.005)
        os.kill(self.pid, signal.SIGKILL)
        code = self.wait()
        assert code in (0, -signal.SIGKILL), self.said
        return code != 0

    @property
    def said(self) -> str:
        return self._log.read_text()

    def _be(self, work: Callable[[], int]) -> None:
        code = 99
        try:
            with self._log.open("ab", buffering=0) as log:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
            sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1) for number in (1, 2))
            signal.signal(signal.SIGINT, signal.default_int_handler)
            code = work()
        except BaseException:  # noqa: BLE001 - the parent is in another process
            traceback.print_exc()
        finally:
            os._exit(code)


def kill_until_done(begin: Callable[[], Child], seconds: float) -> tuple[int, float]:
    """SIGKILL at random moments, and again what was killed, until it is complete.

    `seconds` is about what it takes; returned are the kills and what it took at last: other work may slow the machine.
    """
    random, kills = np.random.default_rng(), 0  # other moments every time: more of them are seen in the long run
    while True:
        began = time.monotonic()
        if not begin().killed_after(random.uniform(0, 1.2 * seconds)):
            return kills, time.monotonic() - began
        kills += 1
        seconds *= 1.1  # or a slow machine would never come to the end


@dataclass(frozen=True)
class Training:
    """The same small training in any folder."""

    photos: Path
    folder: Path

    def arguments(self, run: str, *rest: str) -> list[str]:
        """What is typed: to go on where there is something to go on from, else to begin."""
        place = self.folder / run
        resume = ["--resume"] if (place / "config.json").exists() else []
        flags = ["--data", str(self.photos), "--run", str(place), "--images", str(IMAGES)]
        return [*TINY, *flags, *resume, *rest]

    def begin(self, run: str, *rest: str, prepare: Callable[[], object] = lambda: None) -> Child:
        """Begin or go on in a process of its own, where `prepare` is called first."""

        def work() -> int:
            prepare()
            return main(self.arguments(run, *rest))

        return Child(work, self.folder / f"{run}.log")

    def finish(self, run: str, *rest: str) -> str:
        """Begin or go on until it is complete, and return all that was said."""
        child = self.begin(run, *rest)
        code = child.wait()
        assert code == 0, child.said
        return child.said

    def await_state(self, run: str, images_seen: int = 8) -> None:
        """Until a state of so many images or more is there."""
        while not any(int(path.stem) >= images_seen for path in (self.folder / run).glob("checkpoints/*.state")):
            time.sleep(0.005)

    def result(self, run: str) -> list[bytes]:
        """Everything that the training was for: the last state and snapshot."""
        return [
            (self.folder / run / "checkpoints" / f"{LAST}.{kind}").read_bytes() for kind in ("state", "safetensors")
        ]


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """A training that nothing happened to, as `whole`, and the photographs of all others."""
    folder = tmp_path_factory.mktemp("faults")
    photos = folder / "photos"
    photos.mkdir()
    for seed in range(9):
        pixels = np.random.default_rng(seed).integers(0, 256, (48, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(photos / f"{seed}.png")
    training = Training(photos, folder)
    training.finish("whole")
    return training


@pytest.fixture
def training(uninterrupted: Training, tmp_path: Path) -> Training:
    """For one test: the same photographs, a folder of its own."""
    return Training(uninterrupted.photos, tmp_path)
