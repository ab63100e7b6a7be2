"""Which network a configuration builds, and how a configuration is fitted to a size."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shanshui.networks.discriminators.base import Discriminator, DiscriminatorConfig
from shanshui.networks.discriminators.dcgan import DCGANDiscriminator, DCGANDiscriminatorConfig
from shanshui.networks.discriminators.fastgan import FastGANDiscriminator, FastGANDiscriminatorConfig
from shanshui.networks.discriminators.patchgan import PatchGAN, PatchGANConfig
from shanshui.networks.discriminators.projected import ProjectedConfig, ProjectedDiscriminator
from shanshui.networks.discriminators.r3gan import R3GANDiscriminator, R3GANDiscriminatorConfig
from shanshui.networks.discriminators.resnet import ResNetDiscriminator, ResNetDiscriminatorConfig
from shanshui.networks.discriminators.stylegan2 import StyleGAN2Discriminator, StyleGAN2DiscriminatorConfig
from shanshui.networks.generators.base import GeneratorConfig, SceneNetwork
from shanshui.networks.generators.dcgan import DCGAN, DCGANConfig
from shanshui.networks.generators.fastgan import FastGAN, FastGANConfig
from shanshui.networks.generators.r3gan import R3GAN, R3GANConfig
from shanshui.networks.generators.resnet import ResNet, ResNetConfig
from shanshui.networks.generators.stylegan import StyleGAN, StyleGANConfig
from shanshui.networks.generators.stylegan2 import StyleGAN2, StyleGAN2Config

LEAST_START, MOST_START = 4, 9
"""Shorter side of the coarsest map, at least and at most, when a size decides on it; 9 makes 16:9."""

GENERATORS: Mapping[type[Any], type[Any]] = {
    DCGANConfig: DCGAN,
    ResNetConfig: ResNet,
    StyleGANConfig: StyleGAN,
    StyleGAN2Config: StyleGAN2,
    FastGANConfig: FastGAN,
    R3GANConfig: R3GAN,
}

DISCRIMINATORS: Mapping[type[Any], type[Any]] = {
    DCGANDiscriminatorConfig: DCGANDiscriminator,
    ResNetDiscriminatorConfig: ResNetDiscriminator,
    PatchGANConfig: PatchGAN,
    StyleGAN2DiscriminatorConfig: StyleGAN2Discriminator,
    FastGANDiscriminatorConfig: FastGANDiscriminator,
    R3GANDiscriminatorConfig: R3GANDiscriminator,
    ProjectedConfig: ProjectedDiscriminator,
}


def build_generator(config: GeneratorConfig) -> SceneNetwork:
    """A new generator; its weights are drawn from torch's global generator."""
    network: SceneNetwork = GENERATORS[type(config)](config)
    return network


def build_discriminator(config: DiscriminatorConfig) -> Discriminator:
    """A new discriminator; its weights are drawn from torch's global generator."""
    network: Discriminator = DISCRIMINATORS[type(config)](config)
    return network


def fit_generator(config: GeneratorConfig, height: int, width: int) -> GeneratorConfig:
    """`config` for scenes of `height` x `width` pixels: a coarsest map as small as it may be, and doublings from there.

    Raises:
        ValueError: no map of `LEAST_START` to `MOST_START` doubles to this size.
    """
    doublings = 0
    while (height | width) % 2 ** (doublings + 1) == 0 and min(height, width) >> (doublings + 1) >= LEAST_START:
        doublings += 1
    start = height >> doublings, width >> doublings
    if doublings == 0 or not LEAST_START <= min(start) <= MOST_START:
        raise ValueError(
            f"the shorter side must be {LEAST_START} to {MOST_START} times a power of two, and the longer one a "
            "multiple of that power, like 64x64, 112x64 or 256x144"
        )
    # Every generator's configuration has a start, under a type of its own.
    return replace(config, doublings=doublings, start=start)  # type: ignore[call-arg]


def fit_discriminator(config: DiscriminatorConfig, height: int, width: int) -> DiscriminatorConfig:
    """`config` for images of `height` x `width` pixels."""
    return replace(config, height=height, width=width)
