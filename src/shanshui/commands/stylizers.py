"""Which stylizer a command opens: by name, or because of what is asked of it."""

from pathlib import Path

import torch

from shanshui.commands.options import Engine
from shanshui.commands.rounds import Rounds
from shanshui.errors import ConfigError
from shanshui.evaluation.references import default_cache_folder
from shanshui.events import Emit
from shanshui.images.provenance import Note
from shanshui.pipelines.stylize import Stylizer
from shanshui.serving.cache import graph_for
from shanshui.serving.engine import OnnxPainter
from shanshui.training.gatys import GatysConfig, GatysPainter

NAMED, ANY, OPTIMISED = "painter", "painter-any", "gatys"


def open_stylizer(
    model: str,
    device: torch.device,
    emit: Emit,
    *,
    engine: Engine = "torch",
    gatys: GatysConfig | None = None,
    progress: Path | None = None,
    note: Note | None = None,
) -> Stylizer:
    """The stylizer of that name, snapshot, ONNX file or hub id; `gatys` optimises, and says how far it is.

    Args:
        engine: what computes; an ONNX file is always run by onnxruntime.
        gatys: how pictures are optimised.
        progress: folder for pictures on the way, if they are optimised.
        note: what these say of their making.

    Raises:
        ConfigError: another engine for what PyTorch alone can do.
        ModelError: there is no such model, or it is not a stylizer.
    """
    if model == OPTIMISED and engine != "torch":
        raise ConfigError("--model gatys optimises, which PyTorch alone can do: leave --engine out.")
    if model == OPTIMISED:
        return Stylizer(GatysPainter(gatys, device=device, watch=Rounds(emit, progress, note)), device=device)
    if engine == "onnx" or model.lower().endswith(".onnx"):
        return Stylizer(OnnxPainter(graph_for(model, default_cache_folder(), emit)))
    return Stylizer.from_pretrained(model, device=device)
