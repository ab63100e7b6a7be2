"""Directions in the codes of a scene generator, found without labels: from its weights, and from samples of its codes.

Shen and Zhou 2021, "Closed-Form Factorization of Latent Semantics in GANs" (SeFa, https://arxiv.org/abs/2007.06600):
where A reads the code, the directions n of unit length that change A n most are the eigenvectors of A^T A. Haerkoenen
et al. 2020, "GANSpace: Discovering Interpretable GAN Controls" (https://arxiv.org/abs/2004.02546): the principal
components of the styles, or, for a generator without styles, of its first map, taken back to the latents by regression
(section 3.2).

Departures: a batch norm in evaluation mode is part of the matrix before it, because it undoes that matrix's scale; a
direction is as long as the standard deviation of the codes along it, so that a strength means the same everywhere.
Directions have no sign of their own: here the largest number of each is positive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch

import torch
from torch import Tensor, nn

from shanshui.networks.generators.base import SceneNetwork
from shanshui.networks.generators.dcgan import DCGAN
from shanshui.networks.generators.enlarged import Enlarged
from shanshui.networks.generators.fastgan import FastGAN
from shanshui.networks.generators.r3gan import R3GAN
from shanshui.networks.generators.resnet import ResNet
from shanshui.networks.generators.style_based import StyleBasedGenerator
from shanshui.networks.generators.stylegan import AdaptiveNorm, StyleGAN
from shanshui.networks.generators.stylegan2 import StyledConvolution, StyleGAN2
from shanshui.networks.modulation import ToRGB

_SMALLEST_SPREAD = 1e-3
"""Principal components of the styles that vary less than this, relative to the first, are noise."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Directions:
    """Directions that a code can be moved along, the one that matters most first.

    Attributes:
        vectors: (K, ...), each broadcasts to a code; added to a code it moves that by one standard deviation.
        weights: (K,), decreasing, with sum 1: the share of the whole change (SeFa) or variance (principal components)
            that a direction stands for.
    """

    vectors: Tensor
    weights: Tensor

    def __len__(self) -> int:
        return len(self.vectors)


def closed_form(network: SceneNetwork, codes: Tensor, *, layers: Sequence[int] | None = None) -> Directions:
    """SeFa: the directions of the code that the layers reading it are most sensitive to.

    Args:
        network: any scene generator.
        codes: (N, ...), a sample of its codes, at least 2; their spread scales the directions.
        layers: of a style-based generator, from 0: those that decide on the directions and are moved; all when None.

    Raises:
        ValueError: layers that the network does not have, or layers of a network without styles.
    """
    chosen = _require_layers(network, layers)
    by_layer = reading_matrices(network)
    matrix = torch.cat([matrix for layer in chosen for matrix in by_layer[layer]]).double()
    values, vectors = torch.linalg.eigh(matrix.mT @ matrix)
    order = values.argsort(descending=True)
    return _directions(network, codes, vectors.mT[order].float(), values[order].clamp_min(0), chosen)


def principal_components(
    network: SceneNetwork, codes: Tensor, labels: Tensor | None = None, *, layers: Sequence[int] | None = None
) -> Directions:
    """GANSpace: the directions along which styles, or first maps, differ most among scenes.

    Args:
        network: any scene generator, in evaluation mode.
        codes: (N, ...), a sample of its codes, not truncated; at least 2, some hundreds for a reliable order.
        labels: (N,), the classes of the sample, for a network that was told classes.
        layers: of a style-based generator, from 0: those that are moved; all when None.

    Raises:
        ValueError: as `closed_form`.
    """
    chosen = _require_layers(network, layers)
    if isinstance(network, StyleBasedGenerator):
        _, spreads, vectors = _principal(codes[:, 0])
        return _directions(network, codes, vectors, spreads.square(), chosen)
    scores, spreads, _ = _principal(first_map(network, codes, labels).flatten(1))
    vectors = torch.linalg.lstsq(scores, codes.flatten(1)).solution
    # A map varies in no more independent ways than its latent has numbers, but for what the nonlinearity adds.
    count = min(len(vectors), codes[0].numel())
    return _directions(network, codes, vectors[:count], spreads[:count].square(), chosen)


