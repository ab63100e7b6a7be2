"""Graphs of models, exported when they are first needed and kept."""

import hashlib
from pathlib import Path

from shanshui.checkpoints.zoo import resolve
from shanshui.events import Emit, Finished, Started
from shanshui.serving.onnx import FORM, export

TASK = "export"
_FOLDER = "graphs"


def graph_for(model: str, cache: Path, emit: Emit) -> Path:
    """The graph of a model: a file that ends in .onnx itself, else the model as exported into a folder of `cache`.

    The name of a kept graph is the hash of its snapshot, so that it never stands for other weights.

    Raises:
        ModelError: there is no such model, or it cannot be exported.
        StorageError: the cache cannot be written.
    """
    if model.lower().endswith(".onnx"):
        return Path(model)
    snapshot = resolve(model)
    with snapshot.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:32]
    path = cache / _FOLDER / f"{digest}-{FORM}.onnx"
    if not path.is_file():
        emit(Started(task=TASK, total=1))
        export(snapshot, path)
        emit(Finished(task=TASK, done=1, reason="complete"))
    return path
