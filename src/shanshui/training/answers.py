"""What is done about an alarm: a policy says which answer, and a remedy is what a training goes on with after it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from shanshui.errors import ConfigError
from shanshui.training.learners.any_style import AnyStyleConfig
from shanshui.training.learners.composing import ComposerTeaching
from shanshui.training.learners.enlarger import EnlargerTeaching
from shanshui.training.learners.inpainter import InpainterTeaching
from shanshui.training.learners.strategy import SceneConfig
from shanshui.training.learners.style import StyleTeaching
from shanshui.training.learners.translation import TranslationConfig
from shanshui.training.monitors.reading import AlarmKind
from shanshui.training.update import AdamConfig

Answer = Literal["warn", "stop", "rollback"]


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What is done about each kind of alarm.

    `warn` says so and goes on, `stop` ends the training, `rollback` goes back to the last state that was saved without
    an alarm and goes on with a stated change (see `REMEDIES`).

    Attributes:
        on_collapse: the images are all alike, or much more alike than they were.
        on_memorisation: images repeat training photographs.
        on_overfitting: the discriminator knows its photographs by heart; noticed with held-out photographs alone.
        on_stalled: images stand still, or get no better.
        on_exploding: a loss, gradient or weight is not finite or far too large; that step is never made.
        most_rollbacks: after so many, a rollback is a stop.
    """

    on_collapse: Answer = "warn"
    on_memorisation: Answer = "warn"
    on_overfitting: Answer = "warn"
    on_stalled: Answer = "warn"
    on_exploding: Literal["stop", "rollback"] = "stop"
    most_rollbacks: int = 3

    def __post_init__(self) -> None:
        if self.most_rollbacks < 1:
            raise ConfigError(f"--most-rollbacks is {self.most_rollbacks}: it must be at least 1.")

    def answer(self, kind: AlarmKind, rollbacks: int) -> Answer:
        """What to do about an alarm of a training that was rolled back so often."""
        answer: Answer = getattr(self, f"on_{kind}")
        return "stop" if answer == "rollback" and rollbacks >= self.most_rollbacks else answer

    @property
    def goes_back(self) -> bool:
        """Whether any alarm is answered with a rollback, so that good states have to be kept."""
        return "rollback" in vars(self).values()


Config: TypeAlias = (
    SceneConfig
    | TranslationConfig
    | StyleTeaching
    | AnyStyleConfig
    | ComposerTeaching
    | InpainterTeaching
    | EnlargerTeaching
)
"""What a learner is made of."""

RemedyName = Literal["lower rate", "slower discriminator", "more augmentation", "mode seeking"]

SLOWER = 0.2
"""Factor of learning rates that are lowered."""

MODE_SEEKING = 0.1
"""Strength of that penalty where it was off."""


def lower_rate(config: Config) -> Config:
    """Every player learns at a fifth of its rate."""
    if not isinstance(config, SceneConfig | TranslationConfig):
        return replace(config, adam=_slowed(config.adam))
    return replace(
        config, generator_adam=_slowed(config.generator_adam), discriminator_adam=_slowed(config.discriminator_adam)
    )


def slower_discriminator(config: Config) -> Config | None:
    """The discriminator learns at a fifth of its rate; None for a learner without one."""
    if not isinstance(config, SceneConfig | TranslationConfig):
        return None
    return replace(config, discriminator_adam=_slowed(config.discriminator_adam))


def more_augmentation(config: Config) -> Config | None:
    """Differentiable augmentation instead of none; an adaptive one aims lower, and gets there in half the images.

    None where every image is augmented already, and for anything but scenes.
    """
    if not isinstance(config, SceneConfig) or config.augmentation == "diffaugment":
        return None
    if config.augmentation == "none":
        return replace(config, augmentation="diffaugment")
    aim = config.adaptation
    sooner = replace(aim, target=0.75 * aim.target, adjustment_images=max(1, aim.adjustment_images // 2))
    return replace(config, adaptation=sooner)


def mode_seeking(config: Config) -> Config | None:
    """The penalty on latents that give the same scene is on, or twice as strong; None without latents."""
    if not isinstance(config, SceneConfig):
        return None
    strength = 2 * config.penalties.mode_seeking or MODE_SEEKING
    return replace(config, penalties=replace(config.penalties, mode_seeking=strength))


@dataclass(frozen=True)
class Remedy:
    """A change of a training in words, and as a function that gives None where it changes nothing."""

    words: str
    apply: Callable[[Config], Config | None]


REMEDIES: Mapping[RemedyName, Remedy] = {
    "lower rate": Remedy("a fifth of the learning rates", lower_rate),
    "slower discriminator": Remedy("a fifth of the discriminator's learning rate", slower_discriminator),
    "more augmentation": Remedy("more augmentation", more_augmentation),
    "mode seeking": Remedy("a stronger penalty on latents that give the same scene", mode_seeking),
}

PREFERRED: Mapping[AlarmKind, tuple[RemedyName, ...]] = {
    "exploding": ("lower rate",),
    "collapse": ("lower rate", "mode seeking"),
    "memorisation": ("more augmentation", "slower discriminator", "lower rate"),
    "overfitting": ("more augmentation", "slower discriminator", "lower rate"),
    "stalled": ("lower rate",),
}
"""Remedies for each kind of alarm, in the order in which they are tried; the last resort of all is a lower rate."""


def remedy_for(kind: AlarmKind, config: Config, tried: Sequence[RemedyName]) -> RemedyName:
    """Of the remedies for an alarm of this kind that change anything in `config` after those that were `tried`, the
    one that was tried least often.
    """
    now = remedied(config, tried)
    return min((name for name in PREFERRED[kind] if REMEDIES[name].apply(now) is not None), key=tried.count)


def remedied(config: Config, remedies: Sequence[RemedyName]) -> Config:
    """`config` after `remedies`, one after the other."""
    for name in remedies:
        config = REMEDIES[name].apply(config) or config
    return config


def _slowed(adam: AdamConfig) -> AdamConfig:
    return replace(adam, learning_rate=SLOWER * adam.learning_rate)
