"""Directions without labels: what reads the code, and what varies among scenes."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import Tensor, nn

from shanshui.networks.directions import closed_form, principal_components, reading_matrices, standard_axes
from shanshui.networks.equalized import EqualizedLinear
from shanshui.networks.generators.base import SceneNetwork
from shanshui.networks.generators.dcgan import DCGAN, DCGANConfig
from shanshui.networks.generators.fastgan import FastGAN, FastGANConfig
from shanshui.networks.generators.r3gan import R3GAN, R3GANConfig
from shanshui.networks.generators.resnet import ResNet, ResNetConfig
from shanshui.networks.generators.style_based import StyleBasedGenerator
from shanshui.networks.generators.stylegan import StyleGAN, StyleGANConfig
from shanshui.networks.generators.stylegan2 import StyleGAN2, StyleGAN2Config

LATENT = 5

# A generator, and the name of the module whose output is the first thing that is linear in its latent.
PLAIN: dict[str, tuple[Callable[[], SceneNetwork], str]] = {
    "dcgan": (lambda: DCGAN(DCGANConfig(latent=LATENT, doublings=2, width=2)), "layers.0"),
    "resnet": (lambda: ResNet(ResNetConfig(latent=LATENT, doublings=2, width=2)), "project"),
    "fastgan": (lambda: FastGAN(FastGANConfig(latent=LATENT, doublings=2, width=2)), "start.norm"),
    "fastgan with classes": (
        lambda: FastGAN(FastGANConfig(latent=LATENT, doublings=2, width=2, labels=3)),
        "start.norm",
    ),
    "r3gan": (lambda: R3GAN(R3GANConfig(latent=LATENT, doublings=1, width=4, group=4)), "start"),
}
STYLED: dict[str, Callable[[], StyleBasedGenerator]] = {
    "stylegan": lambda: StyleGAN(StyleGANConfig(latent=4, style=4, width=2, doublings=2, mapping_layers=2)),
    "stylegan2": lambda: StyleGAN2(StyleGAN2Config(latent=4, style=4, width=2, doublings=2, mapping_layers=2)),
}


def drawn(network: SceneNetwork, count: int) -> Tensor:
    return network.draw_latents(count, torch.Generator().manual_seed(0))


def labels_for(network: SceneNetwork, count: int) -> Tensor | None:
    return torch.zeros(count, dtype=torch.int64) if network.config.labels else None


def made(build: Callable[[], SceneNetwork]) -> SceneNetwork:
    """Evaluation mode, with batch norms that have seen something: fresh ones scale all channels alike."""
    torch.manual_seed(0)
    network = build()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_var is not None:
            module.running_var.copy_(torch.rand_like(module.running_var) + 0.2)
            nn.init.uniform_(module.weight, 0.5, 2)
    return network.eval().requires_grad_(False)


def seen(network: SceneNetwork, name: str, latents: Tensor) -> Tensor:
    """What the module `name` makes while the network makes scenes of latents."""
    outputs: list[Tensor] = []
    module = network.get_submodule(name)
    handle = module.register_forward_hook(lambda _module, _inputs, output: outputs.append(output.clone()))
    network(latents, labels_for(network, len(latents)))
    handle.remove()
    return outputs[0].flatten(1)


@pytest.mark.parametrize("name", PLAIN)
def test_closed_form_directions_change_the_first_map_by_what_their_weights_say(name: str) -> None:
    build, first = PLAIN[name]
    network = made(build)
    latents = drawn(network, 3)
    directions = closed_form(network, latents)
    assert len(directions) == LATENT and torch.allclose(directions.weights.sum(), torch.tensor(1.0))
    start = seen(network, first, latents[:1])
    moves = seen(network, first, latents[:1] + directions.vectors) - start
    changes = moves.square().sum(dim=1)
    assert torch.allclose(changes / changes.sum(), directions.weights, atol=1e-4)
    assert torch.all(directions.weights[:-1] >= directions.weights[1:] - 1e-7)
    # Eigenvectors: the changes that they make have nothing in common.
    overlap = moves @ moves.mT
    assert (overlap - torch.diag(overlap.diagonal())).abs().max() < 1e-3 * overlap.max()


@pytest.mark.parametrize("name", STYLED)
def test_the_matrices_of_a_layer_are_those_that_its_style_enters(name: str) -> None:
    network = made(STYLED[name])
    assert isinstance(network, StyleBasedGenerator)
    entered: dict[int, int] = {}
    affines = [module for module in network.synthesis.modules() if isinstance(module, EqualizedLinear)]
    for affine in affines:

        def note(module: nn.Module, inputs: tuple[Tensor, ...], _output: Tensor) -> None:
            entered[id(module.weight)] = int(inputs[0][0, 0])

        affine.register_forward_hook(note)
    network.synthesis(torch.arange(network.layers).float()[None, :, None].expand(1, -1, 4))
    by_layer = reading_matrices(network)
    assert {id(matrix): layer for layer, matrices in enumerate(by_layer) for matrix in matrices} == entered


@pytest.mark.parametrize("name", STYLED)
def test_principal_components_of_styles_are_those_of_scikit_learn(name: str) -> None:
    network = made(STYLED[name])
    latents = drawn(network, 200)
    directions = principal_components(network, network.codes(latents), layers=[1, 2])
    expected = PCA().fit(network.codes(latents)[:, 0].numpy())
    vectors = directions.vectors[:, 1]
    assert np.allclose(vectors.norm(dim=1), np.sqrt(expected.explained_variance_), rtol=1e-3)
    cosines = (vectors.numpy() * expected.components_).sum(axis=1) / vectors.norm(dim=1).numpy()
    assert np.allclose(np.abs(cosines), 1, atol=1e-3)
    assert np.allclose(directions.weights, expected.explained_variance_ratio_, atol=1e-4)
    assert torch.equal(directions.vectors[:, 2], vectors)
    assert not directions.vectors[:, 0].any() and not directions.vectors[:, 3:].any()


@pytest.mark.parametrize("name", PLAIN)
def test_principal_components_of_the_first_map_come_back_as_directions_of_the_latent(name: str) -> None:
    network = made(PLAIN[name][0])
    latents = drawn(network, 100)
    directions = principal_components(network, latents, labels_for(network, 100))
    assert directions.vectors.shape == (LATENT, *latents.shape[1:])
    assert torch.allclose(directions.vectors.flatten(1).norm(dim=1), torch.ones(LATENT), atol=1e-5)
    assert torch.all(directions.weights[:-1] >= directions.weights[1:])


def test_where_the_first_map_is_linear_principal_components_are_the_closed_form() -> None:
    """Without its nonlinearity: every gate wide open and every value small, up to what 20,000 latents leave open."""
    network = made(PLAIN["dcgan"][0])
    assert isinstance(network, DCGAN)
    norm = network.layers[0]
    assert isinstance(norm, nn.BatchNorm2d)
    nn.init.constant_(norm.bias, 1e3)  # ReLU never bends
    latents = drawn(network, 20_000)
    found, expected = principal_components(network, latents).vectors[0], closed_form(network, latents).vectors[0]
    assert abs(float(found @ expected)) > 0.98


@pytest.mark.parametrize("name", STYLED)
def test_codes_are_standard_normal_along_the_standard_axes(name: str) -> None:
    network = made(STYLED[name])
    codes = network.codes(drawn(network, 500))
    axes = standard_axes(network, codes).vectors[:, 0]
    coordinates = (codes[:, 0] - codes[:, 0].mean(dim=0)) @ torch.linalg.pinv(axes)
    assert torch.allclose(coordinates.mT.cov(), torch.eye(len(axes)), atol=1e-2)


def test_layers_are_asked_only_of_networks_that_have_them() -> None:
    plain, styled = made(PLAIN["r3gan"][0]), made(STYLED["stylegan2"])
    with pytest.raises(ValueError, match="no layers"):
        closed_form(plain, drawn(plain, 3), layers=[0])
    with pytest.raises(ValueError, match="0 to 5"):
        closed_form(styled, styled.codes(drawn(styled, 3)), layers=[6])
