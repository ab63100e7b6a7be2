"""Networks as ONNX files: written, checked against PyTorch, and made smaller with a measured loss."""

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.export import Dim

from shanshui.atomic import atomic_write
from shanshui.checkpoints.registry import describe
from shanshui.checkpoints.weights import load_snapshot
from shanshui.checkpoints.zoo import resolve
from shanshui.errors import ConfigError, ModelError
from shanshui.networks.graphs import Graph, graph_of

Precision: TypeAlias = Literal["float32", "float16", "int8"]
"""Of the stored weights; pixels are float32 in any case."""

AGREEMENT = 1e-3
"""Largest difference from PyTorch that a float32 graph may have, pixels from 0 to 1."""

KEY = "shanshui"
FORM = 1
"""Raised when graphs of the same snapshot become other graphs."""

_OPSET = 18
_LARGEST_SIDE = 16_384
_PRODUCTS = frozenset({"Conv", "ConvTranspose", "MatMul", "Gemm"})
"""What has most of the weights, as its second input."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: the file.
        size: its bytes.
        difference: largest difference from PyTorch in float32, pixels from 0 to 1.
        psnr: of the picture against PyTorch's, in dB; infinite when they are equal.
    """

    path: Path
    size: int
    difference: float
    psnr: float


def export(model: str | Path, path: Path, *, precision: Precision = "float32") -> Exported:
    """Write the model as ONNX, its card in the file's metadata, and compare it with PyTorch.

    Args:
        model: a zoo name, a snapshot or a hub id.
        path: ends in .onnx.
        precision: of the weights. float16 halves the file, int8 makes it a quarter.

    Raises:
        ConfigError: another ending.
        ModelError: the model makes no pictures, the packages are missing, or the graph does not agree with PyTorch.
        StorageError: the file cannot be written.
    """
    if path.suffix.lower() != ".onnx":
        raise ConfigError(f"{path} does not end in .onnx: choose a name that does.")
    network, header = load_snapshot(resolve(model))
    network = network.float().eval()
    try:
        graph = graph_of(network)
    except TypeError as error:
        raise ModelError(f"{model} cannot be exported: {error}.") from error
    written = reduced(_proto(graph), precision)
    _describe(written, network, graph, dict(header.card))
    content = written.SerializeToString()
    difference, psnr = _compared(content, graph)
    if precision == "float32" and difference > AGREEMENT:
        raise ModelError(
            f"The graph of {model} differs from PyTorch by {difference:.2g}, above {AGREEMENT}: nothing was written."
        )
    with atomic_write(path) as file:
        file.write(content)
    return Exported(path, len(content), difference, psnr)


def session_of(content: bytes | Path) -> Any:
    """An onnxruntime session on as many threads as PyTorch uses.

    Raises:
        ModelError: onnxruntime is missing, or the file is no graph that it can run.
    """
    onnxruntime = _package("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    source = str(content) if isinstance(content, Path) else content
    try:
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no public base class
        raise ModelError(f"{content if isinstance(content, Path) else 'The graph'} cannot be run as ONNX.") from error


def run(session: Any, inputs: Sequence[Tensor]) -> Tensor:
    """The graph's picture of `inputs`, in the order of its own."""
    names = [each.name for each in session.get_inputs()]
    given = {name: each.contiguous().numpy() for name, each in zip(names, inputs, strict=True)}
    return torch.from_numpy(session.run(None, given)[0])


def _proto(graph: Graph) -> Any:
    """The graph as ONNX, sides of images free in steps of `graph.step`."""
    _package("onnx"), _package("onnxscript")
    shapes = tuple(
        {axis: graph.step * Dim(f"{name}_{axis}", min=2, max=_LARGEST_SIDE // graph.step) for axis in (2, 3)}
        if index in graph.images
        else None
        for index, name in enumerate(graph.inputs)
    )
    # The exporter prints its progress and warns of its own parts.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), _silent_logs():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            graph.module,
            graph.example,
            dynamo=True,
            input_names=list(graph.inputs),
            output_names=["picture"],
            dynamic_shapes=shapes,
            opset_version=_OPSET,
            verbose=False,
        )
    assert program is not None
    return program.model_proto


def reduced(proto: Any, precision: Precision) -> Any:
    """The same graph with its weights in fewer bits, which are widened again when the file is loaded."""
    if precision == "float32":
        return proto
    onnx = _package("onnx")
    products = {node.input[1] for node in proto.graph.node if node.op_type in _PRODUCTS}
    kept, widening = [], []
    for tensor in proto.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.ndim < 2 or tensor.name not in products:
            kept.append(tensor)
            continue
        stored, node = (_halved if precision == "float16" else _in_levels)(onnx, tensor.name, values)
        kept.extend(stored)
        widening.append(node)
    nodes = [*widening, *proto.graph.node]
    del proto.graph.initializer[:], proto.graph.node[:]
    proto.graph.initializer.extend(kept)
    proto.graph.node.extend(nodes)
    return proto


def _halved(onnx: Any, name: str, values: NDArray[np.float32]) -> tuple[list[Any], Any]:
    """A weight in half precision, and what widens it."""
    half = onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_half")
    return [half], onnx.helper.make_node("Cast", [half.name], [name], to=onnx.TensorProto.FLOAT)


def _in_levels(onnx: Any, name: str, values: NDArray[np.float32]) -> tuple[list[Any], Any]:
    """A weight in 255 levels, one scale for each output channel, and what widens it."""
    scale = np.maximum(np.abs(values).reshape(len(values), -1).max(1) / 127, np.finfo(np.float32).tiny)
    levels = np.rint(values / scale.reshape(-1, *[1] * (values.ndim - 1))).astype(np.int8)
    stored = [
        onnx.numpy_helper.from_array(levels, f"{name}_levels"),
        onnx.numpy_helper.from_array(scale.astype(np.float32), f"{name}_scale"),
    ]
    return stored, onnx.helper.make_node("DequantizeLinear", [each.name for each in stored], [name], axis=0)


def _describe(proto: Any, network: nn.Module, graph: Graph, card: dict[str, Any]) -> None:
    architecture, config = describe(network)
    told = {
        "architecture": architecture,
        "config": config,
        "card": card,
        "inputs": {name: list(shape) for name, shape in graph.describes.items()},
        "pixels": "RGB, 0 to 1",
        "step": graph.step,
    }
    entry = proto.metadata_props.add()
    entry.key, entry.value = KEY, json.dumps(told)


def _compared(content: bytes, graph: Graph) -> tuple[float, float]:
    """Largest difference from PyTorch, and the PSNR in dB, at the example's size and at another."""
    session = session_of(content)
    differences = []
    for inputs in (graph.example, _larger(graph)):
        with torch.inference_mode():
            expected = graph.module(*inputs)
        differences.append((run(session, inputs) - expected).abs().flatten())
    together = torch.cat(differences)
    error = together.square().mean().item()
    return together.max().item(), float("inf") if error == 0 else -10 * float(np.log10(error))


def _larger(graph: Graph) -> tuple[Tensor, ...]:
    """The example with images half as large again, as far as sides may vary."""
    inputs = list(graph.example)
    for index in graph.images:
        sides = [side * 3 // 2 // graph.step * graph.step for side in inputs[index].shape[2:]]
        inputs[index] = torch.rand(1, 3, *sides, generator=torch.Generator().manual_seed(index))
    return tuple(inputs)


def _package(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ModelError(f'ONNX needs the package {name}: `pip install "shanshui[export]"`.') from error


@contextlib.contextmanager
def _silent_logs() -> Any:
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
