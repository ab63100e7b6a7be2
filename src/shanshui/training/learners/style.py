"""Learning a feed-forward stylizer: photos in, one of many named styles each, perceptual losses out."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import cycle, islice, product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from shanshui.checkpoints.weights import load_snapshot
from shanshui.checkpoints.zoo import resolve
from shanshui.errors import ConfigError, ModelError
from shanshui.images.grids import grid
from shanshui.images.pixels import to_pixels, to_tensor
from shanshui.networks.averaging import half_life_decay, ramped_half_life, update_average
from shanshui.networks.encoders.vgg19 import VGG19
from shanshui.networks.stylizers.feedforward import FeedForwardConfig, FeedForwardStylizer
from shanshui.objectives.attacks import attacked
from shanshui.objectives.style import SteadinessTerm, StyleObjective
from shanshui.scenes.sampler import index_at
from shanshui.together import own, positions, whole
from shanshui.training.learners.exemplars import style_targets
from shanshui.training.learners.looking import dithered, dtype_of_autocast, window
from shanshui.training.randomness import generator_at
from shanshui.training.update import AdamConfig, Updater

_GRAIN = 0.03
"""Deviation of what differs at random between two frames of a film, in units of [-1, 1]: four levels of 256."""

_ATTACK = 2 * 2 / 255
"""Largest change of a value in a photo that is attacked, in units of [-1, 1]: two steps of eight bits."""


@dataclass(frozen=True, kw_only=True)
class StyleTeaching:
    """What a stylizer is taught, and how.

    Attributes:
        styles: name -> the paintings that define it: data sets or single files (`ARCHIVE.zip/train/file.jpg`) in the
            data folder. Their statistics are averaged: few coherent paintings give a strong style, many a vague one.
        painting_side: shorter side at which the paintings are looked at, in pixels: it sets the size of the strokes.
        painting_margin: share of that side that is cut off all around (frames, paper, edges of a scan).
        content: VGG-19 layer -> weight of the distance to the photo.
        style: VGG-19 layer -> weight of the Gram distance to the paintings.
        moments: VGG-19 layer -> weight of the distance in mean and deviation.
        tone: weight of the distance to the photo's layout of light and dark.
        palette: weight of the distance to the paintings' colours.
        smoothness: weight of the total variation.
        steadiness: weight of the change between two frames of a film that moves over each photo, grain included; it
            costs a second pass of the network, which 0 saves.
        robustness: weight of the change under the worst disturbance of each photo, two steps of eight bits at most; it
            costs two more passes of the network, which 0 saves.
        group: consecutive photos of a batch that share a style and are judged together.
        average_half_life: of the network's moving average, which ships, in images.
    """

    styles: Mapping[str, tuple[str, ...]]
    painting_side: int = 384
    painting_margin: float = 0.04
    content: Mapping[str, float]
    style: Mapping[str, float]
    moments: Mapping[str, float] = field(default_factory=dict)
    tone: float = 1.0
    palette: float = 0.0
    smoothness: float = 0.02
    steadiness: float = 0.0
    robustness: float = 0.0
    group: int = 3
    adam: AdamConfig = field(default_factory=lambda: AdamConfig(learning_rate=3e-3, beta1=0.9, clip_norm=5.0))
    average_half_life: float = 500

    def __post_init__(self) -> None:
        if self.group < 1 or self.painting_side < 32 or not 0 <= self.painting_margin < 0.4:
            raise ConfigError(
                "A style recipe needs a group of at least 1, a painting_side of at least 32 pixels and a "
                "painting_margin from 0 to 0.4."
            )


@dataclass(frozen=True, kw_only=True)
class StyleConfig(StyleTeaching):
    """What a network is made of and taught.

    Attributes:
        width, blocks, deep_width, deep_blocks: see `FeedForwardConfig`.
        start: a model of named styles (a zoo name or a file) that the network begins as, of the same widths and blocks
            whatever stands above; styles that it does not know begin as the mean of its own. None for a new one.
    """

    start: str | None = None
    width: int = 64
    blocks: int = 3
    deep_width: int = 96
    deep_blocks: int = 3


class StyleLearner:
    """Perceptual losses (Johnson et al. 2016) on a many-style network (Dumoulin et al. 2017).

    Departures: the distances are relative to their targets, and the photos of a group share their style statistics
    (`objectives.style`), so no style dominates another and a plain sky stays plain.
    """

    looks_through: str | None = "vgg19"

    def __init__(
        self,
        config: StyleTeaching,
        network: FeedForwardStylizer,
        *,
        data: Path,
        photos: Sequence[NDArray[np.uint8]],
        seed: int,
        fabric: Fabric,
    ) -> None:
        """Teach `network` the styles of `config`, which it must be made for, and look at their targets.

        Args:
            config: the recipe.
            network: what learns; its parameters that need no gradient stay as they are.
            data: the folder that the paths of `config.styles` start from.
            photos: HWC pictures of one size that `samples` and `draw` show in the styles.
            seed: chooses the order of styles.
            fabric: device and precision.

        Raises:
            DataError: a data set of paintings is missing or empty.
            ImageError: a painting cannot be read.
        """
        self._config, self._photos, self._seed, self._fabric = config, photos, seed, fabric
        self.block = config.group
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._average = fabric.to_device(deepcopy(network).requires_grad_(False).eval())
        self._encode = fabric.to_device(VGG19()).to(dtype_of_autocast(fabric))
        self._objective = StyleObjective(
            content=config.content,
            style=config.style,
            moments=config.moments,
            tone=config.tone,
            palette=config.palette,
            smoothness=config.smoothness,
        )
        self._steadiness = SteadinessTerm(config.steadiness)
        self._robustness = SteadinessTerm(config.robustness)
        self._targets = style_targets(
            config.styles,
            data,
            objective=self._objective,
            encode=self._encode,
            side=config.painting_side,
            margin=config.painting_margin,
            device=fabric.device,
        )
        self._stylizer = Updater(fabric, network, config.adam)

    def step(self, batch: Tensor, images_seen: int) -> Mapping[str, Tensor]:
        """Stylise, compare with photo and paintings, average.

        Raises:
            ConfigError: the batch cannot be divided into groups.
        """
        batch = dithered(batch, self._seed, images_seen)
        objective, group = self._objective, self._config.group
        styles = styles_in_turn(self._seed, images_seen, len(batch), group, len(self._config.styles)).to(batch.device)
        weights = self._one_hot(styles.repeat_interleave(group))
        pictures = self._stylizer.network(batch, weights)
        stylised, photos = (window(images, self._seed, images_seen) for images in (pictures, batch))
        with torch.no_grad():
            photo_features = self._encode(photos, tuple(objective.content))
        features = self._encode(stylised, objective.layers)

        terms = objective(stylised, photos, features, photo_features, self._targets.rows(styles))
        if self._steadiness.weight > 0:
            # The window is where the camera stands one frame later: the network sees it from another corner, with
            # other statistics and other grain. Seen through the window, both frames show the same part of the scene;
            # unaligned, the term would ask for the photo's edges in the painting.
            later_photos = photos + self._grain(photos, images_seen)
            later = self._stylizer.network(later_photos, weights)
            terms["steadiness"] = self._steadiness(later, stylised, later_photos, photos)
        if self._robustness.weight > 0:
            # The term of a film whose next frame is the worst that could come: the same photo, attacked.
            worst = self._attacked(batch, pictures, weights, images_seen)
            moved, worst_photos = (
                window(images, self._seed, images_seen) for images in (self._stylizer.network(worst, weights), worst)
            )
            terms["robustness"] = self._robustness(moved, stylised, worst_photos, photos)
        self._stylizer(terms, images_seen)

        half_life = ramped_half_life(self._config.average_half_life, images_seen)
        update_average(self._average, self._stylizer.network, half_life_decay(whole(len(batch)), half_life))
        return {name: term.detach() for name, term in terms.items()}

    def samples(self) -> list[NDArray[np.uint8]]:
        """One sheet: a row for each photo, followed by its picture in every style."""
        styles = range(len(self._config.styles))
        rows = [(photo, *(self._paint(photo, style) for style in styles)) for photo in self._photos]
        return [grid([image for row in rows for image in row], columns=1 + len(styles))]

    def draw(self, count: int) -> Iterator[NDArray[np.uint8]]:
        """`count` pictures: photos in all styles, over and over."""
        pairs = cycle(product(self._photos, range(len(self._config.styles))))
        return (self._paint(photo, style) for photo, style in islice(pairs, count))

    def opinion(self, images: Tensor) -> None:
        """None: nothing is told from anything here."""

    def snapshot(self) -> nn.Module:
        """The averaged network."""
        network: nn.Module = deepcopy(self._average).cpu()
        return network

    def state_dict(self) -> dict[str, Any]:
        """Network, optimiser and average; the targets are computed again from the paintings."""
        return {"stylizer": self._stylizer.state_dict(), "average": self._average.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self._stylizer.load_state_dict(state["stylizer"])
        self._average.load_state_dict(state["average"])

    def _grain(self, photos: Tensor, images_seen: int) -> Tensor:
        random = generator_at(self._seed, images_seen, "grain")
        return _GRAIN * own(torch.randn(whole(len(photos)), *photos.shape[1:], generator=random)).to(photos)

    def _attacked(self, batch: Tensor, pictures: Tensor, weights: Tensor, images_seen: int) -> Tensor:
        """The photos as one step of an attack leaves them; a step is enough to learn from (Wong et al. 2020)."""

        def paint(photos: Tensor) -> Tensor:
            return self._stylizer.differentiable(photos, weights)

        random = generator_at(self._seed, images_seen, "attack")
        return attacked(paint, batch, reach=_ATTACK, steps=1, random=random, still=pictures)

    def _one_hot(self, styles: Tensor) -> Tensor:
        return nn.functional.one_hot(styles, len(self._config.styles)).float()

    @torch.no_grad()
    def _paint(self, photo: NDArray[np.uint8], style: int) -> NDArray[np.uint8]:
        weights = self._one_hot(torch.tensor([style], device=self._fabric.device))
        with self._fabric.autocast():
            painted = self._average(self._fabric.to_device(to_tensor(photo)), weights)
        picture: NDArray[np.uint8] = to_pixels(painted.float())[0]
        return picture


class AddedStyleLearner(StyleLearner):
    """Teaches a network that is trained already more styles: only their own scales and shifts learn."""

    def __init__(self, config: StyleTeaching, *, base: FeedForwardStylizer, **rest: Any) -> None:
        """`base` is left as it is; the others are those of `StyleLearner`.

        Raises:
            ConfigError: `base` knows a style of `config` already.
        """
        network = base.restyled(tuple(config.styles))
        base.joined(network)  # an error of names must not come up after the training
        super().__init__(config, rows_only(network), **rest)
        self._base = base

    def snapshot(self) -> nn.Module:
        """The base with the averaged new styles beside its own."""
        added = super().snapshot()
        assert isinstance(added, FeedForwardStylizer)
        return self._base.joined(added)


def new_network(config: StyleConfig, seed: int) -> FeedForwardStylizer:
    """The network that `config` begins with, or one of its shape with the weights that `seed` chooses.

    Raises:
        ModelError: `config.start` is no model of named styles.
    """
    if config.start is not None:
        return load_painter(config.start).restyled(tuple(config.styles))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return FeedForwardStylizer(
            FeedForwardConfig(
                styles=tuple(config.styles),
                width=config.width,
                blocks=config.blocks,
                deep_width=config.deep_width,
                deep_blocks=config.deep_blocks,
            )
        )


def styles_in_turn(seed: int, images_seen: int, count: int, group: int, styles: int) -> Tensor:
    """One style per group of a batch: shuffled rounds through all `styles`, a function of (seed, images seen).

    Returns:
        (count / group,) int64 on the CPU.

    Raises:
        ConfigError: the batch cannot be divided into groups.
    """
    groups, rest = divmod(count, group)
    if rest:
        raise ConfigError(
            f"A batch of {count} photos cannot be divided into groups of {group}: "
            "give a --batch-size that is a multiple of it."
        )
    first = images_seen // group
    return torch.tensor([index_at(seed, place, styles) for place in positions(first, groups, block=1)])


def load_painter(name: str) -> FeedForwardStylizer:
    """The network of named styles that is called `name`: a model that ships, a snapshot or a hub id.

    Raises:
        ModelError: there is none, or it is another kind of model.
    """
    network, _ = load_snapshot(resolve(name))
    if not isinstance(network, FeedForwardStylizer):
        raise ModelError(f"{name} has no named styles to begin from but is a {type(network).__name__}: try `painter`.")
    return network


def rows_only(network: FeedForwardStylizer) -> FeedForwardStylizer:
    """`network` with nothing left to learn but the rows of its styles."""
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name.rpartition(".")[2] in ("gamma", "beta"))
    return network
