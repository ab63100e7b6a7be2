"""Learning scenes: a generator against a discriminator that looks through a frozen encoder."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from shanshui.errors import ConfigError
from shanshui.images.pixels import to_pixels
from shanshui.networks.averaging import half_life_decay, ramped_half_life, update_average
from shanshui.networks.discriminators.projected import FeatureProjector, ProjectedConfig, ProjectedDiscriminator
from shanshui.networks.generators.fastgan import FastGAN, FastGANConfig
from shanshui.networks.spectral import without_spectral_norm
from shanshui.objectives.adversarial import GAMES
from shanshui.scenes.augment import augment
from shanshui.training.randomness import generator_at
from shanshui.training.update import AdamConfig, Updater, frozen

_SAMPLES = 64
_DRAWN_AT_ONCE = 32


@dataclass(frozen=True, kw_only=True)
class SceneConfig:
    """What a `SceneLearner` is made of.

    Attributes:
        game: a name from `objectives.adversarial.GAMES`.
        average_half_life: of the generator's moving average, in images.
    """

    generator: FastGANConfig = field(default_factory=FastGANConfig)
    discriminator: ProjectedConfig = field(default_factory=ProjectedConfig)
    game: str = "hinge"
    generator_adam: AdamConfig = field(default_factory=AdamConfig)
    discriminator_adam: AdamConfig = field(default_factory=AdamConfig)
    average_half_life: float = 5_000

    def __post_init__(self) -> None:
        if self.game not in GAMES:
            raise ConfigError(f"There is no game {self.game!r}: choose one of {', '.join(GAMES)}.")


class SceneLearner:
    """Projected GAN training (Sauer et al. 2021): hinge loss, no penalty, differentiable augmentation.

    One departure: discriminator and generator learn from the same generated images, as in the first DCGAN programs,
    instead of a fresh draw for each. It spares one pass through generator and encoder per step.
    """

    def __init__(self, config: SceneConfig, *, height: int, width: int, seed: int, fabric: Fabric) -> None:
        """Networks for scenes of height x width pixels, initialised from `seed`.

        Raises:
            ConfigError: the size is not of the form 4 m 2^doublings.
        """
        self._config, self._seed, self._fabric = config, seed, fabric
        self._game = GAMES[config.game]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            generator = FastGAN(config.generator)
            discriminator = ProjectedDiscriminator(config.discriminator)
        try:
            self._grid = generator.grid_for(height, width)
        except ValueError as error:
            raise ConfigError(f"Scenes of {width}x{height} pixels do not fit this recipe: {error}.") from error
        self._average = deepcopy(generator).requires_grad_(False).eval().to(fabric.device)
        self._project = fabric.to_device(FeatureProjector(config.discriminator.seed))
        self.looks_through: str | None = FeatureProjector.looks_through
        self._generator = Updater(fabric, generator, config.generator_adam)
        self._discriminator = Updater(fabric, discriminator, config.discriminator_adam)

    def step(self, batch: Tensor, images_seen: int) -> Mapping[str, Tensor]:
        """Discriminator, generator, average."""
        generate, judge, game = self._generator.network, self._discriminator.network, self._game
        random = generator_at(self._seed, images_seen, "scene")
        fakes = generate(self._latents(len(batch), random))
        seen_fakes = self._look(augment(fakes, random))
        with torch.no_grad():
            seen_reals = self._look(augment(batch, random))

        known_fakes = [features.detach() for features in seen_fakes]
        real_logits, fake_logits = judge(seen_reals), judge(known_fakes)
        discriminator_terms = {f"discriminator.{game.name}": game.discriminator(real_logits, fake_logits, random)}
        self._discriminator(discriminator_terms, images_seen)

        with frozen(judge):
            generator_terms = {f"generator.{game.name}": game.generator(judge(seen_fakes), real_logits.detach())}
            self._generator(generator_terms, images_seen)

        half_life = ramped_half_life(self._config.average_half_life, images_seen)
        update_average(self._average, self._generator.network, half_life_decay(len(batch), half_life))
        logits = {"logits.real": real_logits.mean(), "logits.fake": fake_logits.mean()}
        return {name: term.detach() for name, term in (discriminator_terms | generator_terms | logits).items()}

    def samples(self) -> list[NDArray[np.uint8]]:
        """A fixed set of latents through the averaged generator."""
        return list(self._draw(_SAMPLES, generator_at(self._seed, 0, "samples")))

    def draw(self, count: int) -> Iterator[NDArray[np.uint8]]:
        """`count` scenes of the averaged generator."""
        return self._draw(count, generator_at(self._seed, 0, "judged"))

    def snapshot(self) -> nn.Module:
        """The averaged generator with spectral norm divided out."""
        plain = FastGAN(replace(self._config.generator, spectral_norm=False))
        plain.load_state_dict(without_spectral_norm(self._average).state_dict())
        return plain.eval()

    def state_dict(self) -> dict[str, Any]:
        """Networks, optimisers, average and the fixed random projections."""
        return {
            "generator": self._generator.state_dict(),
            "discriminator": self._discriminator.state_dict(),
            "average": self._average.state_dict(),
            "projections": self._projections(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self._generator.load_state_dict(state["generator"])
        self._discriminator.load_state_dict(state["discriminator"])
        self._average.load_state_dict(state["average"])
        self._project.load_state_dict(state["projections"], strict=False)

    def _look(self, images: Tensor) -> list[Tensor]:
        with self._fabric.autocast():
            features: list[Tensor] = self._project(images)
        return features

    def _latents(self, count: int, random: torch.Generator) -> Tensor:
        return self._average.draw_latents(count, self._grid, random).to(self._fabric.device)

    @torch.no_grad()
    def _draw(self, count: int, random: torch.Generator) -> Iterator[NDArray[np.uint8]]:
        for first in range(0, count, _DRAWN_AT_ONCE):
            with self._fabric.autocast():
                scenes = self._average(self._latents(min(_DRAWN_AT_ONCE, count - first), random))
            yield from to_pixels(scenes.float())

    def _projections(self) -> dict[str, Tensor]:
        """All of the projector that is not the installed encoder: a torch release may draw other numbers."""
        return {name: tensor for name, tensor in self._project.state_dict().items() if not name.startswith("encoder.")}
