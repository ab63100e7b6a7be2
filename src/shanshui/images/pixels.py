"""The one conversion between pixels (unsigned integers, HWC) and tensors (float32 NCHW in [-1, 1]).

Every rounding of the project happens in `quantize`: half to even, after clamping to the range of the type.
"""

from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray

from shanshui.errors import ImageError, NonFiniteError

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]


def to_tensor(pixels: Pixels) -> torch.Tensor:
    """Pixels as networks see them: 0 becomes -1, the largest value of the type becomes 1.

    Args:
        pixels: uint8 or uint16, HWC or NHWC, any number of channels.

    Returns:
        float32 NCHW in [-1, 1], contiguous, in memory of its own; an HWC image becomes a batch of one.
        `to_pixels` gives back exactly the same integers.

    Raises:
        ImageError: another type or number of dimensions.
    """
    half = _require_integer(pixels.dtype) / 2
    if pixels.ndim not in (3, 4):
        raise ImageError(f"Pixels have the shape {pixels.shape}: give one HWC image or an NHWC stack of them.")
    stack = pixels if pixels.ndim == 4 else pixels[np.newaxis]
    values = np.ascontiguousarray(stack.transpose(0, 3, 1, 2)).astype(np.float32)
    values /= np.float32(half)
    values -= np.float32(1)
    return torch.from_numpy(values)


def to_pixels(tensor: torch.Tensor, *, dtype: DTypeLike = np.uint8) -> NDArray[Any]:
    """The images of a network as pixels; values outside [-1, 1] are clamped.

    Args:
        tensor: NCHW, any floating type and device, with or without gradient.
        dtype: `np.uint8` or `np.uint16`.

    Returns:
        NHWC of `dtype`.

    Raises:
        NonFiniteError: a value is NaN or infinite.
        ImageError: the tensor is not NCHW, or `dtype` is another type.
    """
    half = _require_integer(np.dtype(dtype)) / 2
    if tensor.ndim != 4:
        raise ImageError(f"A tensor of images has the shape {tuple(tensor.shape)}: NCHW was expected.")
    values = tensor.detach().to(device="cpu", dtype=torch.float32)
    if not bool(torch.isfinite(values).all()):
        raise NonFiniteError("An image contains NaN or infinite values, so it cannot become pixels.")
    return quantize((values.permute(0, 2, 3, 1).numpy() + 1) * np.float32(half), dtype)


def quantize(values: NDArray[np.floating[Any]], dtype: DTypeLike) -> NDArray[Any]:
    """Floating-point values in the units of `dtype` as integers: clamped, then rounded half to even.

    Args:
        values: any shape; 0 is black and 255 (uint8) or 65535 (uint16) is white.
        dtype: `np.uint8` or `np.uint16`.
    """
    clamped = np.clip(values, 0, _require_integer(np.dtype(dtype)))
    return np.rint(clamped, out=clamped).astype(dtype)


def peak(pixels: Pixels) -> int:
    """White in the units of these pixels: 255 or 65535.

    Raises:
        ImageError: the pixels are neither uint8 nor uint16.
    """
    return _require_integer(pixels.dtype)


def _require_integer(dtype: np.dtype[Any]) -> int:
    if dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        raise ImageError(f"Pixels are {dtype}: give 8-bit (uint8) or 16-bit (uint16) integers.")
    return int(np.iinfo(dtype).max)
