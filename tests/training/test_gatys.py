"""Pictures by optimisation: they move towards their paintings, share by share, from small to large."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_image
from torch import Tensor

from shanshui.errors import ConfigError
from shanshui.images.pixels import to_tensor
from shanshui.images.resize import fit_crop
from shanshui.networks.encoders.vgg19 import VGG19
from shanshui.objectives.style import gram, relative_distance
from shanshui.pipelines.painters import Share
from shanshui.training.gatys import GatysConfig, GatysPainter, scales_of

QUICK = GatysConfig(rounds=8, smallest=48, painting_side=64)


def picture(name: str, side: int = 64) -> Tensor:
    return to_tensor(fit_crop(load_sample_image(name), side, side))


def plain(*color: float) -> Tensor:
    noise = 0.05 * torch.randn(1, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    return torch.tensor(color).view(1, 3, 1, 1) + noise


@torch.no_grad()
def from_style(picture: Tensor, painting: Tensor) -> float:
    encode, layers = VGG19(), ("relu1_1", "relu2_1", "relu3_1")
    seen, wanted = encode(picture, layers), encode(painting, layers)
    return sum(relative_distance(gram(seen[layer]), gram(wanted[layer])).item() for layer in layers)


@pytest.mark.parametrize("statistics", ["gram", "moments", "wasserstein"])
def test_every_statistic_leads_to_the_painting(statistics: str) -> None:
    photo, painting = picture("china.jpg"), picture("flower.jpg")
    config = GatysConfig(rounds=24, smallest=64, painting_side=64, strength=5, statistics=statistics)  # type: ignore[arg-type]
    painted = GatysPainter(config)(photo, [Share(painting, 1.0)])
    assert painted.shape == photo.shape
    assert painted.abs().max() <= 1
    assert from_style(painted, painting) < 0.6 * from_style(photo, painting)


def test_adam_finds_its_way_too() -> None:
    photo, painting = picture("china.jpg"), picture("flower.jpg")
    config = GatysConfig(rounds=16, smallest=64, painting_side=64, optimiser="adam")
    assert from_style(GatysPainter(config)(photo, [Share(painting, 1.0)]), painting) < from_style(photo, painting)


def test_a_photo_in_its_own_style_stays_what_it_is() -> None:
    photo = picture("china.jpg")
    painted = GatysPainter(QUICK)(photo, [Share(photo, 1.0)])
    assert (painted - photo).abs().mean() < 0.1


def test_paintings_count_by_their_shares() -> None:
    photo, red, blue = picture("china.jpg"), plain(0.8, -0.8, -0.8), plain(-0.8, -0.8, 0.8)
    painter = GatysPainter(QUICK)

    def redness(share: float) -> float:
        painted = painter(photo, [Share(red, share), Share(blue, 1 - share)])
        return (painted[:, 0] - painted[:, 2]).mean().item()

    assert redness(0.1) < redness(0.5) < redness(0.9)


def test_the_same_photo_gives_the_same_picture_even_where_no_gradients_are_kept() -> None:
    photo, blend = picture("china.jpg"), [Share(picture("flower.jpg"), 1.0)]
    painter = GatysPainter(QUICK)
    once = painter(photo, blend)
    with torch.inference_mode():
        again = painter(photo.clone(), blend)
    np.testing.assert_array_equal(once.numpy(), again.numpy())


def test_each_scale_is_a_root_of_two_larger_and_the_last_is_the_photo() -> None:
    scales = list(scales_of(512, 128))
    assert scales[0] == 0.25
    assert scales[-1] == 1
    assert all(after / before == pytest.approx(2**0.5) for before, after in pairwise(scales))
    assert list(scales_of(100, 128)) == [1]


def test_every_round_is_shown() -> None:
    shown: list[tuple[int, int, int]] = []
    watching = GatysPainter(QUICK, watch=lambda picture, done, total: shown.append((picture.shape[2], done, total)))
    watching(picture("china.jpg"), [Share(picture("flower.jpg"), 1.0)])
    assert shown == [(45, done, 12) for done in range(1, 9)] + [(64, done, 12) for done in range(9, 13)]


def test_what_cannot_be_optimised_is_refused() -> None:
    painter = GatysPainter(QUICK)
    with pytest.raises(ConfigError, match="no styles by name"):
        painter(picture("china.jpg"), [Share("monet", 1.0)])
    with pytest.raises(ConfigError, match="31 x 31 is too small"):
        painter(picture("china.jpg", 31), [Share(picture("flower.jpg"), 1.0)])
    with pytest.raises(ConfigError, match="2 rounds or more"):
        GatysConfig(rounds=1)
