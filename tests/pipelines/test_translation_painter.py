"""Translators as stylizers: the name they were taught, and every control that other stylizers have."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from shanshui.checkpoints.weights import save_snapshot
from shanshui.errors import ConfigError
from shanshui.images.pixels import to_pixels, to_tensor
from shanshui.networks.precision import fast_dtype
from shanshui.networks.stylizers.translators import (
    LightTranslatorConfig,
    ResNetTranslatorConfig,
    Translator,
    TranslatorConfig,
    build_translator,
)
from shanshui.pipelines.stylize import Stylizer
from shanshui.pipelines.treatment import Region, Treatment

CONFIGS: dict[str, TranslatorConfig] = {
    "resnet": ResNetTranslatorConfig(style="monet", width=4, blocks=2),
    "light": LightTranslatorConfig(style="monet", width=4, blocks=1, deep_width=4, deep_blocks=1),
}


@pytest.fixture(params=CONFIGS)
def translator(request: pytest.FixtureRequest) -> Translator:
    torch.manual_seed(0)
    return build_translator(CONFIGS[request.param]).eval()


@pytest.fixture
def stylizer(translator: Translator, tmp_path: Path) -> Stylizer:
    save_snapshot(tmp_path / "best.safetensors", translator, {})
    return Stylizer.from_pretrained(tmp_path / "best.safetensors")


@pytest.fixture
def photo() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (41, 67, 3), dtype=np.uint8)


def test_it_paints_what_the_network_makes(stylizer: Stylizer, translator: Translator, photo: NDArray[np.uint8]) -> None:
    """Up to half precision in the file and the number format of this machine."""
    assert stylizer.styles == ("monet",)
    painted = stylizer.paint(photo, "monet", Treatment(flat_skies=False)).pixels
    with torch.inference_mode():
        expected = to_pixels(translator(to_tensor(photo)))[0]
    allowed = 3 if fast_dtype(torch.device("cpu")) == torch.float32 else 12
    assert np.abs(painted.astype(int) - expected.astype(int)).max() <= allowed


def test_controls_hold(stylizer: Stylizer, photo: NDArray[np.uint8]) -> None:
    whole = stylizer.paint(photo, "monet").pixels.astype(float)
    half = stylizer.paint(photo, "monet", Treatment(strength=0.5)).pixels
    assert np.abs(half - (whole + photo) / 2).max() <= 1
    left = np.zeros(photo.shape[:2], np.float32)
    left[:, :30] = 1
    masked = stylizer.paint(photo, "monet", Treatment(mask=left)).pixels
    np.testing.assert_array_equal(masked[:, 30:], photo[:, 30:])
    assert np.abs(masked[:, :30] - whole[:, :30]).max() <= 1
    region = Treatment(strength=0.0, regions=(Region(where=left, style="monet", strength=1.0),))
    np.testing.assert_array_equal(stylizer.paint(photo, "monet", region).pixels, masked)


def test_little_memory_gives_the_same_picture(stylizer: Stylizer, photo: NDArray[np.uint8]) -> None:
    whole, strips = (stylizer.paint(photo, "monet", Treatment(max_memory=room)).pixels for room in (1 << 30, 0))
    assert np.abs(whole.astype(int) - strips.astype(int)).max() <= (
        1 if fast_dtype(torch.device("cpu")) == torch.float32 else 6
    )


def test_other_names_and_paintings_are_refused(stylizer: Stylizer, photo: NDArray[np.uint8]) -> None:
    with pytest.raises(ConfigError, match="monet"):
        stylizer(photo, "ink")
    with pytest.raises(ConfigError, match="monet"):
        stylizer(photo, [(photo, 1.0)])
