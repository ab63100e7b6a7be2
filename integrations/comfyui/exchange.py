"""ComfyUI's types and ours: IMAGE is (B, H, W, C) float32 from 0 to 1, MASK is (B, H, W) or (H, W)."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shanshui.images.pixels import Pixels, peak, quantize

try:
    from comfy import model_management
    from comfy.utils import ProgressBar
except ImportError:  # nodes can be used, and tested, where ComfyUI is not
    model_management = ProgressBar = None


def pixels_of(image: Tensor) -> NDArray[np.uint16]:
    """(H, W, C) as RGB pixels of 16 bits; a fourth channel is left out."""
    values = image[..., :3].detach().cpu().float().numpy()
    return quantize(values * np.float32(65535), np.dtype(np.uint16))


def image_of(pictures: Iterable[Pixels]) -> Tensor:
    """HWC pixels of one size as an IMAGE."""
    return torch.stack([torch.from_numpy(pixels.astype(np.float32) / np.float32(peak(pixels))) for pixels in pictures])


def mask_for(masks: Tensor | None, index: int) -> NDArray[np.float32] | None:
    """The mask of image `index`: those of a batch are dealt out in turn."""
    if masks is None:
        return None
    batch = masks.detach().cpu().float().clamp(0, 1)
    batch = batch.reshape(-1, *batch.shape[-2:])
    each: NDArray[np.float32] = batch[index % len(batch)].numpy()
    return each


def device() -> torch.device:
    """The one that ComfyUI computes on."""
    return torch.device("cpu") if model_management is None else model_management.get_torch_device()


def one_by_one(items: Iterable[Any], count: int, make: Callable[[int, Any], Pixels]) -> Tensor:
    """What `make` makes of each of `count` items, as an IMAGE; ComfyUI is told of each, and may interrupt between."""
    bar = None if ProgressBar is None else ProgressBar(count)
    made = []
    for index, item in enumerate(items):
        if model_management is not None:
            model_management.throw_exception_if_processing_interrupted()
        made.append(make(index, item))
        if bar is not None:
            bar.update(1)
    return image_of(made)
