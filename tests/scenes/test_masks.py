"""Holes to learn on: how much they take, and that they depend on nothing but their position."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanshui.scenes.masks import LEAST, MOST, mask_at


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**40), st.integers(0, 2**40), st.integers(16, 96), st.integers(16, 96))
def test_a_tenth_to_a_half_is_missing(seed: int, position: int, height: int, width: int) -> None:
    mask = mask_at(seed, position, height, width)
    assert mask.shape == (height, width) and mask.dtype == np.float32
    assert set(np.unique(mask)) == {0.0, 1.0}
    assert LEAST <= mask.mean() <= MOST


def test_a_mask_is_a_function_of_seed_and_position() -> None:
    np.testing.assert_array_equal(mask_at(1, 7, 32, 48), mask_at(1, 7, 32, 48))
    assert (mask_at(1, 7, 32, 48) != mask_at(1, 8, 32, 48)).any()
    assert (mask_at(1, 7, 32, 48) != mask_at(2, 7, 32, 48)).any()


def test_all_shares_are_there_and_every_place_is_missed_and_seen() -> None:
    masks = np.stack([mask_at(0, position, 32, 32) for position in range(400)])
    shares = masks.mean((1, 2))
    for low in (0.1, 0.2, 0.3, 0.4):
        assert ((shares >= low) & (shares <= low + 0.1)).mean() > 0.1
    often = masks.mean(0)
    assert often.min() > 0.1 and often.max() < 0.7


def test_some_lie_at_the_border_and_some_inside() -> None:
    masks = [mask_at(0, position, 32, 32) for position in range(200)]
    whole_sides = [any(side.all() for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1])) for mask in masks]
    assert np.mean(whole_sides) == pytest.approx(1 / 3, abs=0.12)
