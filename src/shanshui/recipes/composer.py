"""The joint pipeline: photo -> style -> natural scene, and a slider between the two."""

from dataclasses import dataclass

from shanshui.networks.composer import ComposerConfig
from shanshui.networks.discriminators.stylegan2 import StyleGAN2DiscriminatorConfig
from shanshui.recipes.painter import PAINTER
from shanshui.recipes.photos import PhotoRecipe
from shanshui.training.learners.composing import ComposerTeaching
from shanshui.training.schedules import Schedule
from shanshui.training.settings import TrainSettings
from shanshui.training.update import AdamConfig


@dataclass(frozen=True, kw_only=True)
class ComposerRecipe(PhotoRecipe):
    """Everything that `shanshui train composer` needs besides the folder of the data sets; see `PhotoRecipe`.

    Attributes:
        stylizer: the style-transfer module to begin from: a model of named styles.
        scenes: the scene generator that makes a share of the photos.
    """

    learner: ComposerTeaching
    stylizer: str = "painter"
    scenes: str = "landscape"


_DECAY = Schedule(kind="cosine", warm_up=300, decay_images=20_000, floor=0.05)

COMPOSER_128 = ComposerRecipe(
    size=128,
    learner=ComposerTeaching(
        styles=PAINTER.learner.styles,
        composer=ComposerConfig(),
        discriminator=StyleGAN2DiscriminatorConfig(channels=24, widest=128, mapping_layers=2),
        content={"relu4_1": 2.0},
        nature={"relu1_2": 1.0, "relu2_2": 1.0, "relu3_3": 1.0, "relu4_1": 2.0},
        style=PAINTER.learner.style,
        tone=1.5,
        palette=5.0,
        joint_from=10_000,
        adam=AdamConfig(learning_rate=2e-3, beta1=0.0, beta2=0.99, clip_norm=5.0, schedule=_DECAY),
        discriminator_adam=AdamConfig(learning_rate=1e-3, beta1=0.0, beta2=0.99),
    ),
    settings=TrainSettings(images=20_000, batch_size=8, checkpoint_every=2_000, sample_every=2_000, log_every=200),
)
"""One processor core; the style-transfer module joins in at half the way."""
