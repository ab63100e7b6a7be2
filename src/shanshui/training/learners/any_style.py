"""Learning to paint after any painting: another one at every step, so that what is learned is how to look at them."""

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

from shanshui.errors import ConfigError
from shanshui.images.grids import grid
from shanshui.images.pixels import to_pixels, to_tensor
from shanshui.images.resize import fit_crop
from shanshui.networks.averaging import half_life_decay, ramped_half_life, update_average
from shanshui.networks.encoders.vgg19 import BLOCKS, VGG19
from shanshui.networks.stylizers.arbitrary import LOOKING_SIDE, ArbitraryConfig, ArbitraryStylizer
from shanshui.objectives.style import StyleObjective, content_distance
from shanshui.scenes.dataset import SceneDataset
from shanshui.scenes.sampler import index_at
from shanshui.scenes.sources import open_source
from shanshui.together import own, positions, whole
from shanshui.training.learners.exemplars import paintings_at
from shanshui.training.learners.looking import dithered, dtype_of_autocast, window
from shanshui.training.learners.style import load_painter
from shanshui.training.randomness import generator_at
from shanshui.training.update import AdamConfig, Updater

TAUGHT = "relu4_1"
"""The layer of VGG-19 that the encoder learns to tell."""

_TAUGHT_CHANNELS = BLOCKS[3][0]
_TAUGHT_SIZE = 1000.0  # about the root mean square of VGG-19's features there, which small weights do not reach soon


@dataclass(frozen=True, kw_only=True)
class AnyStyleConfig:
    """What an `AnyStyleLearner` is made of.

    Attributes:
        paintings: data sets of paintings in the data folder. They take turns; one that is named twice has two.
        painting_size: pixels of each side of the paintings, which are random crops.
        painting_scale: smallest crop of a painting, as a share of the largest.
        recoloured: share of the paintings whose red, green and blue change places: colours that no painting here has.
        styles: name -> paintings (data sets or single files) that the network remembers by that name: the mean of what
            it tells of them. Nothing is learned from them.
        painting_margin: share of their shorter side that is cut off those all around.
        examples: paintings for the sample sheets: the first of each of these data sets.
        network: the stylizer.
        start: a model of named styles (a zoo name or a file) whose decoder this one begins with, of the same widths and
            blocks whatever `network` says; None for a new one.
        content: VGG-19 layer -> weight of the distance to the photo.
        style: VGG-19 layer -> weight of the Gram distance to the painting.
        moments: VGG-19 layer -> weight of the distance in mean and deviation.
        tone: weight of the distance to the photo's layout of light and dark.
        palette: weight of the distance to the painting's colours.
        smoothness: weight of the total variation.
        distillation: weight of the encoder's error in telling VGG-19's relu4_1, of photos and of paintings.
        group: consecutive photos of a batch that share a painting and are judged together.
        average_half_life: of the network's moving average, which ships, in images.
    """

    paintings: tuple[str, ...]
    painting_size: int = 144
    painting_scale: float = 0.5
    recoloured: float = 0.2
    styles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    painting_margin: float = 0.04
    examples: tuple[str, ...] = ()
    network: ArbitraryConfig = field(default_factory=ArbitraryConfig)
    start: str | None = None
    content: Mapping[str, float]
    style: Mapping[str, float]
    moments: Mapping[str, float]
    tone: float = 1.0
    palette: float = 0.0
    smoothness: float = 0.02
    distillation: float = 1.0
    group: int = 1
    adam: AdamConfig = field(default_factory=lambda: AdamConfig(learning_rate=2e-3, beta1=0.9, clip_norm=5.0))
    average_half_life: float = 500

    def __post_init__(self) -> None:
        if not self.paintings:
            raise ConfigError("A stylizer for any painting needs at least one data set of paintings.")
        if self.group < 1 or self.painting_size < 32 or self.painting_size % 8 or not 0 <= self.recoloured <= 1:
            raise ConfigError(
                "A recipe for any painting needs a group of at least 1, a painting_size of at least 32 pixels, a "
                "multiple of 8, and a share from 0 to 1 as recoloured."
            )


