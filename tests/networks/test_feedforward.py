"""The feed-forward stylizer: sizes, styles, blends, borders."""

import pytest
import torch
from torch import Tensor, nn

from shanshui.errors import ConfigError
from shanshui.networks.stylizers.feedforward import ConditionalInstanceNorm, FeedForwardConfig, FeedForwardStylizer

STYLES = ("calm", "wild", "grey")


def photos(count: int, height: int, width: int, *, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.fixture
def network() -> FeedForwardStylizer:
    """A small network whose styles differ."""
    torch.manual_seed(0)
    built = FeedForwardStylizer(FeedForwardConfig(styles=STYLES, width=8, blocks=2, deep_width=12, deep_blocks=2))
    with torch.no_grad():
        for name, parameter in built.named_parameters():
            if name.endswith(("gamma", "beta")):
                parameter.add_(0.06 * torch.randn_like(parameter))
    return built.eval()


@pytest.mark.parametrize(
    ("height", "width"), [(37, 101), (16, 16), (1, 1), (1, 50), (3, 2), (8, 17), (64, 40), (33, 9)]
)
def test_the_result_has_exactly_the_size_of_the_photo(network: FeedForwardStylizer, height: int, width: int) -> None:
    with torch.inference_mode():
        result = network(photos(2, height, width), torch.eye(3)[:2])
    assert result.shape == (2, 3, height, width)
    assert result.abs().max() <= 1
    assert result.isfinite().all()


def test_styles_differ_and_do_not_leak_between_the_items_of_a_batch(network: FeedForwardStylizer) -> None:
    pair = photos(2, 24, 32)
    with torch.inference_mode():
        together = network(pair, torch.eye(3)[[0, 1]])
        apart = [network(pair[i : i + 1], torch.eye(3)[i : i + 1]) for i in range(2)]
        other = network(pair[:1], torch.eye(3)[2:])
    torch.testing.assert_close(together, torch.cat(apart), atol=1e-5, rtol=1e-4)
    assert (together[:1] - other).abs().mean() > 0.01


def test_one_hot_weights_normalise_with_the_row_of_that_style() -> None:
    norm = ConditionalInstanceNorm(4, 3)
    nn.init.normal_(norm.gamma)
    nn.init.normal_(norm.beta)
    x = torch.randn(2, 4, 5, 6, generator=torch.Generator().manual_seed(0)) * 3 + 2
    for style in range(3):
        gamma, beta = (row[style] for row in norm.rows())
        expected = nn.functional.instance_norm(x, weight=gamma, bias=beta)
        torch.testing.assert_close(norm(x, torch.eye(3)[[style, style]]), expected)


def test_a_blend_is_linear_in_scale_and_shift() -> None:
    norm = ConditionalInstanceNorm(4, 3)
    nn.init.normal_(norm.gamma)
    nn.init.normal_(norm.beta)
    x = torch.randn(1, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    calm, wild = norm(x, torch.tensor([[1.0, 0, 0]])), norm(x, torch.tensor([[0, 1.0, 0]]))
    torch.testing.assert_close(norm(x, torch.tensor([[0.3, 0.7, 0]])), 0.3 * calm + 0.7 * wild)


def test_normalisation_forgets_the_contrast_and_brightness_of_each_photo() -> None:
    norm = ConditionalInstanceNorm(2, 1)
    x = torch.randn(1, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(norm(5 * x + 9, torch.ones(1, 1)), norm(x, torch.ones(1, 1)), atol=1e-4, rtol=1e-4)


def test_every_parameter_learns(network: FeedForwardStylizer) -> None:
    network(photos(3, 24, 24), torch.eye(3)).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_a_checkerboard_is_filtered_out_whatever_the_last_convolution_makes() -> None:
    """The four pixels of a position get different constants; what is left of that pattern must be flat."""
    network = FeedForwardStylizer(FeedForwardConfig(styles=("one",), width=8, deep_width=8))
    assert network.to_rgb.bias is not None
    with torch.inference_mode():
        network.to_rgb.weight.zero_()
        network.to_rgb.bias.copy_(torch.tensor([0.9, -0.9, -0.9, 0.9, 0.9, -0.9, 0.9, -0.9, 0.9, 0.9, -0.9, -0.9]))
        inside = network(photos(1, 32, 32), torch.ones(1, 1))[..., 2:-2, 2:-2]
    assert (inside - inside[..., :1, :1]).abs().max() < 1e-6
    assert not any(isinstance(module, nn.ConvTranspose2d) for module in network.modules())


def test_reduced_precision_gives_nearly_the_same_picture(network: FeedForwardStylizer) -> None:
    photo, weights = photos(1, 48, 40), torch.eye(3)[:1]
    with torch.inference_mode():
        full = network(photo, weights)
        reduced = network.to(torch.bfloat16)(photo.contiguous(memory_format=torch.channels_last), weights)
    assert reduced.dtype == torch.bfloat16
    assert (reduced.float() - full).abs().mean() < 0.02


@pytest.mark.parametrize("shape", [(1, 2), (2, 3), (3,)])
def test_weights_of_another_shape_are_refused(network: FeedForwardStylizer, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\(1, 3\)"):
        network(photos(1, 16, 16), torch.ones(shape))


@pytest.mark.parametrize("styles", [(), ("a", "a")])
def test_styles_must_be_named_apart(styles: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="different names"):
        FeedForwardConfig(styles=styles)
