"""Minibatch standard deviation, by hand."""

import numpy as np
import pytest
import torch

from shanshui.networks.minibatch import with_minibatch_deviation


def test_it_is_the_mean_deviation_of_every_second_image() -> None:
    x = torch.randn(4, 3, 2, 5)
    numbers = x.numpy()
    for image, partner in ((0, 2), (1, 3)):
        expected = np.std(numbers[[image, partner]], axis=0).mean()
        channel = with_minibatch_deviation(x, 2)[image, 3]
        assert channel.numpy() == pytest.approx(np.full((2, 5), expected), abs=1e-3)
    assert torch.equal(with_minibatch_deviation(x, 2)[:, :3], x)


def test_equal_images_have_none() -> None:
    assert with_minibatch_deviation(torch.randn(1, 3, 2, 2).expand(4, -1, -1, -1))[:, 3].abs().max() < 1e-3


@pytest.mark.parametrize(("count", "size"), [(8, 4), (6, 3), (2, 2), (7, 1), (1, 1)])
def test_groups_fit_the_batch(count: int, size: int) -> None:
    x = torch.randn(count, 2, 3, 3)
    channel = with_minibatch_deviation(x, 4)[:, 2, 0, 0]
    groups = count // size
    assert channel.unique().numel() == groups if size > 1 else channel.abs().max() < 1e-3
    assert torch.equal(channel, channel[:groups].repeat(size))


def test_half_precision_keeps_its_type_and_small_deviations() -> None:
    x = (100 + torch.randn(4, 2, 3, 3)).to(torch.bfloat16)
    told = with_minibatch_deviation(x)
    assert told.dtype == torch.bfloat16
    assert told[0, 2, 0, 0].item() == pytest.approx(x.double().std(0, correction=0).mean().item(), rel=0.01)
