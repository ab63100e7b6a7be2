"""Translators: the photo's size stays, the encoder tells of places, and a light one begins where a painter is."""

from unittest.mock import patch

import pytest
import torch
from torch import Tensor

from shanshui.errors import ConfigError
from shanshui.networks.patches import PatchHeads, draw_places
from shanshui.networks.stylizers import strips
from shanshui.networks.stylizers.feedforward import ConditionalInstanceNorm, FeedForwardConfig, FeedForwardStylizer
from shanshui.networks.stylizers.translator_strips import translate_in_strips
from shanshui.networks.stylizers.translators import (
    LightTranslator,
    LightTranslatorConfig,
    ResNetTranslator,
    ResNetTranslatorConfig,
    Translator,
    TranslatorConfig,
    build_translator,
)

CONFIGS: dict[str, TranslatorConfig] = {
    "resnet": ResNetTranslatorConfig(width=4, blocks=3),
    "light": LightTranslatorConfig(width=4, blocks=1, deep_width=6, deep_blocks=3),
}


@pytest.fixture(params=CONFIGS)
def translator(request: pytest.FixtureRequest) -> Translator:
    torch.manual_seed(0)
    return build_translator(CONFIGS[request.param]).eval()


def photos(height: int, width: int) -> Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize(("height", "width"), [(1, 1), (37, 101), (3, 50), (16, 16), (24, 40)])
def test_the_picture_has_exactly_the_size_of_the_photo(translator: Translator, height: int, width: int) -> None:
    with torch.no_grad():
        picture = translator(photos(height, width))
    assert picture.shape == (2, 3, height, width)
    assert picture.isfinite().all() and picture.abs().max() <= 1


def test_the_encoder_gives_the_maps_that_it_names(translator: Translator) -> None:
    """From the pixels inwards: no map is finer than the one before it."""
    features = translator.encode(photos(32, 48))
    assert {name: x.shape[1] for name, x in features.items()} == dict(translator.channels)
    areas = [x.shape[2] * x.shape[3] for x in features.values()]
    assert areas == sorted(areas, reverse=True) and areas[0] == 32 * 48
    torch.testing.assert_close(features["pixels"], photos(32, 48))


def test_a_picture_comes_from_what_the_encoder_saw(translator: Translator) -> None:
    images = photos(20, 30)
    picture, features = translator.translate(images)
    torch.testing.assert_close(picture, translator(images))
    torch.testing.assert_close(translator.decode(features)[:, :, :20, :30], picture)


def test_half_of_the_blocks_are_the_encoder(translator: Translator) -> None:
    """What the deepest map depends on learns from it, and the rest does not: CUT compares encoders, not pictures."""
    translator.encode(photos(16, 16))["middle"].square().sum().backward()
    learns = {name: parameter.grad is not None for name, parameter in translator.named_parameters()}
    blocks = [flag for name, flag in learns.items() if "blocks." in name or "deep." in name]
    assert blocks == sorted(blocks, reverse=True) and 0 < sum(blocks) < len(blocks)
    assert all(flag for name, flag in learns.items() if "stem" in name)
    assert not any(flag for name, flag in learns.items() if "to_rgb" in name)


def test_a_light_translator_begins_with_a_painters_style_of_its_name_or_their_mean() -> None:
    torch.manual_seed(0)
    painter = FeedForwardStylizer(
        FeedForwardConfig(styles=("calm", "wild"), width=4, blocks=1, deep_width=6, deep_blocks=3)
    )
    for module in painter.modules():
        if isinstance(module, ConditionalInstanceNorm):
            torch.nn.init.normal_(module.gamma, 0, 0.05)
    translator = build_translator(CONFIGS["light"])
    assert isinstance(translator, LightTranslator)
    translator.begin_from(painter)
    images = photos(24, 24)
    torch.testing.assert_close(translator(images), painter(images, torch.full((2, 2), 0.5)), atol=1e-5, rtol=1e-4)
    namesake = LightTranslator(LightTranslatorConfig(style="wild", width=4, blocks=1, deep_width=6, deep_blocks=3))
    namesake.begin_from(painter)
    torch.testing.assert_close(namesake(images), painter(images, torch.eye(2)[[1, 1]]), atol=1e-5, rtol=1e-4)
    with pytest.raises(ConfigError, match="width"):
        translator.begin_from(FeedForwardStylizer(FeedForwardConfig(styles=("calm",), width=8)))


@pytest.mark.parametrize("values", [{"width": 0}, {"blocks": 1}, {"style": ""}])
def test_nonsense_is_refused(values: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        ResNetTranslatorConfig(**values)  # type: ignore[arg-type]


def test_heads_tell_of_single_places_with_unit_length() -> None:
    torch.manual_seed(0)
    heads = PatchHeads({"fine": 3, "coarse": 5}, width=8)
    features = {"fine": torch.randn(2, 3, 6, 6), "coarse": torch.randn(2, 5, 2, 2)}
    places = draw_places(features, 10, torch.Generator().manual_seed(0))
    assert len(places["fine"].unique()) == 10 and len(places["coarse"]) == 4
    told = heads(features, places)
    assert told["fine"].shape == (2, 10, 8) and told["coarse"].shape == (2, 4, 8)
    torch.testing.assert_close(told["fine"].norm(dim=2), torch.ones(2, 10))
    changed = features["fine"].clone()
    row, column = divmod(int(places["fine"][7]), 6)
    changed[1, :, row, column] += 1
    difference = (heads({**features, "fine": changed}, places)["fine"] - told["fine"]).norm(dim=2)
    assert (difference > 1e-4).nonzero().tolist() == [[1, 7]]


@pytest.mark.parametrize("room", [1 << 30, 0], ids=["in memory", "in files"])
@pytest.mark.parametrize(("height", "width"), [(7, 100), (64, 64), (131, 45)])
def test_strips_of_the_full_network_equal_the_whole(height: int, width: int, room: int) -> None:
    torch.manual_seed(0)
    network = ResNetTranslator(ResNetTranslatorConfig(width=4, blocks=3)).eval().requires_grad_(False)
    photo = photos(height, width)[:1]
    with patch.object(strips, "_STRIP_BYTES", 1):  # the smallest strips: four rows
        parts = list(translate_in_strips(network, lambda a, b: photo[:, :, a:b], height, width, room=room))
    assert len(parts) == -(-height // 4)
    torch.testing.assert_close(torch.cat(parts, dim=2), network(photo), atol=2e-5, rtol=0)
