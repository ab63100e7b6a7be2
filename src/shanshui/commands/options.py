"""Options that several commands share, and how they are read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

import torch
import tyro

from shanshui.errors import ConfigError

Options = TypeVar("Options", bound="Common")
Engine = Literal["torch", "onnx"]
DeviceName = Literal["auto", "cpu", "cuda", "mps"]


@dataclass(frozen=True, kw_only=True)
class Common:
    """What every command takes."""

    device: DeviceName = "auto"
    """Where to compute; auto takes the fastest that is there."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print the result as JSON on stdout; progress stays on stderr."""


def parse(kind: type[Options], command: str, argv: Sequence[str]) -> Options:
    """Read `argv` into the dataclass of a command, whose docstring is its help.

    Raises:
        SystemExit: code 0 after printing help, code 2 after saying what is wrong with the options.
    """
    return tyro.cli(kind, prog=f"shanshui {command}", args=list(argv))


def resolve_device(name: DeviceName) -> torch.device:
    """The device that a `--device` value stands for on this machine.

    Raises:
        ConfigError: the device is not there.
    """
    available = available_devices()
    if name == "auto":
        return torch.device(available[0])
    if name not in available:
        raise ConfigError(f"This machine has no {name} device that PyTorch can use: try --device {available[0]}.")
    return torch.device(name)


def available_devices() -> list[str]:
    """Devices of this machine, the fastest first; `cpu` is always among them."""
    return [
        *(["cuda"] if torch.cuda.is_available() else []),
        *(["mps"] if torch.backends.mps.is_available() else []),
        "cpu",
    ]


def parse_size(text: str) -> tuple[int, int]:
    """`640x480` as (height, width) = (480, 640), in pixels; `64` is a square.

    Raises:
        ConfigError: not of the form WxH or S with whole numbers of at least 1.
    """
    match = re.fullmatch(r"(?P<width>\d{1,6})(?:[x×](?P<height>\d{1,6}))?", text.strip().lower())
    sides = (0, 0) if match is None else (int(match["height"] or match["width"]), int(match["width"]))
    if min(sides) < 1:
        raise ConfigError(f"--size {text} is not a size: give width x height in pixels, for instance 256x128.")
    return sides


def require_positive(**values: float) -> None:
    """Refuse the first value that is below 1, by the name of its option.

    Raises:
        ConfigError: a value is below 1.
    """
    for name, value in values.items():
        if value < 1:
            raise ConfigError(f"--{name.replace('_', '-')} is {value}: it must be at least 1.")
