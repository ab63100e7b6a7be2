"""Scenes wider than those a generator was trained on, and scenes whose right edge joins the left one.

A wide scene is many scenes of the trained size at once, each half over the next. They go through the network side by
side, as a batch; after each layer, wherever they overlap, their maps are replaced by one weighted mean, so that all
layers behind it continue the same map. Every layer sees only what it learned to see, a map of the trained size (its
zeros at the border, its pooling, its means and deviations), and what belongs to one place (latent, style, class) fades
into its neighbours'. It takes two to four times as long as separate scenes of the same area.

Styles that change along the width are the thought of Skorokhodov et al. 2021, "Aligning Latent and Image Spaces to
Connect the Unconnectable" (https://arxiv.org/abs/2104.06954, section 3). Departure: they interpolate the factors of
modulated layers and train with that; here the outputs of layers are blended, which needs nothing of a layer but that
it makes a map, and no training.

Where places stand in a ring, the first one is the neighbour of the last one, and nothing tells where the ring was cut.
"""

import math
from copy import deepcopy
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from shanshui.networks.generators.base import SceneNetwork
from shanshui.networks.generators.style_based import PixelNoise

# What the latents of two places of one scene have in common: with none the weather changes every few trees, with much
# more than this the same mountain comes again and again.
_COMMON = 0.5


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where scenes of the trained size lie in a wide one, counted in columns of the coarsest map.

    Attributes:
        starts: first column of each place; a place that reaches beyond the last column goes on at the first one.
        width: columns of a place.
        columns: columns of the wide scene.
    """

    starts: tuple[int, ...]
    width: int
    columns: int

    def at(self, scale: int, norm: int) -> tuple[Tensor, Tensor]:
        """For maps with `scale` columns for each of the coarsest, two tables (places, columns of a place).

        Which columns of the wide map a place covers, int64, and with which weights: a squared sine, 0 at the edges of
        the place, in proportion to those of its neighbours. The weights at a column of the wide map have an L-`norm`
        of 1: with 1 they sum to 1, with 2 their squares do.
        """
        size = scale * self.width
        covered = (scale * torch.tensor(self.starts)[:, None] + torch.arange(size)) % (scale * self.columns)
        hill = torch.sin(math.pi * (torch.arange(size, dtype=torch.float64) + 0.5) / size).square()
        hills = hill.expand(len(self.starts), -1)
        sums = hill.new_zeros(scale * self.columns).index_add(0, covered.flatten(), hills.flatten() ** norm)
        return covered, hills / sums[covered] ** (1 / norm)


def along(network: SceneNetwork, height: int, width: int) -> Places:
    """Places from the left edge to the right edge of a scene of `height` x `width` pixels; one if that is its own size.

    Raises:
        ValueError: scenes of this size cannot be made.
    """
    if (height, width) == network.size:
        return Places(starts=(0,), width=1, columns=1)
    own, columns = _columns(network, height, width)
    steps = max(1, 2 * (columns - own) // own)
    starts = tuple(round(step * (columns - own) / steps) for step in range(steps + 1))
    return Places(starts=starts, width=own, columns=columns)


def around(network: SceneNetwork, height: int, width: int) -> Places:
    """Places in a ring, at least two: the right edge of their scene joins its left edge.

    Raises:
        ValueError: scenes of this size cannot be made.
    """
    own, columns = _columns(network, height, width)
    count = 2 * columns // own
    return Places(starts=tuple(round(k * columns / count) for k in range(count)), width=own, columns=columns)


def draw_wide_latents(network: SceneNetwork, places: Places, generator: torch.Generator) -> Tensor:
    """Standard normal latents of one wide scene, (places, ...), a pure function of the generator's state.

    The first draw is the latent of the network's own scene; one place has it unchanged, and of several each has half
    its variance from it, which gives the scene one weather and one country, and the other half from a draw of its own.
    """
    common = network.draw_latents(1, generator)
    if len(places.starts) == 1:
        return common
    own = torch.cat([network.draw_latents(1, generator) for _ in places.starts])
    return math.sqrt(_COMMON) * common + math.sqrt(1 - _COMMON) * own


def render_wide(network: SceneNetwork, codes: Tensor, places: Places, labels: Tensor | None = None) -> Tensor:
    """Wide scenes (N, 3, H, W) in the range of `network.render`; one place makes exactly its scene.

    The network must be in evaluation mode; it stays as it is.

    Args:
        network: any scene generator.
        codes: (N * places, ...), the codes of the first scene from left to right, then those of the second.
        places: what `along` or `around` gave for this network.
        labels: (N * places,) int64 in the same order; None for a network without classes.
    """
    if len(places.starts) == 1:
        return network.render(codes, labels)
    return merge(_joined(network, places).render(codes, labels), places)


def merge(maps: Tensor, places: Places, *, norm: int = 1) -> Tensor:
    """Maps of places (N * places, C, H, W) -> wide maps (N, C, H, columns), a weighted sum where places overlap.

    Args:
        maps: of any scale.
        places: where they lie.
        norm: of the weights at a column; 1 makes means. 2 keeps the variance of independent noise, which a mean lowers.
    """
    scale = maps.shape[3] // places.width
    covered, weights = (table.to(maps.device) for table in places.at(scale, norm))
    scenes = maps.unflatten(0, (-1, len(places.starts)))
    wide = maps.new_zeros(*scenes[:, 0].shape[:3], scale * places.columns)
    # One place after the other: adding all at once has no fixed order on an accelerator.
    for place, (columns, weight) in enumerate(zip(covered, weights.to(maps.dtype), strict=True)):
        wide.index_add_(3, columns, scenes[:, place] * weight)
    return wide


def cut(wide: Tensor, places: Places) -> Tensor:
    """Wide maps (N, C, H, columns) -> what places see of them (N * places, C, H, W)."""
    covered, _ = places.at(wide.shape[3] // places.columns, 1)
    return wide[..., covered.to(wide.device)].movedim(3, 1).flatten(0, 1)


def _columns(network: SceneNetwork, height: int, width: int) -> tuple[int, int]:
    """Columns of the coarsest map: of the network's own scenes, and of scenes of `height` x `width` pixels."""
    own_height, own_width = network.size
    pixels = 2**network.config.doublings
    if height != own_height or width < own_width or width % pixels:
        raise ValueError(
            f"this network makes scenes that are {own_height} pixels high and {own_width} or more wide, in steps of "
            f"{pixels}, not {width}x{height}"
        )
    if own_width == pixels:
        raise ValueError("this network's coarsest map is one column wide, which leaves nothing to lie over another")
    return own_width // pixels, width // pixels


def _joined(network: SceneNetwork, places: Places) -> SceneNetwork:
    """A copy that shares all weights and joins what its layers make."""
    shared = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
    copy = deepcopy(network, shared)
    for layer in copy.layers_to_join():
        layer.register_forward_hook(lambda layer, arguments, maps: cut(merge(maps, places), places))
    for module in copy.modules():
        if isinstance(module, PixelNoise):
            module.register_forward_hook(partial(_join_noise, places))
    return copy


def _join_noise(places: Places, layer: nn.Module, arguments: tuple[int, object], noise: Tensor) -> Tensor:
    # In evaluation noise is one map for the whole batch, whose size is the first argument.
    return cut(merge(noise.expand(arguments[0], -1, -1, -1), places, norm=2), places)
