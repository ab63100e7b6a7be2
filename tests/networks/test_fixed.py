"""Fixed statistics: those of the photo itself change nothing, and strips do not show."""

import pytest
import torch
from torch import Tensor

from shanshui.networks.stylizers.feedforward import FeedForwardConfig, FeedForwardStylizer
from shanshui.networks.stylizers.fixed import paint_with_fixed_statistics, reach
from shanshui.networks.stylizers.settled import observed, settled

WEIGHTS = torch.tensor([[0.3, 0.7]])


@pytest.fixture(scope="module")
def network() -> FeedForwardStylizer:
    torch.manual_seed(0)
    built = FeedForwardStylizer(FeedForwardConfig(styles=("a", "b"), width=8, blocks=3, deep_width=12, deep_blocks=3))
    with torch.no_grad():
        for name, parameter in built.named_parameters():
            if name.endswith(("gamma", "beta")):
                parameter.add_(0.2 * torch.randn_like(parameter))
    return built.eval().requires_grad_(False)


def photo_of(height: int, width: int) -> Tensor:
    torch.manual_seed(height)
    return (torch.linspace(-0.7, 0.7, height).view(1, 1, height, 1) + 0.3 * torch.randn(1, 3, height, width)).clamp(
        -1, 1
    )


def with_statistics_of(network: FeedForwardStylizer, photo: Tensor) -> FeedForwardStylizer:
    watching = observed(network)
    watching(photo, WEIGHTS)
    return settled(watching)


@torch.inference_mode()
def test_the_photos_own_statistics_give_its_own_painting(network: FeedForwardStylizer) -> None:
    photo = photo_of(96, 72)
    fixed = with_statistics_of(network, photo)
    torch.testing.assert_close(fixed(photo, WEIGHTS), network(photo, WEIGHTS), atol=2e-5, rtol=0)


@torch.inference_mode()
def test_a_copy_does_not_adapt_and_the_original_still_does(network: FeedForwardStylizer) -> None:
    photo = photo_of(64, 64)
    before = network(photo, WEIGHTS)
    fixed = with_statistics_of(network, photo_of(80, 64))
    assert (fixed(0.3 * photo, WEIGHTS) - fixed(photo, WEIGHTS)).abs().mean() > 0.05
    assert (network(0.3 * photo, WEIGHTS) - before).abs().mean() < 0.02
    assert torch.equal(network(photo, WEIGHTS), before)


@torch.inference_mode()
@pytest.mark.parametrize(("height", "width"), [(500, 40), (653, 30), (64, 50), (200, 701)])
def test_strips_with_fixed_statistics_are_seamless(network: FeedForwardStylizer, height: int, width: int) -> None:
    photo = photo_of(height, width)
    fixed = with_statistics_of(network, photo_of(64, 64))
    parts = list(paint_with_fixed_statistics(fixed, lambda a, b: photo[:, :, a:b], height, width, WEIGHTS, room=0))
    beyond = reach(network.config)
    assert len(parts) == (1 if height <= 4 * beyond else -(-height // (2 * beyond)))
    torch.testing.assert_close(torch.cat(parts, 2), fixed(photo, WEIGHTS), atol=2e-5, rtol=0)
