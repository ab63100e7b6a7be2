"""The enlarger: what it begins as, and the halving that it is to undo."""

import numpy as np
import pytest
import torch

from shanshui.errors import ConfigError
from shanshui.images.pixels import to_pixels, to_tensor
from shanshui.images.resize import resize
from shanshui.networks.enlarger import Enlarger, EnlargerConfig, bicubic, halved


def pictures(height: int = 12, width: int = 20, count: int = 2) -> torch.Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_untrained_it_is_a_bicubic_enlargement() -> None:
    images = pictures()
    made = Enlarger(EnlargerConfig(width=4, blocks=2))(images)
    assert made.shape == (2, 3, 24, 40) and torch.equal(made, bicubic(images))


def test_a_place_depends_on_its_surroundings_only() -> None:
    """No statistics of the whole picture: a change in one corner is not seen in the opposite one."""
    network = Enlarger(EnlargerConfig(width=4, blocks=1))
    torch.nn.init.normal_(network.strokes.weight)
    images = pictures(64, 64, 1)
    changed = images.clone()
    changed[:, :, :8, :8] = 1
    differs = (network(images) != network(changed)).any(1)[0]
    assert differs[:16, :16].all() and not differs[64:, 64:].any()


def test_halving_is_what_photos_are_made_smaller_with() -> None:
    """But for rounding, and for the outermost pixels, where the one filter ends and the other's border goes on."""
    photo = np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8)
    made, wanted = to_pixels(halved(to_tensor(photo)).clamp(-1, 1))[0], resize(photo, 20, 28)
    apart = np.abs(made.astype(int) - wanted)
    assert apart[3:-3, 3:-3].max() <= 1 and apart.max() < 40


def test_halving_keeps_a_flat_picture() -> None:
    assert torch.allclose(halved(torch.full((1, 3, 8, 8), 0.3)), torch.full((1, 3, 4, 4), 0.3))


@pytest.mark.parametrize("changes", [{"width": 5}, {"width": 0}, {"blocks": 0}])
def test_what_cannot_be_built_is_refused(changes: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="even width"):
        EnlargerConfig(**changes)