def standard_axes(network: SceneNetwork, codes: Tensor, *, layers: Sequence[int] | None = None) -> Directions:
    """Axes in whose coordinates codes are standard normal, or nearly: every move has a likelihood, and short is likely.

    The numbers of a latent themselves; of a style, its principal components.

    Args:
        network: any scene generator.
        codes: (N, ...), a sample of its codes.
        layers: of a style-based generator, from 0: those that are moved; all when None.

    Raises:
        ValueError: as `closed_form`.
    """
    chosen = _require_layers(network, layers)
    if isinstance(network, StyleBasedGenerator):
        _, spreads, vectors = _principal(codes[:, 0])
        kept = spreads > _SMALLEST_SPREAD * spreads[0]
        return _directions(network, codes, vectors[kept], spreads[kept].square(), chosen)
    numbers = codes.shape[1]
    return _directions(network, codes, torch.eye(numbers).to(codes), torch.ones(numbers).to(codes), chosen)


@singledispatch
def reading_matrices(network: SceneNetwork) -> list[list[Tensor]]:
    """For each layer that takes a code of its own, the matrices (rows, numbers in a code) that read it.

    Raises:
        TypeError: nobody has said so yet for this kind of network.
    """
    raise TypeError(f"it is not known which matrices of a {type(network).__name__} read the code")


@reading_matrices.register
def _(network: DCGAN) -> list[list[Tensor]]:
    (norm, *_) = network.layers
    return [[_normalized(network.project.weight, norm)]]


@reading_matrices.register
def _(network: ResNet) -> list[list[Tensor]]:
    return [[network.project.weight]]


@reading_matrices.register
def _(network: Enlarged) -> list[list[Tensor]]:
    return reading_matrices(network.scenes)


@reading_matrices.register
def _(network: FastGAN) -> list[list[Tensor]]:
    of_latent = network.start.linear.weight.flatten(1)[:, : network.config.latent]
    return [[_normalized(of_latent, network.start.norm)]]


@reading_matrices.register
def _(network: R3GAN) -> list[list[Tensor]]:
    # A row counts as often as its number appears in the map: at every position, times what the basis has there.
    of_latent = network.start.linear.weight[:, : network.config.latent]
    return [[of_latent * network.start.basis.flatten(1).norm(dim=1, keepdim=True)]]


@reading_matrices.register
def _(network: StyleGAN) -> list[list[Tensor]]:
    norms: list[AdaptiveNorm] = [module for module in network.synthesis.modules() if isinstance(module, AdaptiveNorm)]
    return [[norm.affine.weight] for norm in norms]


@reading_matrices.register
def _(network: StyleGAN2) -> list[list[Tensor]]:
    convolutions = [module for module in network.synthesis.modules() if isinstance(module, StyledConvolution)]
    colors = [module for module in network.synthesis.modules() if isinstance(module, ToRGB)]
    by_layer: list[list[Tensor]] = [[] for _ in range(network.layers)]
    doublings = network.config.doublings
    convolved = [0, *range(1, 2 * doublings, 2), *range(2, 2 * doublings + 1, 2)]
    colored = range(1, 2 * doublings + 2, 2)
    readers: list[StyledConvolution | ToRGB] = [*convolutions, *colors]
    for layer, reader in zip([*convolved, *colored], readers, strict=True):
        by_layer[layer].append(reader.modulation.affine.weight)
    return by_layer


@singledispatch
def first_map(network: SceneNetwork, latents: Tensor, labels: Tensor | None = None) -> Tensor:
    """The first map (N, C, H, W) of a generator without styles in which its latents have met a nonlinearity.

    Raises:
        TypeError: nobody has said so yet for this kind of network.
    """
    raise TypeError(f"it is not known what the first map of a {type(network).__name__} is")


