"""Batches: the same whatever the number of workers, errors where they can be seen, an end that comes."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from shanshui.errors import ConfigError, DataError
from shanshui.images.pixels import to_tensor
from shanshui.scenes.batches import batches
from shanshui.scenes.dataset import SceneDataset
from shanshui.scenes.sources import open_source

Folder = Callable[[Mapping[str, bytes]], Path]
Photo = Callable[..., bytes]


@pytest.fixture
def dataset(folder: Folder, photo: Photo) -> SceneDataset:
    return SceneDataset(open_source(folder({f"{index}.png": photo(index * 9) for index in range(7)})), 16, 20)


@pytest.mark.parametrize("workers", [1, 3, 8])
def test_batch_k_holds_the_items_from_its_position_on(dataset: SceneDataset, workers: int) -> None:
    with batches(dataset, batch_size=3, seed=5, start=11, workers=workers) as stream:
        for k in range(6):
            expected = np.stack([dataset.item(5, 11 + 3 * k + offset) for offset in range(3)])
            batch = next(stream)
            assert batch.shape == (3, 3, 16, 20)
            assert batch.dtype == torch.float32
            torch.testing.assert_close(batch, to_tensor(expected), rtol=0, atol=0)


def test_a_resumed_stream_goes_on_where_the_other_stopped(dataset: SceneDataset) -> None:
    with batches(dataset, batch_size=4, seed=1) as whole:
        long = [next(whole) for _ in range(5)]
    with batches(dataset, batch_size=4, seed=1, start=12) as resumed:
        assert torch.equal(next(resumed), long[3])
        assert torch.equal(next(resumed), long[4])


class Gated(SceneDataset):
    """Counts its items, and holds each back until there is a permit for it."""

    def __init__(self, dataset: SceneDataset) -> None:
        super().__init__(dataset.source, 16, 16)
        self.permits = threading.Semaphore(0)
        self.asked: list[int] = []

    def item(self, seed: int, position: int) -> NDArray[np.uint8]:
        self.asked.append(position)
        assert self.permits.acquire(timeout=60)
        return super().item(seed, position)


def test_decoding_runs_ahead_but_only_a_little(dataset: SceneDataset) -> None:
    gated = Gated(dataset)
    gated.permits.release(100)
    with batches(gated, batch_size=2, seed=0, workers=2) as stream:
        next(stream)
    assert 2 <= len(gated.asked) <= 6


def test_closing_forgets_what_nobody_started_and_ends_every_thread(dataset: SceneDataset) -> None:
    gated = Gated(dataset)
    stream = batches(gated, batch_size=4, seed=0, workers=1)
    gated.permits.release(4)
    next(stream)
    while len(gated.asked) < 5:  # the only worker is now held in the second batch
        time.sleep(0.001)
    waiting = [future for batch in stream._pending for future in batch if not future.running()]
    closing = threading.Thread(target=stream.close)
    closing.start()
    while not all(future.cancelled() for future in waiting):
        time.sleep(0.001)
    gated.permits.release()
    closing.join()
    stream.close()
    assert len(waiting) == 7 and len(gated.asked) == 5
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("shanshui-decode")]
    assert list(stream) == []


def test_an_error_in_a_worker_reaches_the_learner(folder: Folder) -> None:
    broken = SceneDataset(open_source(folder({"a.jpg": b"text"})), 16, 16)
    with batches(broken, batch_size=2, seed=0, workers=2) as stream, pytest.raises(DataError, match="no usable image"):
        next(stream)


def test_an_interrupted_loop_leaves_no_thread(dataset: SceneDataset) -> None:
    with pytest.raises(KeyboardInterrupt), batches(dataset, batch_size=2, seed=0) as stream:
        next(stream)
        raise KeyboardInterrupt
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("shanshui-decode")]


def test_waiting_is_added_up(dataset: SceneDataset) -> None:
    with batches(dataset, batch_size=2, seed=0) as stream:
        before = stream.waited
        next(stream)
        first = stream.waited
        next(stream)
        assert before == 0 < first < stream.waited


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"workers": 0}, {"start": -1}, {"seed": -1}])
def test_impossible_numbers_are_refused(dataset: SceneDataset, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        batches(dataset, **({"batch_size": 1, "seed": 0} | wrong))
