"""The moving average: its half-life is one, in images."""

import pytest
import torch
from torch import nn

from shanshui.networks.averaging import half_life_decay, ramped_half_life, update_average


def test_after_one_half_life_half_of_the_old_average_is_left_whatever_the_batch_size() -> None:
    for batch_size in (1, 10, 100):
        assert half_life_decay(batch_size, 1000) ** (1000 / batch_size) == pytest.approx(0.5)


def test_an_average_without_a_past_is_the_network() -> None:
    torch.manual_seed(0)
    average, network = nn.BatchNorm2d(2), nn.BatchNorm2d(2)
    network(torch.randn(4, 2, 3, 3))
    update_average(average, network, half_life_decay(16, ramped_half_life(5000, images_seen=0)))
    for mean, value in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        assert torch.equal(mean, value)


def test_statistics_are_averaged_like_weights_and_counters_are_copied() -> None:
    average, network = nn.BatchNorm2d(1), nn.BatchNorm2d(1)
    network.running_mean = torch.tensor([4.0])
    network.num_batches_tracked = torch.tensor(9)
    update_average(average, network, 0.75)
    assert average.running_mean is not None and average.running_mean.item() == 1.0
    assert average.num_batches_tracked is not None and average.num_batches_tracked.item() == 9


def test_early_weights_are_soon_forgotten() -> None:
    assert ramped_half_life(5000, 1000) == 50
    assert ramped_half_life(5000, 10**9) == 5000
