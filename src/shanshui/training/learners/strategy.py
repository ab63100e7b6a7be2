"""What an adversarial training is made of: two networks, a game, penalties, and who moves when.

Everything is a plain number or name, so that a recipe, a command line and a run's config.json can hold it. What makes
no sense together is refused here, in one sentence, before anything is trained.
"""

from dataclasses import dataclass, field, replace
from typing import get_args

from shanshui.errors import ConfigError
from shanshui.networks.adversaries import fit_discriminator, fit_generator
from shanshui.networks.discriminators.base import Discriminator, DiscriminatorConfig
from shanshui.networks.discriminators.projected import ProjectedConfig
from shanshui.networks.generators.base import GeneratorConfig, SceneNetwork
from shanshui.networks.generators.fastgan import FastGANConfig
from shanshui.networks.generators.style_based import StyleBasedGenerator
from shanshui.objectives.adversarial import GAMES
from shanshui.scenes.adaptive import AdaptationConfig
from shanshui.scenes.augmentations import AugmentationName
from shanshui.training.schedules import Schedule
from shanshui.training.update import AdamConfig


@dataclass(frozen=True, kw_only=True)
class PenaltyConfig:
    """Strengths of what is added to the game; 0 leaves a penalty out. A lazy one counts `every` times as much, seldom.

    Attributes:
        gradient_penalty: WGAN-GP's lambda, between real and generated images.
        r1: gamma of R1, on real images.
        r1_every: steps from one R1 to the next.
        r2: gamma of R2, on generated images.
        r2_every: steps from one R2 to the next.
        schedule: of `r1` and `r2`.
        path_length: of the generator's path length penalty; needs a style-based generator.
        path_length_every: steps from one to the next.
        mode_seeking: on latents that give the same scene.
        reconstruction: on what a self-supervised discriminator reconstructs of real images.
        clip_weights: largest magnitude of the discriminator's weights, as WGAN clips them; 0 leaves them alone.
    """

    gradient_penalty: float = 0.0
    r1: float = 0.0
    r1_every: int = 1
    r2: float = 0.0
    r2_every: int = 1
    schedule: Schedule = field(default_factory=Schedule)
    path_length: float = 0.0
    path_length_every: int = 4
    mode_seeking: float = 0.0
    reconstruction: float = 0.0
    clip_weights: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, float) and value < 0:
                raise ConfigError(f"The penalty {name} is {value}: give 0 to leave it out, or more.")
            if name.endswith("_every") and value < 1:
                raise ConfigError(f"--{name.replace('_', '-')} is {value}: a penalty comes every step at most.")

    @property
    def of_slopes(self) -> tuple[str, ...]:
        """Names of the penalties that are on and look at the discriminator's slope with respect to an image."""
        return tuple(name for name in ("gradient_penalty", "r1", "r2") if getattr(self, name) > 0)


