"""Trainings of several processes from the command line: begun by two, gone on with by one, and one of two lost."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.training.test_together import ROUNDING, apart, numbers

from shanshui.checkpoints.state import load_state
from shanshui.cli import main
from shanshui.events import Started
from shanshui.training.journal import read_journal

TINY = ["train", "scene", "--recipe", "landscape-64", "--size", "32", "--generator.width", "4", "--batch-size", "4"]
TINY += ["--workers", "1", "--precision", "32-true", "--device", "cpu", "--checkpoint-every", "8", "--log-every", "4"]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]

Command = Callable[..., list[str]]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """The arguments of a training on a few photographs."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for seed in range(5):
        pixels = np.random.default_rng(seed).integers(0, 255, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(photos / f"{seed}.png")

    def arguments(run: str, *rest: str) -> list[str]:
        return [*TINY, "--data", str(photos), "--run", str(tmp_path / run), *rest]

    return arguments


@pytest.mark.timeout(300)
def test_what_two_processes_began_one_can_go_on_with(
    command: Command, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    subprocess.run([*TORCHRUN, "-m", "--", "shanshui", *command("shared", "--images", "8", "--resume")], check=True)
    said = capfd.readouterr()
    assert said.out.count("8 images seen (complete)") == 1, "the first process speaks for all"
    assert main(command("shared", "--images", "16", "--resume")) == 0
    assert main(command("alone", "--images", "16")) == 0
    shared, alone = (
        dict(numbers(load_state(tmp_path / run / "checkpoints/0000000016.state"))) for run in ("shared", "alone")
    )
    assert shared.keys() == alone.keys()
    assert apart(alone, shared, [name for name in alone if ".network." in name]) < ROUNDING
    journals = [read_journal(tmp_path / run / "events.jsonl") for run in ("shared", "alone")]
    assert [journal.unreadable for journal in journals] == [0, 0]


@pytest.mark.faults
@pytest.mark.timeout(600)
@pytest.mark.parametrize("lost", [0, 1])
def test_torchrun_goes_on_after_a_process_was_lost(lost: int, command: Command, tmp_path: Path) -> None:
    arguments = ["-m", "--", "shanshui", *command("shot", "--images", "160", "--resume")]
    torchrun = subprocess.Popen([*TORCHRUN, "--max-restarts", "1", *arguments])
    while not list((tmp_path / "shot/checkpoints").glob("*.state")):
        time.sleep(0.02)
        assert torchrun.poll() is None
    os.kill(rank(torchrun.pid, lost), signal.SIGKILL)
    assert torchrun.wait() == 0
    begun = [
        entry for entry in read_journal(tmp_path / "shot/events.jsonl").entries if isinstance(entry.event, Started)
    ]
    assert len(begun) == 2, "torchrun began again"
    subprocess.run([*TORCHRUN, "-m", "--", "shanshui", *command("whole", "--images", "160")], check=True)
    last = "checkpoints/0000000160.state"
    assert (tmp_path / "shot" / last).read_bytes() == (tmp_path / "whole" / last).read_bytes()


def rank(launcher: int, number: int) -> int:
    """The process of that rank, as Linux tells it."""
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    return next(int(each) for each in children if f"\0RANK={number}\0" in Path(f"/proc/{each}/environ").read_text())
