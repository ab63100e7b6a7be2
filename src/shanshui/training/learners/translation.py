"""What all learners of unpaired translation share: photos on one side, paintings on the other, and a game between."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import cycle, islice
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
from shanshui.networks.averaging import half_life_decay, ramped_half_life, update_average
from shanshui.networks.discriminators.patchgan import PatchGANConfig
from shanshui.networks.stylizers.translators import (
    LightTranslator,
    LightTranslatorConfig,
    Translator,
    TranslatorConfig,
    build_translator,
)
from shanshui.objectives.adversarial import GAMES
from shanshui.scenes.dataset import SceneDataset
from shanshui.scenes.sources import open_source
from shanshui.together import positions, whole
from shanshui.training.learners.looking import dithered
from shanshui.training.learners.style import load_painter
from shanshui.training.randomness import generator_at
from shanshui.training.update import AdamConfig

_SHOWN, _COLUMNS = 12, 6
_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class TranslationConfig:
    """What every learner of unpaired translation is made of.

    Attributes:
        paintings: what photos are to become: a data set in the data folder, or a single painting
            (`ARCHIVE.zip/train/file.jpg`), of which each step sees other crops.
        painting_scale: smallest crop of a painting, as a share of the largest.
        translator: the network that turns photos into paintings.
        start: a model of named styles (a zoo name or a file) whose convolutions a `LightTranslator` begins with, and
            whose widths and blocks a recipe then gives it; None for a new network.
        discriminator: judges overlapping patches.
        game: a name from `objectives.adversarial.GAMES`.
        adversarial: weight of the game for the translator. 2 makes up for the 1/2 in this package's least squares,
            which the authors of CycleGAN and CUT leave out on this side.
        average_half_life: of the translator's moving average, which ships, in images.
    """

    paintings: str = "paintings-monet.zip/train"
    painting_scale: float = 0.6
    translator: TranslatorConfig = field(default_factory=LightTranslatorConfig)
    start: str | None = None
    discriminator: PatchGANConfig = field(default_factory=PatchGANConfig)
    game: str = "least-squares"
    adversarial: float = 2.0
    generator_adam: AdamConfig = field(default_factory=lambda: AdamConfig(beta1=0.5, beta2=0.999))
    discriminator_adam: AdamConfig = field(default_factory=lambda: AdamConfig(beta1=0.5, beta2=0.999))
    average_half_life: float = 500

    def __post_init__(self) -> None:
        if self.game not in GAMES:
            raise ConfigError(f"There is no game {self.game!r}: choose one of {', '.join(GAMES)}.")
        if GAMES[self.game].lipschitz:
            raise ConfigError(
                f"The game {self.game} needs a bounded discriminator, which a translation has not: play least-squares."
            )
        if self.adversarial < 0:
            raise ConfigError(f"--adversarial is {self.adversarial}: give 0 or more.")
        if self.start is not None and not isinstance(self.translator, LightTranslatorConfig):
            raise ConfigError("Only a light translator can begin from a model of named styles: leave out --start.")


class TranslationLearner(ABC):
    """Photos and paintings that have nothing to do with each other; subclasses say what holds a picture to its photo.

    Departures from CycleGAN and CUT: the moving average of the translator is what is judged and shipped; discriminator
    and translator learn from the same pictures, and the discriminator moves first.
    """

    looks_through: str | None = None
    block = 1

    def __init__(
        self,
        config: TranslationConfig,
        translator: Translator,
        *,
        data: Path,
        photos: Sequence[NDArray[np.uint8]],
        seed: int,
        fabric: Fabric,
    ) -> None:
        """Learn with `translator`.

        Args:
            config: the recipe.
            translator: what ships, or rather its average.
            data: the folder that `config.paintings` starts from.
            photos: HWC pictures of one size, never learned from, that `draw` translates, and `samples` the first few.
            seed: chooses the order and crops of paintings and all that is drawn.
            fabric: device and precision.

        Raises:
            DataError: the paintings are missing.
        """
        self._photos, self._seed, self._fabric = photos, seed, fabric
        self._game, self._weight, self._half_life = GAMES[config.game], config.adversarial, config.average_half_life
        size = config.discriminator.height, config.discriminator.width
        self._paintings = SceneDataset(open_source(data / config.paintings), *size, min_scale=config.painting_scale)
        self._translator = translator
        self._average = fabric.to_device(deepcopy(translator).requires_grad_(False).eval())

    @property
    @abstractmethod
    def _critic(self) -> nn.Module:
        """The discriminator of paintings."""

    @abstractmethod
    def step(self, batch: Tensor, images_seen: int) -> Mapping[str, Tensor]:
        """Discriminators, translators, average."""

    def samples(self) -> list[NDArray[np.uint8]]:
        """One sheet: photos, each followed by its translation."""
        shown = self._photos[:_SHOWN]
        pairs = zip(shown, self.draw(len(shown)), strict=True)
        return [grid([image for pair in pairs for image in pair], columns=_COLUMNS)]

    @torch.no_grad()
    def draw(self, count: int) -> Iterator[NDArray[np.uint8]]:
        """`count` translations of the photos in their order, over and over."""
        photos = islice(cycle(self._photos), count)
        while some := list(islice(photos, _AT_ONCE)):
            with self._fabric.autocast():
                pictures = self._average(self._fabric.to_device(to_tensor(np.stack(some))))
            yield from to_pixels(pictures.float())

    @torch.no_grad()
    def opinion(self, images: Tensor) -> Tensor | None:
        """The mean logit of each image as a painting."""
        critic = self._critic.eval()  # batch norm, if there is any, learns nothing from looking
        logits = [self._logits(critic, self._fabric.to_device(some)) for some in images.split(_AT_ONCE)]
        critic.train()
        return torch.cat([each.flatten(1).mean(1).cpu() for each in logits])

    def snapshot(self) -> nn.Module:
        """The averaged translator."""
        network: nn.Module = deepcopy(self._average).cpu()
        return network

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Everything needed to continue."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""

    def _photos_at(self, batch: Tensor, images_seen: int) -> Tensor:
        """The photos of a batch without what exactly flat parts do to gradients, on the device."""
        return self._fabric.to_device(dithered(batch, self._seed, images_seen))

    def _paintings_at(self, images_seen: int, count: int) -> Tensor:
        """As many paintings as photos, likewise; a function of (seed, images seen)."""
        crops = np.stack([self._paintings.item(self._seed, place) for place in positions(images_seen, count)])
        return self._fabric.to_device(dithered(to_tensor(crops), self._seed, images_seen))

    def _translated(self, translator: Translator, images: Tensor) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Pictures, float32, and what the encoder saw on the way."""
        with self._fabric.autocast():
            pictures, features = translator.translate(images)
        return pictures.float(), features

    def _logits(self, critic: nn.Module, images: Tensor) -> Tensor:
        with self._fabric.autocast():
            logits: Tensor = critic(images)
        return logits.float()

    def _critic_term(self, critic: nn.Module, reals: Tensor, fakes: Tensor, images_seen: int) -> Tensor:
        """The game for a discriminator, which sees `fakes` as they are and not how they were made."""
        random = generator_at(self._seed, images_seen, "judge")
        real_logits, fake_logits = (self._logits(critic, images) for images in (reals, fakes.detach()))
        return self._game.discriminator(real_logits, fake_logits, random)

    def _adversarial_term(self, critic: nn.Module, fakes: Tensor, reals: Tensor) -> Tensor:
        """The game for a translator."""
        fake_logits = self._logits(critic, fakes)
        real_logits = fake_logits.detach()
        if self._game.needs_real_logits:
            with torch.no_grad():
                real_logits = self._logits(critic, reals)
        return self._weight * self._game.generator(fake_logits, real_logits)

    def _follow(self, images: int, images_seen: int) -> None:
        """Let the average follow the translator after a step on so many images."""
        half_life = ramped_half_life(self._half_life, images_seen)
        update_average(self._average, self._translator, half_life_decay(whole(images), half_life))


def begun(config: TranslationConfig) -> Translator:
    """A translator as the configuration has it begin; new weights are drawn from torch's global generator.

    Raises:
        ModelError: `config.start` is no model of named styles.
        ConfigError: it has other convolutions.
    """
    translator = build_translator(config.translator)
    if config.start is not None:
        assert isinstance(translator, LightTranslator)
        translator.begin_from(load_painter(config.start))
    return translator.to(memory_format=torch.channels_last)  # type: ignore[no-any-return,call-overload]
