"""Networks as they leave Python: pixels in [0, 1] in and out, no choices inside, and what they are called by.

A graph holds the network and the scaling of pixels, and nothing else: resizing and padding stay where they are
(`shanshui.images.resize`, and whoever calls the graph), so that there is one definition of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from shanshui.networks.generators.base import SceneNetwork
from shanshui.networks.inpainter import Inpainter
from shanshui.networks.joint import JointPipeline
from shanshui.networks.stylizers.arbitrary import ArbitraryStylizer
from shanshui.networks.stylizers.feedforward import FeedForwardStylizer
from shanshui.networks.stylizers.translators import Translator

_SIDES = (64, 96)
"""Of the example by which a graph is traced."""

_FILLED = 192
"""Sides of what an inpainter's graph fills: how often it halves a picture, and how far it looks for texture, depend on
its size. It is the size up to which the network fills holes (`pipelines.filling.holes.COARSE`)."""


@dataclass(frozen=True)
class Graph:
    """A module that can be exported.

    Attributes:
        module: takes and gives pixels in [0, 1]; (N, 3, H, W) float32.
        example: inputs to trace it with.
        inputs: their names.
        images: indices of the inputs that are images, whose sides may vary.
        step: sides must be multiples of it.
    """

    module: nn.Module
    example: tuple[Tensor, ...]
    inputs: tuple[str, ...]
    images: tuple[int, ...] = ()
    step: int = 1

    @property
    def describes(self) -> Mapping[str, tuple[int, ...]]:
        """Name of each input -> shape of its example."""
        return {name: tuple(each.shape) for name, each in zip(self.inputs, self.example, strict=True)}


class SceneGraph(nn.Module):
    """Latents -> scenes; with the number of its class where the network was told classes."""

    def __init__(self, network: SceneNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, latents: Tensor, label: Tensor | None = None) -> Tensor:
        """As `SceneNetwork.sample`, in [0, 1]."""
        return _outside(self.network.sample(latents, label).clamp(-1, 1))


class StylizerGraph(nn.Module):
    """Image and shares of styles -> picture."""

    def __init__(self, network: FeedForwardStylizer) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, styles: Tensor) -> Tensor:
        """As `FeedForwardStylizer`, in [0, 1]."""
        return _outside(self.network(_inside(image), styles))


class ExampleGraph(nn.Module):
    """Image and painting -> picture."""

    def __init__(self, network: ArbitraryStylizer) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, painting: Tensor) -> Tensor:
        """As `ArbitraryStylizer`, in [0, 1]."""
        return _outside(self.network(_inside(image), _inside(painting)))


class TranslatorGraph(nn.Module):
    """Image -> picture."""

    def __init__(self, network: Translator) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        """As `Translator`, in [0, 1]."""
        return _outside(self.network(_inside(image)))


class ComposerGraph(nn.Module):
    """Image, shares of styles, latent and slider -> scene, without noise of pixels."""

    def __init__(self, network: JointPipeline) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, styles: Tensor, latents: Tensor, naturalness: Tensor) -> Tensor:
        """As `JointPipeline`, in [0, 1]."""
        return _outside(self.network(_inside(image), styles, latents, naturalness).clamp(-1, 1))


class InpainterGraph(nn.Module):
    """Image, mask, latent and noise -> picture."""

    def __init__(self, network: Inpainter) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, mask: Tensor, latents: Tensor, noise: Tensor) -> Tensor:
        """As `Inpainter`, in [0, 1]; not only the holes."""
        return _outside(self.network(_inside(image), mask, latents, noise).clamp(-1, 1))


def graph_of(network: nn.Module) -> Graph:
    """How `network` is exported.

    Raises:
        TypeError: it is none of those that make pictures.
    """
    random = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, *_SIDES, generator=random)
    match network:
        case SceneNetwork():
            latents = network.draw_latents(1, random)
            if network.config.labels > 0:
                return Graph(SceneGraph(network), (latents, torch.zeros(1, dtype=torch.int64)), ("latents", "label"))
            return Graph(SceneGraph(network), (latents,), ("latents",))
        case FeedForwardStylizer():
            shares = _shares(network)
            return Graph(StylizerGraph(network), (image, shares), ("image", "styles"), images=(0,), step=8)
        case ArbitraryStylizer():
            painting = torch.rand(1, 3, *reversed(_SIDES), generator=random)
            return Graph(ExampleGraph(network), (image, painting), ("image", "painting"), images=(0, 1), step=8)
        case Translator():
            return Graph(TranslatorGraph(network), (image,), ("image",), images=(0,), step=8)
        case JointPipeline():
            latents = network.composer.draw_latents(1, random)
            inputs = (image, _shares(network.stylizer), latents, torch.full((1,), 0.5))
            names = ("image", "styles", "latents", "naturalness")
            return Graph(ComposerGraph(network), inputs, names, images=(0,), step=network.config.composer.stride)
        case Inpainter():
            filled = torch.rand(1, 3, _FILLED, _FILLED, generator=random)
            noise = torch.randn(1, 1, _FILLED, _FILLED, generator=random)
            hole = torch.zeros_like(noise)
            hole[:, :, _FILLED // 4 : _FILLED // 2, _FILLED // 3 : _FILLED // 2] = 1
            inputs = (filled, hole, network.draw_latents(1, random), noise)
            return Graph(InpainterGraph(network), inputs, ("image", "mask", "latents", "noise"))
    raise TypeError(f"a {type(network).__name__} makes no pictures")


def _shares(network: FeedForwardStylizer) -> Tensor:
    count = len(network.config.styles)
    return torch.full((1, count), 1 / count)


def _inside(pixels: Tensor) -> Tensor:
    return 2 * pixels - 1


def _outside(images: Tensor) -> Tensor:
    return (images.float() + 1) / 2
