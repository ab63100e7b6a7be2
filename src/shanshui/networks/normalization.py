"""What keeps the signals of a network in range: a layer behind a convolution, or the norm of its weight."""

from collections.abc import Callable, Mapping
from typing import Literal

from torch import nn

from shanshui.networks.batch_norm import BatchNorm2d
from shanshui.networks.spectral import SpectralConv2d

Normalization = Literal["batch", "layer", "instance", "spectral", "none"]

NORMALIZATIONS: tuple[Normalization, ...] = ("batch", "layer", "instance", "spectral", "none")

_LAYERS: Mapping[str, Callable[[int], nn.Module]] = {
    "batch": BatchNorm2d,
    # One group: mean and variance over channels and positions of one image, scale and shift by channel (Ba et al. 2016
    # as the critics of Gulrajani et al. 2017 use it).
    "layer": lambda channels: nn.GroupNorm(1, channels),
    "instance": lambda channels: nn.InstanceNorm2d(channels, affine=True),
}


def convolution(
    normalization: Normalization,
    channels_in: int,
    channels_out: int,
    kernel: int,
    *,
    stride: int = 1,
    padding: int = 0,
    bias: bool = True,
) -> nn.Conv2d:
    """A convolution; with "spectral" its weight has spectral norm one (Miyato et al. 2018)."""
    kind = SpectralConv2d if normalization == "spectral" else nn.Conv2d
    return kind(channels_in, channels_out, kernel, stride=stride, padding=padding, bias=bias)


def normalizing_layers(normalization: Normalization, channels: int) -> list[nn.Module]:
    """The layer that normalises maps of `channels`, with learned scale and shift; none for "spectral" and "none"."""
    return [_LAYERS[normalization](channels)] if normalization in _LAYERS else []


def normalized_convolution(
    normalization: Normalization, channels_in: int, channels_out: int, kernel: int, *, stride: int, padding: int
) -> list[nn.Module]:
    """A convolution and the layer that normalises it. The bias is the layer's shift, where there is a layer."""
    layers = normalizing_layers(normalization, channels_out)
    first = convolution(
        normalization, channels_in, channels_out, kernel, stride=stride, padding=padding, bias=not layers
    )
    return [first, *layers]


def draw_small_normal(network: nn.Module) -> None:
    """Weights from N(0, 0.02), scales of normalising layers from N(1, 0.02), biases 0 (Radford et al. 2016)."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm | nn.InstanceNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
