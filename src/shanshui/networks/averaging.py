"""The exponential moving average of a network's weights, which is the network that ships.

The decay is given as a half-life in images (Karras et al. 2020, ADA), so it does not change with the batch size.
"""

import torch
from torch import nn


def half_life_decay(batch_size: int, half_life: float) -> float:
    """Factor that the old average keeps after `batch_size` images: 0.5^(batch_size / half_life); 0 without a past."""
    return float(0.5 ** (batch_size / half_life)) if half_life > 0 else 0.0


def ramped_half_life(half_life: float, images_seen: int, ramp: float = 0.05) -> float:
    """`half_life` images, but never more than `ramp` of those seen: early weights are soon forgotten."""
    return min(half_life, ramp * images_seen)


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """average <- decay * average + (1 - decay) * network, for parameters and for floating-point buffers alike.

    Batch-norm statistics are averaged too: taken from the last batches alone they fit no averaged weight.
    """
    for mean, value in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value.to(mean.device, mean.dtype), 1 - decay)
        else:
            mean.copy_(value)
