"""How statistics are spread among the scenes of a generator: the unit in which a control's strength is given."""

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from shanshui import jsontext
from shanshui.atomic import atomic_write_bytes
from shanshui.errors import StorageError
from shanshui.events import Emit, Warned, ignore
from shanshui.pipelines.codes import CodeSpace
from shanshui.pipelines.steering.statistics import STATISTICS, measure

SCENES = 128
"""Scenes that are measured: they give a standard deviation to about 6 %."""
_SEED = 0
_BATCH_SIZE = 16
_LAYOUT = "shanshui spread 1"
_SMALLEST = 1e-6


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Mean and standard deviation of each statistic, in the order of `STATISTICS`."""

    means: tuple[float, ...]
    deviations: tuple[float, ...]

    def standardized(self, scenes: Tensor) -> Tensor:
        """Statistics of scenes (N, 3, H, W) in deviations from the mean: (N, K); differentiable."""
        measured = measure(scenes)
        return (measured - measured.new_tensor(self.means)) / measured.new_tensor(self.deviations)


def measure_spread(space: CodeSpace) -> Spread:
    """The spread among `SCENES` random scenes of a generator, always the same ones."""
    codes = space.draw(SCENES, torch.Generator().manual_seed(_SEED))
    with torch.inference_mode():
        measured = torch.cat([measure(space.render(batch)).cpu() for batch in codes.split(_BATCH_SIZE)])
    # A statistic that is the same everywhere cannot be steered; dividing by its deviation must not fail all the same.
    deviations = measured.std(dim=0).clamp_min(_SMALLEST)
    return Spread(means=tuple(measured.mean(dim=0).tolist()), deviations=tuple(deviations.tolist()))


def known_spread(space: CodeSpace, cache: Path, *, emit: Emit = ignore) -> Spread:
    """`measure_spread`, from a file in the folder `cache` when it is there; it is written when it is not.

    A file that is damaged, or of other weights or statistics, is replaced by measuring, without a word.

    Args:
        space: the generator.
        cache: folder, made when missing.
        emit: hears a `Warned` when the file cannot be written.
    """
    key = json.dumps([_LAYOUT, space.fingerprint(), space.label, [*STATISTICS], SCENES])
    path = cache / "spreads" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
    known = _read(path)
    if known is not None:
        return known
    spread = measure_spread(space)
    try:
        atomic_write_bytes(path, json.dumps({"means": spread.means, "deviations": spread.deviations}).encode())
    except StorageError as error:
        emit(Warned(task="edit", message=f"What was measured of the model is not kept for the next run: {error}"))
    return spread


def _read(path: Path) -> Spread | None:
    """The spread on file, or None when there is none to be trusted."""
    try:
        values = jsontext.parsed(path.read_bytes())
        means, deviations = (tuple(float(number) for number in values[name]) for name in ("means", "deviations"))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    finite = all(math.isfinite(number) for number in (*means, *deviations))
    sound = finite and len(means) == len(deviations) == len(STATISTICS) and min(deviations) > 0
    return Spread(means=means, deviations=deviations) if sound else None
