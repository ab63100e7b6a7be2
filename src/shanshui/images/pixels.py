"""The one conversion between pixels (unsigned integers, HWC) and tensors (float32 NCHW in [-1, 1]).

Every rounding of the project happens in `quantize`: half to even, after clamping to the range of the type.
"""

from typing import Any, TypeAlias, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from shanshui.errors import ImageError, NonFiniteError

Depth = TypeVar("Depth", bound=np.uint8 | np.uint16)
"""The integer type of one picture's pixels: what goes in as 8 or 16 bits comes out as such."""

Pixels: TypeAlias = NDArray[np.uint8 | np.uint16]


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
    half = peak(pixels) / 2
    if pixels.ndim not in (3, 4):
        raise ImageError(f"Pixels have the shape {pixels.shape}: give one HWC image or an NHWC stack of them.")
    stack = pixels if pixels.ndim == 4 else pixels[np.newaxis]
    values = stack.transpose(0, 3, 1, 2).astype(np.float32, order="C")
    values /= np.float32(half)
    values -= np.float32(1)
    return torch.from_numpy(values)


def to_pixels(tensor: torch.Tensor, *, dtype: type[Depth] = np.uint8) -> NDArray[Depth]:  # type: ignore[assignment]
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
    half = _white(np.dtype(dtype)) / 2
    if tensor.ndim != 4:
        raise ImageError(f"A tensor of images has the shape {tuple(tensor.shape)}: NCHW was expected.")
    values = tensor.detach().to(device="cpu", dtype=torch.float32)
    if not bool(torch.isfinite(values).all()):
        raise NonFiniteError("An image contains NaN or infinite values, so it cannot become pixels.")
    return quantize((values.permute(0, 2, 3, 1).numpy() + 1) * np.float32(half), np.dtype(dtype))


def quantize(values: NDArray[np.floating[Any]], dtype: np.dtype[Depth]) -> NDArray[Depth]:
    """Floating-point values in the units of `dtype` as integers: clamped, then rounded half to even.

    Args:
        values: any shape, finite; 0 is black and 255 (uint8) or 65535 (uint16) is white.
        dtype: uint8 or uint16.
    """
    clamped = np.clip(values, 0, _white(dtype))
    rounded: NDArray[Depth] = np.rint(clamped, out=clamped).astype(dtype)
    return rounded


def to_eight_bits(pixels: Pixels) -> NDArray[np.uint8]:
    """The same picture in 8 bits: 65535 / 257 = 255; 8-bit pixels pass unchanged.

    Raises:
        ImageError: the pixels are neither uint8 nor uint16.
    """
    if peak(pixels) == 255:
        return pixels.astype(np.uint8, copy=False)
    return quantize(pixels / np.float32(257), np.dtype(np.uint8))


def peak(pixels: Pixels) -> int:
    """White in the units of these pixels: 255 or 65535.

    Raises:
        ImageError: the pixels are neither uint8 nor uint16.
    """
    return _white(pixels.dtype)


def _white(dtype: np.dtype[Any]) -> int:
    if dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        raise ImageError(f"Pixels are {dtype}: give 8-bit (uint8) or 16-bit (uint16) integers.")
    return int(np.iinfo(dtype).max)
