"""What everything that makes scenes begins with: a generator by name, a class that it knows, randomness from a seed."""

from pathlib import Path

import torch

from shanshui.checkpoints.weights import load_snapshot
from shanshui.checkpoints.zoo import resolve
from shanshui.errors import ConfigError, ModelError
from shanshui.networks.generators.base import SceneNetwork

LARGEST_SEED = 2**40
_SEED_STRIDE = 1_000_003


def load_generator(name: str | Path) -> tuple[SceneNetwork, Path]:
    """A scene generator by zoo name (`landscape`), snapshot file, or hub id, and the file that it is in.

    Raises:
        ModelError: there is no such model, or it is not a scene generator.
    """
    snapshot = resolve(name)
    network, _ = load_snapshot(snapshot)
    if not isinstance(network, SceneNetwork):
        raise ModelError(f"{name} is not a scene generator but a {type(network).__name__}: try `landscape`.")
    return network, snapshot


def placed(network: SceneNetwork, device: torch.device) -> SceneNetwork:
    """`network` on `device`, in evaluation mode and frozen, but transparent to gradients."""
    frozen: SceneNetwork = network.to(device).eval().requires_grad_(False)
    return frozen.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def require_class(network: SceneNetwork, label: int | None) -> None:
    """Pass if `network` knows the class `label`; None names none.

    Raises:
        ConfigError: it does not.
    """
    known = network.config.labels
    if label is not None and not 0 <= label < known:
        raise ConfigError(
            f"There is no class {label}: this model knows {known} classes of scenes" + (", from 0." if known else ".")
        )


def random_of(seed: int, number: int) -> torch.Generator:
    """The randomness of scene `number` of `seed`, on the CPU.

    Each scene has a generator of its own: it does not depend on how many others are asked for, nor on the size of the
    batch that it is computed in.
    """
    return torch.Generator().manual_seed(seed * _SEED_STRIDE + number)
