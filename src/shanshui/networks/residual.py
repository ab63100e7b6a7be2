"""Residual blocks (He et al. 2016, https://arxiv.org/abs/1603.05027) of the adversarial networks."""

import math

from torch import Tensor, nn

from shanshui.networks.resampling import EnlargingConvolution


class Residual(nn.Module):
    """x -> branch(x) + skip(x); both must make maps of the same shape, and neither may write into x."""

    def __init__(self, branch: nn.Module, skip: nn.Module) -> None:
        super().__init__()
        self.branch = branch
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = self.branch(x) + self.skip(x)
        return total


def draw_glorot(network: nn.Module) -> None:
    """Weights after Glorot and Bengio (2010), sqrt 2 larger inside branches; biases 0 (as Miyato et al. 2018 do)."""
    blocks = [module for module in network.modules() if isinstance(module, Residual)]
    in_branches = {module for block in blocks for module in block.branch.modules()}
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | EnlargingConvolution):
            nn.init.xavier_uniform_(module.weight, math.sqrt(2) if module in in_branches else 1.0)
            if isinstance(module, nn.Linear | nn.Conv2d) and module.bias is not None:
                nn.init.zeros_(module.bias)
