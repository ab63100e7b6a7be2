"""One network that paints after any painting."""

from dataclasses import dataclass

from shanshui.recipes.painter import PAINTER
from shanshui.recipes.photos import PhotoRecipe
from shanshui.training.learners.any_style import AnyStyleConfig
from shanshui.training.schedules import Schedule
from shanshui.training.settings import TrainSettings
from shanshui.training.update import AdamConfig


@dataclass(frozen=True, kw_only=True)
class AnyStyleRecipe(PhotoRecipe):
    """Everything that `shanshui train style` needs besides the folder of the data sets; see `PhotoRecipe`."""

    learner: AnyStyleConfig


_LARGE = ("paintings-monet.zip/train", "paintings-vangogh.zip/train", "paintings-ukiyoe.zip/train")
_SMALL = ("paintings-hudson-river.zip/train", "paintings-cartoon.zip/train", "paintings-met-open.zip")

_IMAGES = 10_000

PAINTER_ANY = AnyStyleRecipe(
    size=128,
    learner=AnyStyleConfig(
        # Large collections have two turns, small ones one.
        paintings=(
            *_LARGE,
            *_LARGE,
            "paintings-ink.zip/train",
            "paintings-ink.zip/train",
            "paintings-sketch.zip/train",
            "paintings-singles.zip/train",
            *_SMALL,
        ),
        styles=PAINTER.learner.styles,
        examples=(
            "paintings-monet.zip/heldout",
            "paintings-vangogh.zip/heldout",
            "paintings-ukiyoe.zip/heldout",
            "paintings-ink.zip/heldout",
            "paintings-hudson-river.zip/heldout",
            "paintings-sketch.zip/heldout",
            "paintings-cartoon.zip/heldout",
            "paintings-singles.zip/train",
        ),
        start="painter",
        content={"relu4_1": 0.6},
        style={"relu1_1": 1.5, "relu2_1": 1.5, "relu3_1": 1.5, "relu4_1": 1.5},
        moments={"relu1_1": 1.5, "relu2_1": 1.5, "relu3_1": 1.5, "relu4_1": 1.5},
        tone=1.0,
        palette=3.0,
        adam=AdamConfig(
            learning_rate=2e-3,
            beta1=0.9,
            beta2=0.99,
            clip_norm=5.0,
            schedule=Schedule(kind="cosine", warm_up=300, decay_images=_IMAGES, floor=0.02),
        ),
    ),
    settings=TrainSettings(images=_IMAGES, batch_size=4, checkpoint_every=1_200, sample_every=1_200, log_every=120),
)
"""The recipe of the model `painter-any`, whose card has its cost and scores; made for one processor core."""
