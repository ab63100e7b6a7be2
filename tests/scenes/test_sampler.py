"""The order of training: a shuffle each epoch, the same for ever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanshui.errors import DataError
from shanshui.scenes.sampler import index_at


@given(seed=st.integers(0, 2**63), epoch=st.integers(0, 10**6), length=st.integers(1, 50))
def test_every_epoch_shows_every_image_once(seed: int, epoch: int, length: int) -> None:
    shown = [index_at(seed, epoch * length + offset, length) for offset in range(length)]
    assert sorted(shown) == list(range(length))


def test_epochs_and_seeds_differ() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        return [index_at(seed, epoch * 40 + offset, 40) for offset in range(40)]

    orders = [order(seed, epoch) for seed in range(3) for epoch in range(6)]
    assert len({tuple(one) for one in orders}) == 18
    assert order(0, 0) == orders[0]


def test_nothing_cannot_be_sampled() -> None:
    with pytest.raises(DataError, match="without images"):
        index_at(0, 0, 0)
