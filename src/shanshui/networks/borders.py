"""What lies beyond the border of a picture whose sides a network cannot halve often enough."""

from torch import Tensor
from torch.nn import functional


def extended(images: Tensor, stride: int) -> Tensor:
    """(N, C, H, W) with its right and lower border repeated up to multiples of `stride`; the caller crops them off."""
    bottom, right = (-side % stride for side in images.shape[2:])
    return functional.pad(images, (0, right, 0, bottom), mode="replicate")