class Apprentice(nn.Module):
    """The stylizer, and the head through which its encoder is examined, which does not ship."""

    def __init__(self, config: ArbitraryConfig) -> None:
        super().__init__()
        self.stylizer = ArbitraryStylizer(config)
        self.head = nn.Conv2d(config.encoder_deep_width, _TAUGHT_CHANNELS, 1)

    def forward(self, photos: Tensor, paintings: Tensor, seen: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Photos painted, and what the encoder tells of each batch in `seen`, whose sides are multiples of 8."""
        told = [_TAUGHT_SIZE * self.head(self.stylizer.encoder(images)) for images in seen]
        return self.stylizer(photos, paintings), told


class AnyStyleLearner:
    """Perceptual losses on a stylizer for any painting, whose encoder learns from VGG-19 at the same time.

    One stage, where others train the encoder first: the distance to VGG-19's relu4_1 (through a 1 x 1 convolution) is a
    term beside the losses of the pictures, which reach the encoder as well.
    """

    looks_through: str | None = "vgg19"

    def __init__(
        self, config: AnyStyleConfig, *, data: Path, photos: Sequence[NDArray[np.uint8]], seed: int, fabric: Fabric
    ) -> None:
        """A network initialised from `seed`.

        Args:
            config: the recipe.
            data: the folder that the paths of `config.paintings` and `config.examples` start from.
            photos: HWC pictures of one size that `samples` and `draw` paint after `config.examples`.
            seed: chooses the initial weights and the order and crops of paintings.
            fabric: device and precision.

        Raises:
            DataError: a data set of paintings is missing or empty.
            ModelError: `config.start` is no model of named styles.
            ConfigError: its decoder is another one.
        """
        self._config, self._photos, self._seed, self._fabric = config, photos, seed, fabric
        self.block = config.group
        margin = config.painting_margin
        start = None if config.start is None else load_painter(config.start)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            apprentice = Apprentice(config.network if start is None else config.network.fitting(start.config))
        if start is not None:
            apprentice.stylizer.begin_from(start)
        apprentice = apprentice.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._average: ArbitraryStylizer = fabric.to_device(deepcopy(apprentice.stylizer).requires_grad_(False).eval())
        self._encode = fabric.to_device(VGG19()).to(dtype_of_autocast(fabric))
        self._objective = StyleObjective(
            content=config.content,
            style=config.style,
            moments=config.moments,
            tone=config.tone,
            palette=config.palette,
            smoothness=config.smoothness,
        )
        self._styles = {
            name: [painting for place in places for painting in paintings_at(data / place, LOOKING_SIDE, margin)]
            for name, places in config.styles.items()
        }
        self._paintings = [self._dataset(data / place) for place in config.paintings]
        self._examples = [self._dataset(data / place).still(0) for place in config.examples]
        self._apprentice = Updater(fabric, apprentice, config.adam)

    def step(self, batch: Tensor, images_seen: int) -> Mapping[str, Tensor]:
        """Paint, compare with photo and painting, compare the encoder with VGG-19, average.

        Raises:
            ConfigError: the batch cannot be divided into groups.
        """
        objective, config = self._objective, self._config
        batch = dithered(batch, self._seed, images_seen)
        paintings = self._paintings_at(images_seen, len(batch))
        photos = window(batch, self._seed, images_seen)
        stylised, told = self._apprentice.network(
            batch, paintings.repeat_interleave(config.group, dim=0), (photos, paintings)
        )
        stylised = window(stylised, self._seed, images_seen)
        with torch.no_grad():
            photo_features = self._encode(photos, (*objective.content, TAUGHT))
            painting_features = self._encode(paintings, (*objective.layers, TAUGHT))
            targets = objective.targets(paintings, painting_features)
        features = self._encode(stylised, objective.layers)

        terms = objective(stylised, photos, features, photo_features, targets)
        taught = photo_features[TAUGHT], painting_features[TAUGHT]
        errors = [content_distance(answer, right) for answer, right in zip(told, taught, strict=True)]
        terms[f"distillation.{TAUGHT}"] = config.distillation * torch.stack(errors).mean()
        self._apprentice(terms, images_seen)

        half_life = ramped_half_life(config.average_half_life, images_seen)
        update_average(self._average, self._stylizer(), half_life_decay(whole(len(batch)), half_life))
        return {name: term.detach() for name, term in terms.items()}

    def samples(self) -> list[NDArray[np.uint8]]:
        """One sheet: the paintings on top, below a row for each photo, followed by its picture after every painting."""
        side = self._photos[0].shape[:2]
        top = [np.zeros_like(self._photos[0]), *(fit_crop(painting, *side) for painting in self._examples)]
        rows = [(photo, *(self._paint(photo, painting) for painting in self._examples)) for photo in self._photos]
        return [grid([*top, *(image for row in rows for image in row)], columns=1 + len(self._examples))]

    def draw(self, count: int) -> Iterator[NDArray[np.uint8]]:
        """`count` pictures: photos after all examples, over and over."""
        pairs = cycle(product(self._photos, self._examples))
        return (self._paint(photo, painting) for photo, painting in islice(pairs, count))

    def opinion(self, images: Tensor) -> None:
        """None: nothing is told from anything here."""

    def snapshot(self) -> ArbitraryStylizer:
        """The averaged stylizer, with what it tells of the paintings that have names."""
        network = deepcopy(self._average).cpu()
        with torch.no_grad():
            told = {
                name: torch.stack([network.style_of(painting) for painting in paintings]).mean(0)
                for name, paintings in self._styles.items()
            }
        return network.naming(told).requires_grad_(False).eval()

    def state_dict(self) -> dict[str, Any]:
        """Stylizer, head, optimiser and average."""
        return {"apprentice": self._apprentice.state_dict(), "average": self._average.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self._apprentice.load_state_dict(state["apprentice"])
        self._average.load_state_dict(state["average"])

    def _dataset(self, place: Path) -> SceneDataset:
        side, scale = self._config.painting_size, self._config.painting_scale
        return SceneDataset(open_source(place), side, side, min_scale=scale)

    def _paintings_at(self, images_seen: int, count: int) -> Tensor:
        """One painting per group of the batch, a function of (seed, images seen)."""
        groups, rest = divmod(count, self._config.group)
        if rest:
            raise ConfigError(
                f"A batch of {count} photos cannot be divided into groups of {self._config.group}: "
                "give a --batch-size that is a multiple of it."
            )
        first = images_seen // self._config.group
        crops = [
            self._paintings[index_at(self._seed, place, len(self._paintings))].item(self._seed, place)
            for place in positions(first, groups, block=1)
        ]
        paintings = to_tensor(np.stack(crops))
        random = generator_at(self._seed, images_seen, "recoloured")
        recoloured = own(torch.rand(whole(groups), generator=random), block=1) < self._config.recoloured
        orders = own(torch.rand(whole(groups), 3, generator=random), block=1).argsort(dim=1)
        orders = torch.where(recoloured[:, None], orders, torch.arange(3))
        return self._fabric.to_device(paintings.gather(1, orders[..., None, None].expand_as(paintings)))

    def _stylizer(self) -> nn.Module:
        stylizer: nn.Module = self._apprentice.network.stylizer
        return stylizer

    @torch.no_grad()
    def _paint(self, photo: NDArray[np.uint8], painting: NDArray[np.uint8]) -> NDArray[np.uint8]:
        both = (self._fabric.to_device(to_tensor(pixels)) for pixels in (photo, painting))
        with self._fabric.autocast():
            painted = self._average(*both)
        picture: NDArray[np.uint8] = to_pixels(painted.float())[0]
        return picture
