"""Scenes from a few thousand landscape photographs."""

from dataclasses import dataclass

from shanshui.networks.discriminators.projected import ProjectedConfig
from shanshui.networks.generators.fastgan import FastGANConfig
from shanshui.training.learners.scene import SceneConfig
from shanshui.training.settings import TrainSettings


@dataclass(frozen=True, kw_only=True)
class SceneRecipe:
    """Everything that `shanshui train scene` needs besides a data set.

    Attributes:
        size: pixels of each side of the scenes.
        min_scale: smallest random crop, as a share of the largest one.
        flip: mirror photographs at random.
    """

    size: int
    learner: SceneConfig
    settings: TrainSettings
    min_scale: float = 0.8
    flip: bool = True


LANDSCAPE_64 = SceneRecipe(
    size=64,
    learner=SceneConfig(generator=FastGANConfig(doublings=4), discriminator=ProjectedConfig(height=64, width=64)),
    settings=TrainSettings(images=60_000),
)
"""64 px: to try out a data set of your own before a longer training."""

LANDSCAPE_128 = SceneRecipe(
    size=128,
    learner=SceneConfig(generator=FastGANConfig(doublings=5), discriminator=ProjectedConfig(height=128, width=128)),
    settings=TrainSettings(images=200_000),
)
"""128 px, made for a CPU: the recipe of the model `landscape`, whose card has its cost and scores."""

LANDSCAPE_256 = SceneRecipe(
    size=256,
    learner=SceneConfig(
        generator=FastGANConfig(doublings=6, width=64), discriminator=ProjectedConfig(height=256, width=256)
    ),
    settings=TrainSettings(images=2_000_000, batch_size=64, workers=8),
)
"""256 px with twice the channels: for a GPU. No model that ships was trained with it yet."""
