"""Pixels and tensors: exact there and back, one rounding, nothing non-finite."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from shanshui.errors import ImageError, NonFiniteError
from shanshui.images.pixels import peak, quantize, to_eight_bits, to_pixels, to_tensor


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_value_survives_the_way_there_and_back(dtype: type[np.uint8] | type[np.uint16]) -> None:
    every: NDArray[Any] = np.arange(np.iinfo(dtype).max + 1).astype(dtype).reshape(1, 16, -1, 1)
    tensor = to_tensor(every)
    assert tensor.dtype == torch.float32
    assert tensor.min() == -1
    assert tensor.max() == 1
    np.testing.assert_array_equal(to_pixels(tensor, dtype=dtype), every)


@given(hnp.arrays(np.uint8, st.tuples(*[st.integers(1, 4)] * 3)))
def test_rows_columns_and_channels_land_where_networks_expect_them(pixels: NDArray[np.uint8]) -> None:
    tensor = to_tensor(pixels)
    height, width, channels = pixels.shape
    assert tensor.shape == (1, channels, height, width)
    assert tensor[0, -1, 0, -1].item() == pytest.approx(pixels[0, -1, -1] / 127.5 - 1, abs=1e-6)


def test_a_mirrored_view_becomes_a_tensor_of_its_own() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    tensor = to_tensor(pixels[:, ::-1])
    tensor.zero_()
    assert pixels.max() == 11


def test_values_beyond_the_range_are_clamped_and_others_rounded_to_the_nearest() -> None:
    tensor = torch.tensor([-3.0, -1.0, 0.49 / 127.5 - 1, 0.51 / 127.5 - 1, 1.0, 9.0]).reshape(1, 1, 1, 6)
    assert to_pixels(tensor).ravel().tolist() == [0, 0, 0, 1, 255, 255]


def test_half_precision_and_gradients_do_not_matter() -> None:
    tensor = torch.zeros(1, 3, 2, 2, dtype=torch.bfloat16, requires_grad=True)
    assert to_pixels(tensor).tolist() == np.full((1, 2, 2, 3), 128).tolist()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_non_finite_image_is_refused(value: float) -> None:
    tensor = torch.zeros(1, 3, 2, 2)
    tensor[0, 1, 1, 1] = value
    with pytest.raises(NonFiniteError):
        to_pixels(tensor)


def test_other_types_and_shapes_are_refused_in_one_sentence() -> None:
    floats: NDArray[Any] = np.zeros((2, 2, 3), dtype=np.float32)
    with pytest.raises(ImageError, match="float32"):
        to_tensor(floats)
    with pytest.raises(ImageError, match="HWC"):
        to_tensor(np.zeros((2, 2), dtype=np.uint8))
    with pytest.raises(ImageError, match="NCHW"):
        to_pixels(torch.zeros(3, 2, 2))


def test_sixteen_bits_become_eight_without_shifting_white_or_black() -> None:
    deep = np.array([0, 128, 129, 257, 65535 - 129, 65535], dtype=np.uint16)
    assert to_eight_bits(deep).tolist() == [0, 0, 1, 1, 254, 255]
    exact = np.arange(256, dtype=np.uint16) * 257
    np.testing.assert_array_equal(to_eight_bits(exact), np.arange(256))
    assert peak(deep) == 65535


def test_quantize_rounds_half_to_even() -> None:
    assert quantize(np.array([0.5, 1.5, 2.5, -0.4, 255.4]), np.dtype(np.uint8)).tolist() == [0, 2, 2, 0, 255]
