"""How much the images of a batch differ, told to a discriminator (Karras et al. 2018, section 3)."""

import torch
from torch import Tensor

from shanshui.together import gathered, own

_EPSILON = 1e-8


def with_minibatch_deviation(x: Tensor, group: int = 4) -> Tensor:
    """Maps with one channel more: the mean standard deviation of their group.

    The standard deviation over the images of a group is taken for every number of the map, averaged over all of
    them and written into every position. Image n stands in a group with n + M, n + 2 M ..., M the number of groups.

    Processes that learn together look at their images together.

    Args:
        x: (N, C, H, W).
        group: images in a group; where N is no multiple of it, the largest smaller number that divides N.

    Returns:
        (N, C + 1, H, W).
    """
    images = gathered(x)
    count, _, height, width = images.shape
    size = next(size for size in range(min(group, count), 0, -1) if count % size == 0)
    groups = images.to(torch.promote_types(x.dtype, torch.float32)).unflatten(0, (size, count // size))
    deviation = (groups.var(dim=0, correction=0) + _EPSILON).sqrt().mean(dim=(1, 2, 3))
    channel = deviation.repeat(size)[:, None, None, None].expand(count, 1, height, width)
    return torch.cat([x, own(channel).to(x.dtype)], dim=1)
