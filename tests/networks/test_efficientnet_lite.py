"""EfficientNet-Lite1: the weights mean what they say, and nothing in it learns."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage import data
from torch import Tensor

from shanshui.images.pixels import to_tensor
from shanshui.images.resize import fit_crop
from shanshui.networks.encoders import efficientnet_lite
from shanshui.networks.encoders.efficientnet_lite import CHANNELS, STRIDES, EfficientNetLite1
from shanshui.networks.encoders.pooled import PooledEfficientNetLite1


@pytest.fixture(scope="module")
def encoder() -> EfficientNetLite1:
    return EfficientNetLite1()


def photo(image: NDArray[np.uint8]) -> Tensor:
    return to_tensor(fit_crop(image, 240, 240))


def test_maps_have_the_strides_and_channels_they_promise_at_odd_sizes(encoder: EfficientNetLite1) -> None:
    maps = encoder(torch.zeros(2, 3, 70, 101))
    for features, channels, stride in zip(maps, CHANNELS, STRIDES, strict=True):
        assert features.shape == (2, channels, -(-70 // stride), -(-101 // stride))


def test_the_classifier_that_the_weights_come_with_knows_a_cat_and_a_cup(encoder: EfficientNetLite1) -> None:
    stored = torch.load(efficientnet_lite._weights_file(), weights_only=True)
    images = torch.cat([photo(data.chelsea()), photo(data.coffee())])
    classes = (encoder.embed(images) @ stored["_fc.weight"].T + stored["_fc.bias"]).argmax(1)
    assert classes.tolist() == [285, 967]  # ImageNet: Egyptian cat, espresso


def test_no_parameter_learns_and_training_mode_does_not_reach_it(encoder: EfficientNetLite1) -> None:
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    assert not torch.nn.Sequential(encoder).train()[0].training


def test_gradients_reach_the_image(encoder: EfficientNetLite1) -> None:
    image = photo(data.rocket()).requires_grad_()
    sum(features.mean() for features in encoder(image)).backward()
    assert image.grad is not None and image.grad.abs().max() > 0


def test_two_views_of_one_photograph_are_nearer_than_two_photographs() -> None:
    pooled = PooledEfficientNetLite1()
    cat, mirrored, cup = (
        pooled(x)["effnetlite1"][0]
        for x in (photo(data.chelsea()), photo(data.chelsea()).flip(3), photo(data.coffee()))
    )
    assert (cat - mirrored).norm() < 0.5 * (cat - cup).norm()
