"""A stylizer with settled statistics: the same picture from what it has seen, and nothing that changes from afar."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import pixel_unshuffle

from shanshui.networks.stylizers.feedforward import FeedForwardConfig, FeedForwardStylizer
from shanshui.networks.stylizers.settled import ObservedNorm, observed, settled
from shanshui.networks.stylizers.strips import paint_in_strips

WEIGHTS = torch.tensor([[0.3, 0.7]])


@pytest.fixture(scope="module")
def network() -> FeedForwardStylizer:
    torch.manual_seed(0)
    built = FeedForwardStylizer(
        FeedForwardConfig(styles=("calm", "wild"), width=8, blocks=1, deep_width=12, deep_blocks=1)
    )
    with torch.no_grad():
        for name, parameter in built.named_parameters():
            if name.endswith(("gamma", "beta")):
                parameter.add_(0.1 * torch.randn_like(parameter))
    return built.eval().requires_grad_(False)


def picture(seed: int, height: int = 64, width: int = 160) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_it_paints_what_it_has_seen_as_before(network: FeedForwardStylizer) -> None:
    watching = observed(network)
    torch.testing.assert_close(watching(picture(0), WEIGHTS), network(picture(0), WEIGHTS))
    torch.testing.assert_close(settled(watching)(picture(0), WEIGHTS), network(picture(0), WEIGHTS), atol=1e-4, rtol=0)


def test_a_change_stays_where_it_is(network: FeedForwardStylizer) -> None:
    before, after = picture(0), picture(0)
    after[:, :, :, :16] = 1.0  # something white comes into the picture at the left
    watching = observed(network)
    watching(before, WEIGHTS)
    calm = settled(watching)
    far = slice(112, None)
    torch.testing.assert_close(calm(after, WEIGHTS)[..., far], calm(before, WEIGHTS)[..., far], atol=1e-5, rtol=0)
    breathing = (network(after, WEIGHTS) - network(before, WEIGHTS))[..., far]
    assert breathing.abs().max() > 0.01


def test_the_statistics_are_those_of_all_pictures_together(network: FeedForwardStylizer) -> None:
    watching = observed(network)
    for seed in (0, 1):
        watching(picture(seed), WEIGHTS)
    assert isinstance(watching.stem.norm, ObservedNorm)
    mean, variance = watching.stem.norm.seen()
    both = torch.cat([network.stem.convolution(pixel_unshuffle(picture(seed), 4)) for seed in (0, 1)])
    torch.testing.assert_close(mean.float(), both.mean((0, 2, 3)), atol=1e-5, rtol=0)
    torch.testing.assert_close(variance.float(), both.var((0, 2, 3), correction=0), atol=1e-5, rtol=0)


def test_strips_use_and_give_the_same_statistics(network: FeedForwardStylizer) -> None:
    def by_strips(of: FeedForwardStylizer, photo: Tensor) -> Tensor:
        height, width = photo.shape[2:]
        parts = paint_in_strips(of, lambda a, b: photo[:, :, a:b], height, width, WEIGHTS, room=1 << 30)
        return torch.cat(list(parts), dim=2)

    whole, strips = observed(network), observed(network)
    whole(picture(0), WEIGHTS)
    by_strips(strips, picture(0))
    calm = settled(whole)
    expected = calm(picture(1), WEIGHTS)
    torch.testing.assert_close(by_strips(calm, picture(1)), expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(settled(strips)(picture(1), WEIGHTS), expected, atol=1e-4, rtol=0)


def test_what_has_seen_nothing_cannot_settle(network: FeedForwardStylizer) -> None:
    with pytest.raises(ValueError, match="no picture"):
        settled(observed(network))
