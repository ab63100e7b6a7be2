"""`shanshui export`: a model as ONNX, for engines, phones and browsers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from shanshui.commands.options import Common, parse
from shanshui.commands.outcome import Outcome
from shanshui.serving.onnx import Precision, export


@dataclass(frozen=True, kw_only=True)
class Export(Common):
    """Write a model as an ONNX file, and compare what it makes with PyTorch.

    Pixels are RGB from 0 to 1, float32, (N, 3, H, W); sides are multiples of what the command says. For example:

        shanshui export painter painter.onnx
        shanshui export landscape landscape.onnx --precision float16
    """

    model: Annotated[str, tyro.conf.Positional]
    """A model that ships (see `shanshui models`), a .safetensors file, or a hub id."""
    out: Annotated[Path, tyro.conf.Positional]
    """The file to write, which ends in .onnx."""
    precision: Precision = "float32"
    """Of the weights: float16 makes the file half as large, int8 a quarter."""


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`."""
    options = parse(Export, "export", argv)
    written = export(options.model, options.out, precision=options.precision)
    exact = math.isinf(written.psnr)
    return Outcome(
        data={
            "file": str(written.path),
            "bytes": written.size,
            "largest_difference": written.difference,
            "psnr": None if exact else written.psnr,
        },
        text=(
            f"{written.path}\n{written.size / 1e6:.1f} MB; differs from PyTorch by at most {written.difference:.2g} of "
            f"white" + ("." if exact else f", PSNR {written.psnr:.0f} dB.")
        ),
        as_json=options.json,
    )
