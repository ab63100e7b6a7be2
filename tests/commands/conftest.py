"""A zoo of tiny networks, and photos to feed them."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from shanshui.checkpoints import zoo as zoo_module
from shanshui.checkpoints.weights import save_snapshot
from shanshui.networks.generators.fastgan import FastGAN, FastGANConfig
from shanshui.networks.stylizers.arbitrary import ArbitraryConfig, ArbitraryStylizer
from shanshui.networks.stylizers.feedforward import FeedForwardConfig, FeedForwardStylizer

STYLES = ("ink", "monet")


@pytest.fixture(scope="session")
def tiny_models() -> Iterator[Path]:
    """`landscape` (32 px), `painter` (two styles), `painter-any`, untrained, and `zones` as it ships; all may read."""
    with tempfile.TemporaryDirectory(prefix="shanshui-zoo-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        torch.manual_seed(0)
        scenes = FastGAN(FastGANConfig(doublings=3, latent=8, width=4, spectral_norm=False))
        painter = FeedForwardStylizer(FeedForwardConfig(styles=STYLES, width=4, blocks=1, deep_width=4, deep_blocks=1))
        with torch.no_grad():  # untrained styles are all the same
            for name, parameter in painter.named_parameters():
                if name.endswith(("gamma", "beta")):
                    parameter.add_(0.1 * torch.randn_like(parameter))
        example = ArbitraryStylizer(
            ArbitraryConfig(
                width=4, blocks=1, deep_width=4, deep_blocks=1, encoder_width=4, encoder_deep_width=4, code=4
            )
        )
        save_snapshot(folder / "landscape.safetensors", scenes, {"licence": "none", "images_seen": 0})
        save_snapshot(folder / "painter.safetensors", painter, {"licence": "none", "images_seen": 0})
        save_snapshot(folder / "painter-any.safetensors", example, {"licence": "none", "images_seen": 0})
        shutil.copy(zoo_module.ZOO / "zones.safetensors", folder)
        (folder / "painter.md").write_text("# painter\n\nA card.\n", encoding="utf-8")
        yield folder


@pytest.fixture(autouse=True)
def zoo(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny models take the place of those that ship."""
    monkeypatch.setattr(zoo_module, "ZOO", tiny_models)
    return tiny_models


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo of 90 x 70 pixels."""
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (70, 90, 3), dtype=np.uint8)).save(path)
    return path
