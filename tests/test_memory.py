"""Middle pictures keep memory, large ones give it back; small ones, and other C libraries, are left alone."""

import ctypes
import subprocess
import sys

import pytest

from shanshui.memory import memory_for

MIDDLE, LARGE = 4_000_000, 100_000_000
TRIM, THRESHOLD, MOST = -1, -3, -4
USUAL = [(THRESHOLD, 32 << 20), (TRIM, 64 << 20), (MOST, 1 << 16)]


class Library:
    """Stands for glibc, and remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int] | str] = []

    def malloc_trim(self, kept: int) -> None:
        assert kept == 0
        self.told.append("trim")

    def mallopt(self, parameter: int, value: int) -> None:
        self.told.append((parameter, value))


def told(monkeypatch: pytest.MonkeyPatch, pixels: int, platform: str = "linux") -> list[tuple[int, int] | str]:
    library = Library()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(ValueError, match="inside"), memory_for(pixels):
        raise ValueError("inside")
    return library.told


def test_afterwards_all_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, LARGE) == ["trim", (THRESHOLD, 16 << 20), *USUAL]
    assert told(monkeypatch, MIDDLE) == [(MOST, 0), (TRIM, 1 << 30), *USUAL]


def test_small_pictures_and_other_systems_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, 100_000) == []
    assert told(monkeypatch, LARGE, platform="darwin") == []


PROGRAM = """
import resource
import sys
from pathlib import Path
import numpy as np
from shanshui.memory import memory_for

def own_megabytes():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

with memory_for(int(sys.argv[1])):
    before = own_megabytes()
    blocks = [np.ones(40 << 20, np.uint8) for _ in range(4)]
    filled = own_megabytes() - before
    del blocks[:-1]  # the last one lies on top of all that is free
    freed = own_megabytes() - before
    first = faults()
    again = [np.ones(40 << 20, np.uint8) for _ in range(3)]
    print(filled, freed, faults() - first)
"""


def filled_freed_faults(pixels: int) -> list[float]:
    # In a process of its own: holes that other tests left in the heap would be filled before the system is asked.
    ended = subprocess.run([sys.executable, "-c", PROGRAM, str(pixels)], capture_output=True, text=True, check=True)
    return [float(word) for word in ended.stdout.split()]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_large_blocks_are_kept_for_a_middle_picture_and_the_systems_again_for_a_large_one() -> None:
    filled, kept, faults_then = filled_freed_faults(MIDDLE)
    assert filled > 150 and kept > 150
    filled, kept, faults_now = filled_freed_faults(LARGE)
    assert filled > 150 and kept < 50
    assert faults_then < faults_now / 10
