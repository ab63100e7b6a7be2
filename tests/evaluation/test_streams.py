"""Batches side by side: in order, a few ahead, and PyTorch's threads as they were."""

import threading
import time
from collections.abc import Iterator

import pytest
import torch

from shanshui.evaluation import streams
from shanshui.evaluation.streams import in_streams

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def four_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def test_results_come_in_order_from_several_threads() -> None:
    together = threading.Barrier(4, timeout=10)

    def work(number: int) -> int:
        together.wait()  # breaks unless four are worked on at once
        time.sleep(0.01 * (number % 3))
        return number * number

    assert list(in_streams(work, range(12), device=CPU)) == [number * number for number in range(12)]


def test_each_stream_has_its_share_of_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MOST_STREAMS", 2)
    assert set(in_streams(lambda _: torch.get_num_threads(), range(8), device=CPU)) == {2}
    assert torch.get_num_threads() == 4


def test_items_are_made_a_few_ahead() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(50):
            made.append(number)
            yield number

    for result in in_streams(lambda number: number, items(), device=CPU):
        assert len(made) <= result + 6


def test_a_failure_is_raised_and_leaves_nothing_behind() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise ValueError("third")
        return number

    with pytest.raises(ValueError, match="third"):
        list(in_streams(work, range(100), device=CPU))
    assert torch.get_num_threads() == 4
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("shanshui-stream")]
