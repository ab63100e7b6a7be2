"""Architecture name -> how to build it. A snapshot names its architecture; this table is all that it can ask for."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any, get_type_hints

from torch import nn

from shanshui.errors import ConfigError, ModelError
from shanshui.networks.generators.dcgan import DCGAN, DCGANConfig
from shanshui.networks.generators.enlarged import Enlarged, EnlargedConfig
from shanshui.networks.generators.fastgan import FastGAN, FastGANConfig
from shanshui.networks.generators.r3gan import R3GAN, R3GANConfig
from shanshui.networks.generators.resnet import ResNet, ResNetConfig
from shanshui.networks.generators.stylegan import StyleGAN, StyleGANConfig
from shanshui.networks.generators.stylegan2 import StyleGAN2, StyleGAN2Config
from shanshui.networks.inpainter import Inpainter, InpainterConfig
from shanshui.networks.joint import JointConfig, JointPipeline
from shanshui.networks.segmenters.zones import ZonesConfig, ZoneSegmenter
from shanshui.networks.stylizers.arbitrary import ArbitraryConfig, ArbitraryStylizer
from shanshui.networks.stylizers.feedforward import FeedForwardConfig, FeedForwardStylizer
from shanshui.networks.stylizers.translators import (
    LightTranslator,
    LightTranslatorConfig,
    ResNetTranslator,
    ResNetTranslatorConfig,
)


@dataclass(frozen=True)
class Architecture:
    """A network class, the dataclass that configures it, and what it is used for."""

    network: type[nn.Module]
    config: type[Any]
    role: str


ARCHITECTURES: Mapping[str, Architecture] = {
    "fastgan": Architecture(FastGAN, FastGANConfig, role="scene generator"),
    "enlarged": Architecture(Enlarged, EnlargedConfig, role="scene generator"),
    "dcgan": Architecture(DCGAN, DCGANConfig, role="scene generator"),
    "resnet": Architecture(ResNet, ResNetConfig, role="scene generator"),
    "stylegan": Architecture(StyleGAN, StyleGANConfig, role="scene generator"),
    "stylegan2": Architecture(StyleGAN2, StyleGAN2Config, role="scene generator"),
    "r3gan": Architecture(R3GAN, R3GANConfig, role="scene generator"),
    "feedforward-stylizer": Architecture(FeedForwardStylizer, FeedForwardConfig, role="stylizer"),
    "arbitrary-stylizer": Architecture(ArbitraryStylizer, ArbitraryConfig, role="stylizer"),
    "joint-pipeline": Architecture(JointPipeline, JointConfig, role="composer"),
    "resnet-translator": Architecture(ResNetTranslator, ResNetTranslatorConfig, role="stylizer"),
    "light-translator": Architecture(LightTranslator, LightTranslatorConfig, role="stylizer"),
    "inpainter": Architecture(Inpainter, InpainterConfig, role="inpainter"),
    "zone-segmenter": Architecture(ZoneSegmenter, ZonesConfig, role="zone segmenter"),
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
    try:
        return architecture.network(_restored(architecture.config, config))
    except (TypeError, ValueError, ConfigError) as error:
        raise ModelError(f"The model's configuration does not fit the architecture {name!r}: {error}.") from error


def _restored(kind: type[Any], values: Mapping[str, Any]) -> Any:
    """A configuration out of the plain values that `asdict` made of it."""
    hints = get_type_hints(kind)
    fields: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and is_dataclass(hints.get(name)):
            fields[name] = _restored(hints[name], value)
        else:
            fields[name] = tuple(value) if isinstance(value, list) else value
    return kind(**fields)