@first_map.register
def _(network: Enlarged, latents: Tensor, labels: Tensor | None = None) -> Tensor:
    return first_map(network.scenes, latents, labels)


@first_map.register
def _(network: DCGAN, latents: Tensor, labels: Tensor | None = None) -> Tensor:
    activated: Tensor = network.layers[:2](network.project(latents).unflatten(1, (-1, *network.config.start)))
    return activated


@first_map.register
def _(network: ResNet, latents: Tensor, labels: Tensor | None = None) -> Tensor:
    start = network.project(latents).unflatten(1, (*network.config.start, -1)).movedim(-1, 1)
    doubled: Tensor = network.blocks[0](start)
    return doubled


@first_map.register
def _(network: FastGAN, latents: Tensor, labels: Tensor | None = None) -> Tensor:
    started: Tensor = network.start(_beside(latents, network.embedding, labels))
    return started


@first_map.register
def _(network: R3GAN, latents: Tensor, labels: Tensor | None = None) -> Tensor:
    started: Tensor = network.stages[0](network.start(_beside(latents, network.embedding, labels)))
    return started


def _beside(latents: Tensor, embedding: nn.Embedding | None, labels: Tensor | None) -> Tensor:
    if embedding is None or labels is None:
        return latents
    meanings = embedding(labels)
    return torch.cat([latents, meanings.view(*meanings.shape, *(1,) * (latents.ndim - 2)).expand_as(latents)], dim=1)


def _normalized(matrix: Tensor, norm: nn.Module) -> Tensor:
    """`matrix` (channels x positions, numbers) and the batch norm over channels behind it, as one matrix."""
    if not isinstance(norm, nn.BatchNorm2d) or norm.running_var is None:
        raise TypeError(f"a batch norm with running statistics was expected, not {norm}")
    factors = norm.weight / (norm.running_var + norm.eps).sqrt()
    return matrix * factors.repeat_interleave(len(matrix) // len(factors))[:, None]


def _principal(samples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(N, D) -> scores (N, K) of variance 1, standard deviations (K,) and components (K, D), the largest first."""
    left, singular, components = torch.linalg.svd(samples - samples.mean(dim=0), full_matrices=False)
    # Centred samples span one dimension less than there are of them.
    kept = min(len(samples) - 1, samples.shape[1])
    root = (len(samples) - 1) ** 0.5
    return left[:, :kept] * root, singular[:kept] / root, components[:kept]


def _directions(
    network: SceneNetwork, codes: Tensor, vectors: Tensor, weights: Tensor, layers: Sequence[int]
) -> Directions:
    """Vectors (K, D) of any length and sign, shaped like codes and as long as those vary."""
    units = vectors / vectors.norm(dim=1, keepdim=True).clamp_min(torch.finfo(vectors.dtype).tiny)
    largest = units.gather(1, units.abs().argmax(dim=1, keepdim=True))
    units = units * largest.sign()
    shares = (weights / weights.sum()).float()
    if not isinstance(network, StyleBasedGenerator):  # latents are standard normal: any unit vector is one deviation
        return Directions(vectors=units.view(*units.shape, *(1,) * (codes.ndim - 2)), weights=shares)
    spreads = (codes[:, 0] @ units.mT).std(dim=0)
    moved = torch.zeros(network.layers, 1).to(codes)
    moved[list(layers)] = 1
    return Directions(vectors=(units * spreads[:, None])[:, None] * moved, weights=shares)


def _require_layers(network: SceneNetwork, layers: Sequence[int] | None) -> Sequence[int]:
    known = network.layers if isinstance(network, StyleBasedGenerator) else 1
    if layers is None:
        return range(known)
    if known == 1:
        raise ValueError(f"a {type(network).__name__} has no layers with codes of their own")
    if not layers or not 0 <= min(layers) <= max(layers) < known:
        raise ValueError(f"layers count from 0 to {known - 1}, not {', '.join(map(str, layers)) or 'none'}")
    return layers
