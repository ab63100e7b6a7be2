"""What a training costs: hours on which hardware, and the energy that follows from watts which are assumed."""

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

WATTS: Mapping[str, float] = {"cpu": 10.0, "cuda": 350.0, "mps": 30.0}
"""Assumed power of a processor's thread, a GPU and an Apple GPU. A server processor takes about 280 W for 64 cores; as
much again goes for memory, power supply and cooling."""

_SECONDS_AN_HOUR = 3600


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """What computes, and the power in watts that it is assumed to take while it does."""

    name: str
    watts: float


def hardware_of(device: torch.device, watts: float | None = None, *, processes: int = 1) -> Hardware:
    """The hardware behind `device`, once for each of so many processes.

    Args:
        watts: of all of it together, where somebody has measured them or knows better.
    """
    threads = torch.get_num_threads()
    match device.type:
        case "cuda":
            name, each = torch.cuda.get_device_name(device), WATTS["cuda"]
        case "mps":
            name, each = f"{platform.machine()} GPU", WATTS["mps"]
        case _:
            name = f"{threads} {'thread' if threads == 1 else 'threads'} of {_processor()}"
            each = WATTS["cpu"] * threads
    together = name if processes == 1 else f"{processes} processes on {name} each"
    return Hardware(name=together, watts=watts or processes * each)


class Meter:
    """Adds the time since it was made to what was spent before, on this hardware or others."""

    def __init__(self, hardware: Hardware, before: Sequence[Mapping[str, Any]]) -> None:
        """`before` is what the meter of the run that is resumed has `read`."""
        self._hardware, self._before, self._began = hardware, before, time.monotonic()

    def read(self) -> list[dict[str, Any]]:
        """Hours, as {"hardware", "watts", "hours"} for each kind of hardware in the order of their first use."""
        spent = {(each["hardware"], each["watts"]): float(each["hours"]) for each in self._before}
        own = (self._hardware.name, self._hardware.watts)
        spent[own] = spent.get(own, 0.0) + (time.monotonic() - self._began) / _SECONDS_AN_HOUR
        return [{"hardware": name, "watts": watts, "hours": hours} for (name, watts), hours in spent.items()]


def _processor() -> str:
    """As the system calls it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    told = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(told, platform.machine())
