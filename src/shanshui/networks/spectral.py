"""Convolutions whose weight has spectral norm one (Miyato et al. 2018, https://arxiv.org/abs/1802.05957).

The state is one vector per layer, the current estimate of the first left singular vector. It may have any length,
so an averaged network may average it like every other buffer.
"""

from copy import deepcopy
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

AnyModule = TypeVar("AnyModule", bound=nn.Module)


class SpectralConv2d(nn.Conv2d):
    """`nn.Conv2d` with weight / sigma(weight); one power iteration per training step, none in evaluation."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, *, stride: int = 1, padding: int = 0, bias: bool = False
    ) -> None:
        super().__init__(channels_in, channels_out, kernel, stride, padding, bias=bias)
        self.direction: Tensor
        self.register_buffer("direction", torch.randn(channels_out))

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight / self._spectral_norm(self.weight.flatten(1))
        return F.conv2d(x, weight, self.bias, self.stride, self.padding)

    def _spectral_norm(self, matrix: Tensor) -> Tensor:
        with torch.no_grad():
            right = F.normalize(matrix.T @ self.direction, dim=0)
            left = F.normalize(matrix @ right, dim=0)
            if self.training:
                self.direction.copy_(left)
        return left @ (matrix @ right)

    def settle(self) -> None:
        """Find the norm of weights that came from elsewhere: the estimate would otherwise take some steps to it."""
        matrix = self.weight.detach().flatten(1)
        self.direction.copy_(torch.linalg.svd(matrix.float(), full_matrices=False).U[:, 0])

    def plain(self) -> nn.Conv2d:
        """The same convolution with its norm divided out once and for all."""
        convolution = nn.Conv2d(
            self.in_channels,
            self.out_channels,
            self.kernel_size,  # type: ignore[arg-type]
            self.stride,  # type: ignore[arg-type]
            self.padding,  # type: ignore[arg-type]
            bias=self.bias is not None,
        )
        with torch.no_grad():
            convolution.weight.copy_(self.weight / self._spectral_norm(self.weight.flatten(1)))
            if self.bias is not None and convolution.bias is not None:
                convolution.bias.copy_(self.bias)
        return convolution


def without_spectral_norm(network: AnyModule) -> AnyModule:
    """A copy of `network` in evaluation mode in which every spectral convolution is a plain one: for inference."""
    copy = deepcopy(network).eval()
    for parent in list(copy.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, SpectralConv2d):
                setattr(parent, name, child.plain())
    return copy