@dataclass(frozen=True, kw_only=True)
class SceneConfig:
    """What a `SceneLearner` is made of.

    Attributes:
        begin_with: a scene generator (a model that ships, a snapshot or a hub id) that the network begins as, of the
            same kind and widths; a FastGAN may be smaller and grows. None for a new one.
        game: a name from `objectives.adversarial.GAMES`.
        augmentation: what both sides' images go through before the discriminator: none, diffaugment, ada.
        augmentation_schedule: of the probability that an image is augmented; `ada` decides on that probability itself,
            `diffaugment` changes every image.
        adaptation: how `ada` follows the discriminator.
        critic_steps: steps of the discriminator to one of the generator.
        parts: a batch is learned in so many parts, to save memory; the gradient is that of the whole but for what the
            parts know of each other (batch norm, minibatch statistics).
        average_half_life: of the generator's moving average, in images; in the beginning at most a twentieth of the
            images seen.
        average_schedule: of the half-life.
    """

    generator: GeneratorConfig = field(default_factory=FastGANConfig)
    discriminator: DiscriminatorConfig = field(default_factory=ProjectedConfig)
    begin_with: str | None = None
    game: str = "hinge"
    penalties: PenaltyConfig = field(default_factory=PenaltyConfig)
    augmentation: AugmentationName = "diffaugment"
    augmentation_schedule: Schedule = field(default_factory=Schedule)
    adaptation: AdaptationConfig = field(default_factory=AdaptationConfig)
    critic_steps: int = 1
    parts: int = 1
    generator_adam: AdamConfig = field(default_factory=AdamConfig)
    discriminator_adam: AdamConfig = field(default_factory=AdamConfig)
    average_half_life: float = 5_000
    average_schedule: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        if self.game not in GAMES:
            raise ConfigError(f"There is no game {self.game!r}: choose one of {', '.join(GAMES)}.")
        if self.augmentation not in get_args(AugmentationName):
            raise ConfigError(f"There is no augmentation {self.augmentation!r}: choose none, diffaugment or ada.")
        if min(self.critic_steps, self.parts) < 1:
            raise ConfigError(
                f"{self.critic_steps} critic steps and {self.parts} parts make no training: both must be at least 1."
            )
        if self.generator.labels != self.discriminator.labels:
            raise ConfigError(
                f"The generator knows {self.generator.labels} labels and the discriminator "
                f"{self.discriminator.labels}: give both the same number."
            )
        self._refuse_games_without_bounds()

    def _refuse_games_without_bounds(self) -> None:
        bounded, clipped = bool(self.penalties.of_slopes), self.penalties.clip_weights > 0
        if GAMES[self.game].lipschitz and not (bounded or clipped):
            raise ConfigError(
                f"The game {self.game} has no lower bound: add penalties.gradient_penalty 10 or "
                "penalties.clip_weights 0.01."
            )
        if clipped and self.penalties.gradient_penalty > 0:
            raise ConfigError("Weight clipping and the gradient penalty both bound the critic: choose one of them.")
        signless = GAMES[self.game].lipschitz or GAMES[self.game].needs_real_logits
        if signless and self.augmentation == "ada":
            raise ConfigError(
                f"Adaptive augmentation reads the sign of a logit, which means nothing in the game {self.game}: "
                "use diffaugment."
            )


def fitted(config: SceneConfig, height: int, width: int) -> SceneConfig:
    """`config` with both networks for scenes of `height` x `width` pixels.

    Raises:
        ConfigError: the networks cannot be built for this size.
    """
    try:
        return replace(
            config,
            generator=fit_generator(config.generator, height, width),
            discriminator=fit_discriminator(config.discriminator, height, width),
        )
    except ValueError as error:
        raise ConfigError(f"Scenes of {width}x{height} pixels do not fit this recipe: {error}.") from error


def with_labels(config: SceneConfig, labels: int) -> SceneConfig:
    """`config` with networks that are told one of `labels` classes with every scene."""
    return replace(
        config,
        generator=replace(config.generator, labels=labels),
        discriminator=replace(config.discriminator, labels=labels),
    )


def require_sense(config: SceneConfig, generator: SceneNetwork, discriminator: Discriminator) -> None:
    """Refuse two networks of different sizes, and penalties that mean nothing for them.

    Raises:
        ConfigError: naming the penalty and the network; or the networks are of different sizes.
    """
    sizes = generator.size, (discriminator.config.height, discriminator.config.width)
    if sizes[0] != sizes[1]:
        raise ConfigError(
            f"The generator makes scenes of {sizes[0][1]}x{sizes[0][0]} pixels and the discriminator judges "
            f"{sizes[1][1]}x{sizes[1][0]}: fit both to one size."
        )
    penalties, judge = config.penalties, type(discriminator).__name__
    if penalties.of_slopes and discriminator.has_batch_norm:
        raise ConfigError(
            f"The penalty {penalties.of_slopes[0]} looks at one image at a time and {judge}, for its batch norm, at "
            "whole batches: leave one of them out."
        )
    if penalties.path_length > 0 and not isinstance(generator, StyleBasedGenerator):
        raise ConfigError(
            f"The penalty path_length needs styles and {type(generator).__name__} has none: use StyleGAN2 or leave it "
            "out."
        )
    if penalties.reconstruction > 0 and type(discriminator).reconstructions is Discriminator.reconstructions:
        raise ConfigError(
            f"The penalty reconstruction needs a discriminator that reconstructs and {judge} does not: leave it out."
        )
