"""Training states as safetensors: nested dicts and lists of tensors, numbers, strings and None, and no code.

Tensors go into the file's tensors; the tree around them goes, as JSON, into its metadata, with a checksum of both.
"""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from shanshui import jsontext
from shanshui.atomic import atomic_write_bytes
from shanshui.errors import ModelError

_KEY, _CHECKSUM = "shanshui.state", "crc32"


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write `state` to `path`, whole or not at all.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
    """
    tensors: dict[str, torch.Tensor] = {}
    tree = _flatten(dict(state), tensors)
    checked = {**tree, _CHECKSUM: _checksum(tree, tensors)}
    # One entry of metadata: safetensors writes several in any order, and equal states are to be equal files.
    atomic_write_bytes(path, save(tensors, {_KEY: json.dumps(checked)}))


def load_state(path: Path) -> dict[str, Any]:
    """Read what `save_state` wrote, on the CPU.

    Raises:
        ModelError: the file is missing, truncated, damaged, or not a training state.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if _KEY not in metadata:
                raise ModelError(f"{path} is not a training state of Shanshui: resume from a run's folder.")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise _damaged(path) from error
    try:
        tree = jsontext.parsed(metadata[_KEY])
        # States of the first releases have no checksum.
        checksum = tree.pop(_CHECKSUM, None)
        state = _rebuild(tree, tensors)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path) from error
    if not isinstance(state, dict) or checksum not in (None, _checksum(tree, tensors)):
        raise _damaged(path)
    return state


def _damaged(path: Path) -> ModelError:
    return ModelError(f"{path} is damaged or missing and cannot be resumed from.")


def _checksum(tree: Any, tensors: Mapping[str, torch.Tensor]) -> str:
    """Of everything that a state says. Disks and networks do not mean to deceive: 32 bits are enough."""
    total = zlib.crc32(json.dumps(tree).encode("utf-8"))
    for name in sorted(tensors):
        total = zlib.crc32(tensors[name].reshape(-1).view(torch.uint8).numpy().data, total)
    return f"{total:08x}"


def _flatten(node: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """JSON for `node`. Dicts become pairs, because their keys may be integers (an optimiser's are)."""
    if isinstance(node, torch.Tensor):
        name = f"{len(tensors):06d}"
        # safetensors stores each tensor's own memory: no views, no sharing.
        tensors[name] = node.detach().cpu().clone(memory_format=torch.contiguous_format)
        return {"tensor": name}
    if isinstance(node, Mapping):
        return {"dict": [[key, _flatten(value, tensors)] for key, value in node.items()]}
    if isinstance(node, list | tuple):
        return {"list": [_flatten(value, tensors) for value in node]}
    if node is None or isinstance(node, bool | int | float | str):
        return {"value": node}
    raise TypeError(f"a training state cannot hold a {type(node).__name__}")


def _rebuild(tree: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    ((kind, content),) = tree.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "dict":
        return {key: _rebuild(value, tensors) for key, value in content}
    if kind == "list":
        return [_rebuild(value, tensors) for value in content]
    return content
