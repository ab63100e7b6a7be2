"""Batch normalisation over the images of all processes that learn together (Ioffe and Szegedy 2015)."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from shanshui.together import common_mean, gathered, share, sharing, whole


class BatchNorm2d(nn.BatchNorm2d):
    """PyTorch's own where one process learns alone, and in evaluation; its state is the same.

    `nn.SyncBatchNorm` does not run on processors, and cannot be differentiated twice.
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
    """What `_normalised` says, and the statistics: in a quarter of its passes over the map."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
        """(N, C, H, W) -> the same, and the mean and variance (C,) of all processes."""
        mean, variance = _of_all(*torch.batch_norm_update_stats(x, None, None, 0.0))
        ctx.save_for_backward(x, weight, bias, mean, variance)
        ctx.mark_non_differentiable(mean, variance)
        ctx.epsilon, ctx.share = epsilon, share()
        return functional.batch_norm(x, mean, variance, weight, bias, eps=epsilon), mean, variance

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        """Those of x, weight and bias."""
        with sharing(ctx.share):
            x, weight, bias, mean, variance = ctx.saved_tensors
            if torch.is_grad_enabled():  # they will be differentiated themselves
                made = _normalised(x, weight, bias, ctx.epsilon)
                return *torch.autograd.grad(made, (x, weight, bias), slopes[0], create_graph=True), None
            return *_slopes(slopes[0], x, weight, mean, variance, ctx.epsilon), None


def _slopes(
    slope: Tensor, x: Tensor, weight: Tensor, mean: Tensor, variance: Tensor, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Slopes of x, weight and bias where `slope` is that of the result."""
    of_x, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(
        slope, x, weight, mean, variance, None, None, False, epsilon, [True, True, True]
    )
    # So far as if the statistics were given. They move with x: its slopes have no mean, and no share of x itself.
    common = common_mean(torch.stack([of_weight, of_bias])) * (x.shape[1] / x.numel())
    steepness = (variance + epsilon).rsqrt()
    share_of_x = -weight * steepness.square() * common[0]
    rest = -weight * steepness * common[1] - share_of_x * mean
    of_x.addcmul_(x, share_of_x.to(x.dtype)[:, None, None]).add_(rest.to(x.dtype)[:, None, None])
    return of_x, of_weight, of_bias


def _normalised(x: Tensor, weight: Tensor, bias: Tensor, epsilon: float) -> Tensor:
    """Batch normalisation in operations that have derivatives of any order."""
    values = x.float()
    here = values.mean((0, 2, 3))
    mean, variance = _of_all(here, (values - here[:, None, None]).square().mean((0, 2, 3)))
    scale = weight * (variance + epsilon).rsqrt()
    return torch.addcmul((bias - mean * scale)[:, None, None], values, scale[:, None, None]).to(x.dtype)


def _of_all(mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance (C,) of the images of all processes from those of this one's."""
    means, variances = gathered(torch.stack([mean, variance])[None], block=1).unbind(1)
    common = means.mean(0)
    return common, (variances + (means - common).square()).mean(0)
