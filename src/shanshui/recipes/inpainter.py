"""Holes in pictures of nature, filled."""

from dataclasses import dataclass

from shanshui.networks.discriminators.patchgan import PatchGANConfig
from shanshui.recipes.photos import PhotoRecipe
from shanshui.training.learners.inpainter import InpainterTeaching
from shanshui.training.schedules import Schedule
from shanshui.training.settings import TrainSettings
from shanshui.training.update import AdamConfig


@dataclass(frozen=True, kw_only=True)
class InpainterRecipe(PhotoRecipe):
    """Everything that `shanshui train inpainter` needs besides the folder of the data sets; see `PhotoRecipe`."""

    learner: InpainterTeaching


INPAINTER_128 = InpainterRecipe(
    size=128,
    min_scale=0.2,
    learner=InpainterTeaching(
        discriminator=PatchGANConfig(normalization="spectral", channels=32),
        content={"relu3_1": 0.5, "relu4_1": 1.0},
        style={"relu1_2": 1.0, "relu2_1": 1.0, "relu3_1": 1.0},
        adam=AdamConfig(
            learning_rate=1e-3,
            beta1=0.5,
            beta2=0.99,
            clip_norm=5.0,
            schedule=Schedule(kind="cosine", warm_up=300, decay_images=16_000, floor=0.05),
        ),
        discriminator_adam=AdamConfig(learning_rate=8e-4, beta1=0.0, beta2=0.99),
    ),
    settings=TrainSettings(images=16_000, batch_size=4, checkpoint_every=1_000, sample_every=1_000, log_every=200),
)
"""One processor core; photos at a fifth of their side to the whole of it, so that all scales are learned."""
