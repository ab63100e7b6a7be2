"""Batch normalisation over the images of all processes that learn together (Ioffe and Szegedy 2015)."""

import torch
from torch import Tensor, nn

from shanshui.together import gathered, whole


class BatchNorm2d(nn.BatchNorm2d):
    """PyTorch's own where one process learns alone, and in evaluation; its state is the same.

    `nn.SyncBatchNorm` does not run on processors, and cannot be differentiated twice.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        if not self.training or whole(1) == 1:
            return super().forward(input)
        x = input.float()
        here = x.mean((0, 2, 3))
        spread = (x - here[:, None, None]).square().mean((0, 2, 3))
        means, spreads = gathered(torch.stack([here, spread])[None], block=1).unbind(1)
        mean = means.mean(0)
        variance = (spreads + (means - mean).square()).mean(0)
        self._remember(mean.detach(), variance.detach(), whole(x.numel() // x.shape[1]))
        scale = self.weight * (variance + self.eps).rsqrt()
        shift = self.bias - mean * scale
        return torch.addcmul(shift[:, None, None], x, scale[:, None, None]).to(input.dtype)

    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        assert self.running_mean is not None and self.running_var is not None and self.momentum is not None
        assert self.num_batches_tracked is not None
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / max(count - 1, 1)), self.momentum)
