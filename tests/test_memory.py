"""Large pictures give memory back; small ones, and other C libraries, are left alone."""

import ctypes
import subprocess
import sys

import pytest

from shanshui.memory import memory_given_back

LARGE = 100_000_000


class Library:
    """Stands for glibc, and remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def malloc_trim(self, kept: int) -> None:
        self.told.append(("trim", kept))

    def mallopt(self, parameter: int, value: int) -> None:
        assert parameter == -3
        self.told.append(("threshold", value))


def told(monkeypatch: pytest.MonkeyPatch, pixels: int, platform: str = "linux") -> list[tuple[str, int]]:
    library = Library()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(ValueError, match="inside"), memory_given_back(pixels):
        raise ValueError("inside")
    return library.told


def test_the_threshold_is_lower_inside_and_as_before_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, LARGE) == [("trim", 0), ("threshold", 1 << 20), ("threshold", 32 << 20)]


def test_small_pictures_and_other_systems_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, 1_000_000) == []
    assert told(monkeypatch, LARGE, platform="darwin") == []


FREED_INSIDE = f"""
from pathlib import Path
import numpy as np
from shanshui.memory import memory_given_back

def own_megabytes():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))

with memory_given_back({LARGE}):
    before = own_megabytes()
    blocks = [np.ones(4 << 20, np.uint8) for _ in range(32)]
    filled = own_megabytes()
    del blocks[:-1]  # the last one lies on top of all that is free
    print(filled - before, own_megabytes() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_large_block_that_is_freed_inside_is_the_systems_again() -> None:
    # In a process of its own: holes that other tests left in the heap would be filled before the system is asked.
    ended = subprocess.run([sys.executable, "-c", FREED_INSIDE], capture_output=True, text=True, check=True)
    filled, freed = map(float, ended.stdout.split())
    assert filled > 100
    assert freed < 30
