"""Stylising by strips equals stylising at once, whatever the size, and keeps its maps within the room it is given."""

from unittest.mock import patch

import pytest
import torch
from torch import Tensor

from shanshui.networks.stylizers import strips
from shanshui.networks.stylizers.arbitrary import ArbitraryConfig, ArbitraryStylizer, Matching, PlainBlock
from shanshui.networks.stylizers.feedforward import FeedForwardConfig, FeedForwardStylizer
from shanshui.networks.stylizers.maps import Map, Room
from shanshui.networks.stylizers.strips import paint_in_strips

PLENTY = 1 << 30


@pytest.fixture(scope="module")
def network() -> FeedForwardStylizer:
    torch.manual_seed(0)
    built = FeedForwardStylizer(
        FeedForwardConfig(styles=("calm", "wild"), width=8, blocks=2, deep_width=12, deep_blocks=2)
    )
    with torch.no_grad():
        for name, parameter in built.named_parameters():
            if name.endswith(("gamma", "beta")):
                parameter.add_(0.2 * torch.randn_like(parameter))
    return built.eval().requires_grad_(False)


def photo_of(height: int, width: int) -> Tensor:
    """Noise over a gradient, so that parts differ in their statistics."""
    torch.manual_seed(height * 1000 + width)
    slope = torch.linspace(-0.7, 0.7, height).view(1, 1, height, 1)
    return (slope + 0.3 * torch.randn(1, 3, height, width)).clamp(-1, 1)


def arbitrary(matching: Matching) -> ArbitraryStylizer:
    """A small network whose encoder's blocks do something, as they do after training."""
    torch.manual_seed(0)
    built = ArbitraryStylizer(
        ArbitraryConfig(
            width=8, blocks=2, deep_width=12, deep_blocks=2, encoder_width=8, encoder_deep_width=10, matching=matching
        )
    )
    for block in (built.encoder.fine, *built.encoder.deep):
        assert isinstance(block, PlainBlock)
        torch.nn.init.normal_(block.second.weight, std=0.1)
    return built.eval().requires_grad_(False)


def by_strips(network: FeedForwardStylizer | ArbitraryStylizer, photo: Tensor, weights: Tensor, room: int) -> Tensor:
    height, width = photo.shape[2:]
    parts = paint_in_strips(network, lambda a, b: photo[:, :, a:b], height, width, weights, room=room)
    return torch.cat(list(parts), dim=2)


@pytest.mark.parametrize("room", [PLENTY, 0], ids=["in memory", "in files"])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 100), (64, 64), (131, 45), (250, 72)])
def test_strips_equal_the_whole(network: FeedForwardStylizer, height: int, width: int, room: int) -> None:
    photo, weights = photo_of(height, width), torch.tensor([[0.3, 0.7]])
    with patch.object(strips, "_STRIP_BYTES", 1), torch.inference_mode():  # the smallest strips: four rows
        painted = by_strips(network, photo, weights, room)
        whole = network(photo, weights)
    assert painted.shape == photo.shape
    torch.testing.assert_close(painted, whole, atol=2e-5, rtol=0)


@pytest.mark.parametrize("matching", ["moments", "order"])
@pytest.mark.parametrize("room", [PLENTY, 0], ids=["in memory", "in files"])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 100), (131, 45), (250, 72)])
def test_strips_after_a_painting_equal_the_whole(matching: Matching, height: int, width: int, room: int) -> None:
    network, photo = arbitrary(matching), photo_of(height, width)
    style = network.style_of(photo_of(50, 61))
    with patch.object(strips, "_STRIP_BYTES", 1), torch.inference_mode():
        painted = by_strips(network, photo, style, room)
        whole = network.paint(photo, style)
    assert painted.shape == photo.shape
    torch.testing.assert_close(painted, whole, atol=2e-5, rtol=0)


def test_reduced_precision_is_as_close_as_it_is_coarse(network: FeedForwardStylizer) -> None:
    photo, weights = photo_of(120, 96), torch.tensor([[1.0, 0.0]])
    half = FeedForwardStylizer(network.config).eval()
    half.load_state_dict(network.state_dict())
    half = half.to(torch.bfloat16)
    with patch.object(strips, "_STRIP_BYTES", 1), torch.inference_mode():
        error = (by_strips(half, photo, weights, 0).float() - network(photo, weights)).square().mean()
        usual = (half(photo, weights).float() - network(photo, weights)).square().mean()
    assert error < 2 * usual


def test_tiles_without_statistics_of_the_whole_would_differ(network: FeedForwardStylizer) -> None:
    photo, weights = photo_of(128, 64), torch.tensor([[0.3, 0.7]])
    with torch.inference_mode():
        tiles = torch.cat([network(part, weights) for part in photo.chunk(4, dim=2)], dim=2)
        assert (tiles - network(photo, weights)).abs().max() > 0.1


@pytest.mark.parametrize("room", [PLENTY, 0])
def test_a_map_gives_back_what_was_written(room: int) -> None:
    values = torch.randn(1, 3, 10, 5)
    written = Map(3, 10, 5, like=values, room=Room(room))
    for first in (6, 0):
        written.write(first, values[:, :, first : first + 6])
    torch.testing.assert_close(written.rows(0, 10), values, atol=0, rtol=0)
    written.add(lambda a, b: values[:, :, a:b], step=3, rectify=True)
    torch.testing.assert_close(written.rows(2, 9), (2 * values[:, :, 2:9]).relu(), atol=0, rtol=0)
    written.close()


def test_room_is_taken_and_given_back() -> None:
    room, like = Room(3 * 10 * 5 * 4), torch.zeros(1)
    first = Map(3, 10, 5, like=like, room=room)
    assert not room.take(1)
    first.close()
    assert room.take(3 * 10 * 5 * 4)
