"""The stylizer for any painting: sizes, what it takes from a painting, blends, and how features are matched."""

import pytest
import torch
from torch import Tensor, nn

from shanshui.errors import ConfigError
from shanshui.networks.stylizers.arbitrary import ArbitraryConfig, ArbitraryStylizer, Matching, Standardised
from shanshui.networks.stylizers.matching import match_moments, match_order, quantiles, statistics


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def pictures(count: int, height: int, width: int, *, seed: int = 0) -> Tensor:
    return noise(count, 3, height, width, seed=seed).clamp(-1, 1)


def small(matching: Matching = "moments") -> ArbitraryStylizer:
    torch.manual_seed(0)
    return ArbitraryStylizer(
        ArbitraryConfig(
            width=8,
            blocks=1,
            deep_width=12,
            deep_blocks=1,
            encoder_width=8,
            encoder_deep_width=10,
            code=6,
            matching=matching,
        )
    ).eval()


@pytest.fixture(params=["moments", "order"])
def network(request: pytest.FixtureRequest) -> ArbitraryStylizer:
    return small(request.param)


def test_matched_moments_are_those_of_the_style() -> None:
    x, style = noise(2, 3, 9, 11), 4 * noise(2, 3, 6, 5, seed=1) - 2
    matched = match_moments(x, style)
    for mine, wanted in zip(statistics(matched), statistics(style), strict=True):
        torch.testing.assert_close(mine, wanted, atol=1e-4, rtol=1e-4)
    mean, deviation = (each[..., None, None] for each in statistics(x))
    wanted_mean, wanted_deviation = (each[..., None, None] for each in statistics(style))
    torch.testing.assert_close((matched - wanted_mean) / wanted_deviation, (x - mean) / deviation)


def test_matching_with_oneself_changes_nothing() -> None:
    x = noise(2, 3, 6, 7)
    torch.testing.assert_close(match_moments(x, x), x)
    torch.testing.assert_close(match_order(x, quantiles(x, 42)), x)


def test_matched_order_has_exactly_the_values_of_the_style_in_the_order_of_the_content() -> None:
    x = torch.tensor([3.0, -1.0, 2.0, 10.0]).reshape(1, 1, 2, 2)
    style = torch.tensor([7.0, 5.0, 8.0, 6.0]).reshape(1, 1, 4, 1)
    matched = match_order(x, quantiles(style, 4))
    torch.testing.assert_close(matched, torch.tensor([7.0, 5.0, 6.0, 8.0]).reshape(1, 1, 2, 2))


def test_quantiles_lie_on_lines_between_values_in_order() -> None:
    x = torch.tensor([4.0, 0.0, 1.0]).reshape(1, 1, 3, 1)
    torch.testing.assert_close(quantiles(x, 5), torch.tensor([[[0.0, 0.5, 1.0, 2.5, 4.0]]]))


def test_the_gradient_of_matched_order_is_that_of_the_identity() -> None:
    x = noise(1, 2, 3, 3).requires_grad_()
    slopes = noise(1, 2, 3, 3, seed=1)
    (match_order(x, quantiles(noise(1, 2, 5, 5, seed=2), 8)) * slopes).sum().backward()
    torch.testing.assert_close(x.grad, slopes)


@pytest.mark.parametrize(("height", "width"), [(37, 101), (1, 1), (1, 50), (3, 2), (64, 40)])
def test_the_result_has_exactly_the_size_of_the_photo(network: ArbitraryStylizer, height: int, width: int) -> None:
    with torch.inference_mode():
        result = network(pictures(2, height, width), pictures(2, 19, 50, seed=1))
    assert result.shape == (2, 3, height, width)
    assert result.abs().max() <= 1
    assert result.isfinite().all()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 70), (41, 8)])
def test_a_painting_may_have_any_size(network: ArbitraryStylizer, height: int, width: int) -> None:
    with torch.inference_mode():
        assert network.style_of(pictures(1, height, width)).isfinite().all()


def test_deepest_features_get_the_moments_of_the_paintings() -> None:
    network = small()
    photo, painting = pictures(1, 48, 40), 0.4 * pictures(1, 32, 64, seed=1) + 0.3
    with torch.inference_mode():
        _, wanted = network.parts(network.style_of(painting))
        matched = network.matched(network.encoder(photo), wanted)
        expected = match_moments(network.encoder(photo), network.encoder(painting))
    torch.testing.assert_close(matched, expected, atol=1e-4, rtol=1e-3)


def test_deepest_features_get_the_values_of_the_paintings() -> None:
    network = small("order")
    photo, painting = pictures(1, 64, 64), 0.4 * pictures(1, 64, 64, seed=1) + 0.3
    with torch.inference_mode():
        _, wanted = network.parts(network.style_of(painting))
        matched = network.matched(network.encoder(photo), wanted)
        expected = network.encoder(painting)
    torch.testing.assert_close(matched.flatten(2).sort(2).values, expected.flatten(2).sort(2).values)


def test_the_style_of_a_painting_does_not_depend_on_the_photo_and_pairs_do_not_leak(network: ArbitraryStylizer) -> None:
    photos, paintings = pictures(2, 24, 32), pictures(2, 40, 24, seed=1) * torch.tensor([0.2, 1.0]).view(2, 1, 1, 1)
    with torch.inference_mode():
        together = network(photos, paintings)
        apart = [network.paint(photos[i : i + 1], network.style_of(paintings[i : i + 1])) for i in range(2)]
        other = network(photos[:1], paintings[1:])
    torch.testing.assert_close(together, torch.cat(apart), atol=1e-5, rtol=1e-4)
    assert (together[:1] - other).abs().mean() > 0.01


def test_a_checkerboard_is_filtered_out_whatever_the_last_convolution_makes() -> None:
    network = small()
    assert network.to_rgb.bias is not None
    with torch.inference_mode():
        network.to_rgb.weight.zero_()
        network.to_rgb.bias.copy_(torch.tensor([0.9, -0.9, -0.9, 0.9, 0.9, -0.9, 0.9, -0.9, 0.9, 0.9, -0.9, -0.9]))
        inside = network(pictures(1, 32, 32), pictures(1, 32, 32))[..., 2:-2, 2:-2]
    assert (inside - inside[..., :1, :1]).abs().max() < 1e-6
    assert not any(isinstance(module, nn.ConvTranspose2d) for module in network.modules())


def test_numbers_are_standardised_by_what_training_saw() -> None:
    layer = Standardised(2)
    batches = noise(300, 4, 2) * torch.tensor([3.0, 0.1]) + torch.tensor([5.0, -1.0])
    for batch in batches:
        layer(batch)
    layer.eval()
    seen = layer(batches.flatten(0, 1))
    torch.testing.assert_close(seen.mean(0), torch.zeros(2), atol=0.15, rtol=0)
    torch.testing.assert_close(seen.std(0), torch.ones(2), atol=0.15, rtol=0)
    torch.testing.assert_close(layer(batches[0]), layer(batches[0]), atol=0, rtol=0)


@pytest.mark.parametrize("wrong", [{"width": 1}, {"code": 0}, {"blocks": -1}, {"matching": "colour"}])
def test_configurations_without_a_network_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        ArbitraryConfig(**wrong)  # type: ignore[arg-type]
