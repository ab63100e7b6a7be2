"""Painting after any painting: names and paintings blend, size and memory change nothing that they should not."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from shanshui.checkpoints.weights import save_snapshot
from shanshui.errors import ConfigError
from shanshui.images.resize import resize
from shanshui.networks.stylizers.arbitrary import ArbitraryConfig, ArbitraryStylizer
from shanshui.pipelines.painters import ExamplePainter, StripPainter
from shanshui.pipelines.stylize import Stylizer
from shanshui.pipelines.treatment import Treatment

Pixels = NDArray[np.uint8]


def picture(height: int, width: int, *, seed: int, low: int = 0, high: int = 256) -> Pixels:
    """Smooth, so that it can be enlarged without becoming another."""
    coarse = np.random.default_rng(seed).integers(low, high, (8, 8, 3), dtype=np.uint8)
    return resize(coarse, height, width)


@pytest.fixture(scope="module")
def network() -> ArbitraryStylizer:
    torch.manual_seed(0)
    built = ArbitraryStylizer(
        ArbitraryConfig(width=8, blocks=1, deep_width=8, deep_blocks=1, encoder_width=8, encoder_deep_width=8, code=8)
    ).eval()
    with torch.no_grad():
        told = [built.style_of(torch.full((1, 3, 32, 32), value)) for value in (-0.5, 0.5)]
    return built.naming({"dark": told[0], "light": told[1]}).eval()


@pytest.fixture(scope="module")
def stylizer(network: ArbitraryStylizer) -> Stylizer:
    return Stylizer(ExamplePainter(network))


@pytest.fixture(scope="module")
def photo() -> Pixels:
    return picture(60, 84, seed=0)


def test_a_snapshot_opens_as_a_stylizer_that_takes_paintings(network: ArbitraryStylizer, tmp_path: Path) -> None:
    save_snapshot(tmp_path / "any.safetensors", network, {})
    stylizer = Stylizer.from_pretrained(tmp_path / "any.safetensors")
    assert stylizer.styles == ("dark", "light")
    assert stylizer(picture(20, 30, seed=1), picture(40, 40, seed=2)).size == (30, 20)


def test_it_paints_in_strips() -> None:
    assert isinstance(ExamplePainter(ArbitraryStylizer(ArbitraryConfig())), StripPainter)


def test_every_form_of_a_painting_is_the_same_style(stylizer: Stylizer, photo: Pixels, tmp_path: Path) -> None:
    painting = picture(50, 40, seed=3)
    Image.fromarray(painting).save(tmp_path / "painting.png")
    expected = np.asarray(stylizer(photo, painting))
    for same in (str(tmp_path / "painting.png"), tmp_path / "painting.png", Image.fromarray(painting)):
        np.testing.assert_array_equal(np.asarray(stylizer(photo, same)), expected)
    assert (np.asarray(stylizer(photo, picture(50, 40, seed=4))) != expected).any()


def test_names_and_paintings_blend(stylizer: Stylizer, photo: Pixels) -> None:
    painting = Image.fromarray(picture(50, 40, seed=3))
    name, example = (np.asarray(stylizer(photo, style)) for style in ("dark", painting))
    only = np.asarray(stylizer(photo, [("dark", 0.0), (painting, 2.0)]))
    np.testing.assert_array_equal(only, example)
    half = np.asarray(stylizer(photo, [("dark", 1.0), (painting, 1.0)]))
    assert (half != name).any() and (half != example).any()


def test_the_size_of_a_large_painting_does_not_matter(stylizer: Stylizer, photo: Pixels) -> None:
    small, large = (np.asarray(stylizer(photo, picture(*size, seed=3))) for size in ((256, 320), (768, 960)))
    assert np.abs(small.astype(int) - large).mean() < 2


def test_an_unknown_name_is_told_that_paintings_are_styles(stylizer: Stylizer, photo: Pixels) -> None:
    with pytest.raises(ConfigError, match=r"dark, light.*file name"):
        stylizer(photo, "cubism")


def test_little_memory_gives_the_same_picture(stylizer: Stylizer) -> None:
    photo, painting = picture(600, 40, seed=5), picture(50, 40, seed=3)
    plenty, little = (
        stylizer.paint(photo, painting, Treatment(strength=0.9, max_memory=memory)).pixels.astype(float)
        for memory in (1 << 30, 0)
    )
    # In float32 they are equal; what is left is bfloat16, where the processor computes in it.
    assert 10 * np.log10(255**2 / max(np.square(plenty - little).mean(), 1e-9)) > 40
