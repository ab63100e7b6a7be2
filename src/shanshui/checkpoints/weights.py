"""Snapshots: weights as safetensors, with architecture, config and model card in the file's metadata.

Weights are stored in half precision and computed with in float32.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from shanshui import jsontext
from shanshui.atomic import atomic_write_bytes
from shanshui.checkpoints.registry import ARCHITECTURES, build, describe
from shanshui.errors import ModelError, NonFiniteError

_KEY = "shanshui.snapshot"


@dataclass(frozen=True, kw_only=True)
class SnapshotHeader:
    """What a snapshot says of itself: read without reading the weights.

    Attributes:
        architecture: a name from `registry.ARCHITECTURES`.
        config: values of the architecture's config dataclass.
        card: the model card: task, recipe, data, licence, images seen, scores and the like.
    """

    architecture: str
    config: Mapping[str, Any]
    card: Mapping[str, Any]

    @property
    def role(self) -> str:
        """What the network is used for, or `unknown` when a newer version wrote it."""
        known = ARCHITECTURES.get(self.architecture)
        return known.role if known else "unknown"


def save_snapshot(path: Path, network: nn.Module, card: Mapping[str, Any]) -> None:
    """Write `network` to `path`, whole or not at all.

    Args:
        path: ends in `.safetensors`.
        network: an instance of a registered architecture.
        card: JSON values for the model card.

    Raises:
        NonFiniteError: a weight is not finite, or too large for half precision.
        StorageError: the file cannot be written.
    """
    architecture, config = describe(network)
    tensors = {name: _halved(name, tensor) for name, tensor in network.state_dict().items()}
    header = json.dumps({"architecture": architecture, "config": config, "card": dict(card)})
    atomic_write_bytes(path, save(tensors, {_KEY: header}))


def load_snapshot(path: Path) -> tuple[nn.Module, SnapshotHeader]:
    """The network of a snapshot, float32, in evaluation mode, on the CPU.

    Raises:
        ModelError: missing, truncated, foreign or pickled file, unknown architecture, weights that do not fit.
    """
    header = read_header(path)
    network = build(header.architecture, header.config)
    with safe_open(path, framework="pt") as file:
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ModelError(
            f"The weights in {path} do not fit the network that the file describes: get the file again."
        ) from error
    return network.requires_grad_(False).eval(), header


def read_header(path: Path) -> SnapshotHeader:
    """What the snapshot at `path` says of itself.

    Raises:
        ModelError: as `load_snapshot`.
    """
    _refuse_pickle(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is damaged or not a safetensors file: get it again.") from error
    try:
        header = jsontext.parsed(metadata[_KEY])
        return SnapshotHeader(architecture=header["architecture"], config=header["config"], card=header["card"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{path} holds weights but is not a Shanshui snapshot: use a file from `shanshui models` or from a run."
        ) from error


def _halved(name: str, tensor: torch.Tensor) -> torch.Tensor:
    tensor = tensor.detach().cpu().contiguous()
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    if not torch.isfinite(half).all():
        raise NonFiniteError(f"The weight {name} is not finite in half precision: the snapshot was not written.")
    return half


def _refuse_pickle(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as error:
        raise ModelError(f"The model file {path} cannot be read: check the path.") from error
    # A zip archive is what torch.save writes today, 0x80 begins every pickle. A safetensors file begins with the length
    # of its header, eight bytes that can be these as well, and then its header's brace.
    if start[8:] != b"{" and (start[:2] == b"PK" or start[:1] == b"\x80"):
        raise ModelError(
            f"{path} is a pickled file, which could run code when loaded: Shanshui loads safetensors files only."
        )
