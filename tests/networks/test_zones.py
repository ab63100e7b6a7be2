"""The zone segmenter: sizes, sums, what learns and what does not."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from shanshui.checkpoints.weights import save_snapshot
from shanshui.errors import ConfigError
from shanshui.networks.segmenters.zones import ZONES, ZonesConfig, ZoneSegmenter

SMALL = ZonesConfig(width=8, side=64)


def photos(count: int, height: int, width: int, *, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.fixture
def network() -> ZoneSegmenter:
    torch.manual_seed(0)
    return ZoneSegmenter(SMALL).eval()


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 47), (64, 64), (200, 61), (32, 900), (301, 33)])
def test_masks_have_the_photos_size_and_sum_to_one(network: ZoneSegmenter, height: int, width: int) -> None:
    with torch.inference_mode():
        masks = network(photos(2, height, width))
    assert masks.shape == (2, len(ZONES), height, width) and masks.dtype == torch.float32
    assert masks.min() >= 0 and masks.max() <= 1
    assert torch.allclose(masks.sum(dim=1), torch.ones(2, height, width), atol=1e-5)


def test_the_same_photo_gives_the_same_masks_alone_and_among_others(network: ZoneSegmenter) -> None:
    batch = photos(3, 70, 90)
    with torch.inference_mode():
        masks = network(batch)
        assert torch.equal(network(batch), masks)
        assert torch.allclose(network(batch[1:2]), masks[1:2], atol=1e-5)


def test_a_flat_photo_has_masks_as_well(network: ZoneSegmenter) -> None:
    with torch.inference_mode():
        masks = network(torch.full((1, 3, 64, 64), -1.0))
    assert masks.isfinite().all()


def test_the_head_learns_and_the_encoder_does_not(network: ZoneSegmenter) -> None:
    network.train()
    network(photos(2, 64, 64))[:, 0].sum().backward()
    silent = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    assert silent == []
    assert {name.split(".")[0] for name in network.state_dict()} == {"norms", "mixes", "place", "middle", "last"}


def test_a_snapshot_of_the_usual_size_is_below_a_megabyte(tmp_path: Path) -> None:
    save_snapshot(tmp_path / "a.safetensors", ZoneSegmenter(ZonesConfig()), {})
    assert (tmp_path / "a.safetensors").stat().st_size < 1_000_000


def test_the_encoder_moves_with_the_head(network: ZoneSegmenter) -> None:
    """On a processor alone, a change of number format stands for a change of device."""
    before = network(photos(1, 64, 64))
    moved = network.double()
    assert all(x.dtype == torch.float64 for x in moved.features(moved.look(photos(1, 64, 64)))[0])
    assert torch.allclose(moved(photos(1, 64, 64)), before, atol=1e-4)


def test_the_encoder_sees_the_shorter_side_at_its_size_but_no_endless_panorama(network: ZoneSegmenter) -> None:
    assert network.look(photos(1, 100, 150)).shape[2:] == (64, 96)
    assert network.look(photos(1, 150, 100)).shape[2:] == (96, 64)
    assert network.look(photos(1, 40, 2000)).shape[2:] == (32, 256)


def test_what_cannot_work_is_refused(network: ZoneSegmenter) -> None:
    with pytest.raises(ConfigError, match="31 x 64"):
        network(photos(1, 64, 31))
    with pytest.raises(ConfigError, match="multiple"):
        ZonesConfig(side=100)
    with pytest.raises(ConfigError, match="positive"):
        ZonesConfig(epsilon=0)
