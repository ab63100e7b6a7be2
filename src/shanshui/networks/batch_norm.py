"""Batch normalisation over the images of all processes that learn together (Ioffe and Szegedy 2015)."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from shanshui.together import common_mean, gathered, share, sharing, whole


class BatchNorm2d(nn.BatchNorm2d):
    """PyTorch's own where one process learns alone, and in evaluation; its state is the same.

    `nn.SyncBatchNorm` does not run on processors. No penalty on slopes takes a network with batch norm, so that it
    need not be differentiated twice.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        if not self.training or whole(1) == 1:
            return super().forward(input)
        normalised, mean, variance = _Normalised.apply(input, self.weight, self.bias, self.eps)  # type: ignore[no-untyped-call]
        self._remember(mean, variance, whole(input.numel() // input.shape[1]))
        return normalised  # type: ignore[no-any-return]

    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        assert self.running_mean is not None and self.running_var is not None and self.momentum is not None
        assert self.num_batches_tracked is not None
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / max(count - 1, 1)), self.momentum)


class _Normalised(torch.autograd.Function):
    """The normalised map, and the statistics, in as few passes over the map as PyTorch's own."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
        """(N, C, H, W) -> the same, and the mean and variance (C,) of all processes."""
        here = torch.stack(torch.batch_norm_update_stats(x.float(), None, None, 0.0))
        means, variances = gathered(here[None], block=1).unbind(1)
        mean = means.mean(0)
        variance = (variances + (means - mean).square()).mean(0)
        ctx.save_for_backward(x, weight, mean, variance)
        ctx.mark_non_differentiable(mean, variance)
        ctx.epsilon, ctx.share = epsilon, share()
        return functional.batch_norm(x, mean, variance, weight, bias, eps=epsilon), mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        """Those of x, weight and bias."""
        x, weight, mean, variance = ctx.saved_tensors
        of_x, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(
            slopes[0], x, weight, mean, variance, None, None, False, ctx.epsilon, [True, True, True]
        )
        # So far as if the statistics were given. They move with x: its slopes have no mean, and no share of x itself.
        with sharing(ctx.share):
            common = common_mean(torch.stack([of_weight, of_bias])) * (x.shape[1] / x.numel())
        steepness = (variance + ctx.epsilon).rsqrt()
        share_of_x = -weight * steepness.square() * common[0]
        rest = -weight * steepness * common[1] - share_of_x * mean
        of_x.addcmul_(x, share_of_x.to(x.dtype)[:, None, None]).add_(rest.to(x.dtype)[:, None, None])
        return of_x, of_weight, of_bias, None
