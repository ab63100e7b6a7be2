"""`shanshui doctor`: what this machine can do, or what a data set has wrong."""

import os
import platform
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro
from torch import nn

from shanshui import __version__
from shanshui.checkpoints.zoo import shipped
from shanshui.commands.advice import advise
from shanshui.commands.options import Common, available_devices, parse, resolve_device
from shanshui.commands.origins import origin_of
from shanshui.commands.outcome import Outcome
from shanshui.commands.plan import plan_for
from shanshui.commands.survey import survey
from shanshui.commands.survey_text import describe
from shanshui.commands.terminal import terminal
from shanshui.commands.trial import try_out
from shanshui.errors import ShanshuiError
from shanshui.networks.encoders.efficientnet_lite import EfficientNetLite1
from shanshui.networks.encoders.vgg19 import VGG19
from shanshui.networks.precision import fast_dtype
from shanshui.scenes.sources import open_source

GIBIBYTE = 2**30
ENCODERS: dict[str, Callable[[], nn.Module]] = {"VGG-19": VGG19, "EfficientNet-Lite1": EfficientNetLite1}


@dataclass(frozen=True, kw_only=True)
class Doctor(Common):
    """Say what this machine can do, what a data set has wrong, or how a picture was made.

    For example:

        shanshui doctor
        shanshui doctor --data photos.zip/train
        shanshui doctor painting.png
    """

    picture: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Pictures and films whose content credentials are to be read, instead of examining the machine."""
    data: Path | None = None
    """A data set to examine (folder, archive, ARCHIVE/FOLDER) instead of the machine."""
    trial: float = 5.0
    """Seconds of training on the data set, which tell how long the advised recipe takes here; 0 leaves that out."""


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`."""
    options = parse(Doctor, "doctor", argv)
    if options.picture:
        return _of_pictures(options)
    if options.data is not None:
        return _of_data(options, options.data)
    machine = examine(resolve_device(options.device))
    width = max(map(len, machine))
    text = "\n".join(f"{name:<{width}}  {_shown(value)}" for name, value in machine.items())
    return Outcome(data=machine, text=text, as_json=options.json)


def _of_pictures(options: Doctor) -> Outcome:
    origins = {path: origin_of(path) for path in options.picture}
    return Outcome(
        data={str(path): origin.as_json() for path, origin in origins.items()},
        text="\n".join(origin.describe(path) for path, origin in origins.items()),
        as_json=options.json,
    )


def _of_data(options: Doctor, data: Path) -> Outcome:
    device = resolve_device(options.device)
    source = open_source(data)
    pace = None
    with terminal() as emit:
        findings = survey(source, emit)
        plan = plan_for(findings, device.type) if findings.usable else None
        if plan is not None and options.trial > 0:
            painting = next(iter(findings.found.traits))
            pace = try_out(plan, source, data, painting=painting, device=device, seconds=options.trial, emit=emit)
    advice = advise(findings, plan, pace)
    outlook = {
        "plan": None if plan is None else asdict(plan),
        "trial": None if pace is None or plan is None else pace.as_json(plan.images),
        "advice": advice,
    }
    return Outcome(data=findings.as_json() | outlook, text=describe(findings, advice), as_json=options.json)


def examine(device: torch.device) -> dict[str, Any]:
    """What matters on this machine, by name; the encoders are loaded, so that their files are known to be whole."""
    return {
        "shanshui": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "devices": [_device_name(name) for name in available_devices()],
        "device used": str(device),
        "number format": str(fast_dtype(device)).removeprefix("torch."),
        "cores": os.cpu_count() or 1,
        "threads of torch": torch.get_num_threads(),
        "memory": _gibibytes(_memory()),
        "free disk here": _gibibytes(shutil.disk_usage(Path.cwd()).free),
        "models that ship": list(shipped()),
        "encoder weights": {name: _condition(encoder) for name, encoder in ENCODERS.items()},
    }


def _shown(value: Any) -> str:
    match value:
        case dict():
            return "; ".join(f"{name}: {_shown(item)}" for name, item in value.items())
        case list():
            return ", ".join(map(_shown, value)) or "none"
        case _:
            return str(value)


def _device_name(name: str) -> str:
    if name != "cuda":
        return name
    return ", ".join(f"cuda:{index} {torch.cuda.get_device_name(index)}" for index in range(torch.cuda.device_count()))


def _memory() -> int | None:
    """Bytes of main memory, None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _gibibytes(count: int | None) -> str:
    return "unknown" if count is None else f"{count / GIBIBYTE:.1f} GiB"


def _condition(encoder: Callable[[], nn.Module]) -> str:
    try:
        encoder()
    except ShanshuiError as error:
        return str(error)
    return "intact"
