"""Architecture name -> how to build it. A snapshot names its architecture; this table is all that it can ask for."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from torch import nn

from shanshui.errors import ModelError
from shanshui.networks.generators.fastgan import FastGAN, FastGANConfig
from shanshui.networks.stylizers.feedforward import FeedForwardConfig, FeedForwardStylizer


@dataclass(frozen=True)
class Architecture:
    """A network class, the dataclass that configures it, and what it is used for."""

    network: type[nn.Module]
    config: type[Any]
    role: str


ARCHITECTURES: Mapping[str, Architecture] = {
    "fastgan": Architecture(FastGAN, FastGANConfig, role="scene generator"),
    "feedforward-stylizer": Architecture(FeedForwardStylizer, FeedForwardConfig, role="stylizer"),
}


def describe(network: nn.Module) -> tuple[str, dict[str, Any]]:
    """The architecture name and the config (plain values) that rebuild `network`.

    Raises:
        ModelError: no registered architecture has this class.
    """
    for name, architecture in ARCHITECTURES.items():
        if type(network) is architecture.network:
            return name, asdict(network.config)  # type: ignore[call-overload]
    raise ModelError(f"A {type(network).__name__} cannot be saved: it is not one of {', '.join(ARCHITECTURES)}.")


def build(name: str, config: Mapping[str, Any]) -> nn.Module:
    """A freshly initialised network.

    Raises:
        ModelError: an unknown architecture, or a config that does not fit it.
    """
    if name not in ARCHITECTURES:
        raise ModelError(
            f"The model needs the architecture {name!r}, which this version of Shanshui does not have: upgrade it."
        )
    architecture = ARCHITECTURES[name]
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in config.items()}
    try:
        return architecture.network(architecture.config(**values))
    except (TypeError, ValueError) as error:
        raise ModelError(f"The model's configuration does not fit the architecture {name!r}: {error}.") from error
