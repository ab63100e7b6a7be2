"""One network that paints landscapes in fourteen styles, and more styles for it."""

from dataclasses import dataclass, replace

from shanshui.recipes.photos import PhotoRecipe
from shanshui.training.learners.style import StyleConfig, StyleTeaching
from shanshui.training.schedules import Schedule
from shanshui.training.settings import TrainSettings
from shanshui.training.update import AdamConfig


@dataclass(frozen=True, kw_only=True)
class StyleRecipe(PhotoRecipe):
    """Everything that `shanshui train style` needs besides the folder of the data sets; see `PhotoRecipe`."""

    learner: StyleConfig


PAINTER = StyleRecipe(
    size=128,
    learner=StyleConfig(
        # One painting, or two alike, gives a look; the mean of hundreds is nobody's hand.
        styles={
            "monet": ("paintings-monet.zip/train/kaggle_7017e6caa1.jpg",),
            "vangogh": ("paintings-singles.zip/train/gordicaleksa__vg_wheat_field.jpg",),
            "starry-night": ("paintings-singles.zip/train/gordicaleksa__vg_starry_night.jpg",),
            "ukiyoe": ("paintings-singles.zip/train/gordicaleksa__wave_crop.jpg",),
            "ink": ("paintings-ink.zip/train/ming_59.jpg", "paintings-ink.zip/train/ming_163.jpg"),
            "blue-green": ("paintings-ink.zip/train/song_118.jpg",),
            "hudson-river": ("paintings-hudson-river.zip/train/Looking_Down_Yosemite_Valley.jpg",),
            "sketch": ("paintings-sketch.zip/train/Rocks_with_Oak_Tree.jpg",),
            "cartoon": ("paintings-cartoon.zip/train/noble__Province_of_the_south_of_france_by_orbitelambda.jpg",),
            "oil": ("paintings-met-open.zip/impressionism/met_459111.jpg",),
            "watercolour": ("paintings-met-open.zip/watercolour/met_359362.jpg",),
            "pointillism": ("paintings-met-open.zip/pointillism/met_437655.jpg",),
            "scream": ("paintings-singles.zip/train/lengstrom__the_scream.jpg",),
            "gold-leaf": ("paintings-singles.zip/train/titu1994__japanese_flower_sakai_hoitsu.jpg",),
        },
        # Two of three blocks at the coarser resolution: half the time of as many at the finer one.
        blocks=1,
        deep_blocks=4,
        content={"relu3_3": 1.0},
        style={"relu1_2": 1.0, "relu2_2": 2.0, "relu3_3": 2.0, "relu4_1": 2.0},
        tone=1.5,
        palette=5.0,
        steadiness=10.0,
        adam=AdamConfig(
            learning_rate=3e-3,
            beta1=0.9,
            beta2=0.99,
            clip_norm=5.0,
            schedule=Schedule(kind="cosine", warm_up=300, decay_images=20_000, floor=0.02),
        ),
    ),
    settings=TrainSettings(images=20_000, batch_size=6, checkpoint_every=1_200, sample_every=1_200, log_every=120),
)
"""The recipe of the model `painter`, whose card has its cost and scores; made for one processor core."""


PAINTER_ROBUST = replace(
    PAINTER,
    learner=replace(
        PAINTER.learner,
        start="painter",
        robustness=100.0,
        adam=replace(
            PAINTER.learner.adam,
            learning_rate=1e-3,
            schedule=Schedule(kind="cosine", warm_up=60, decay_images=1_800, floor=0.02),
        ),
    ),
    settings=replace(PAINTER.settings, images=1_800, checkpoint_every=600, sample_every=600, log_every=60),
)
"""The model `painter`, taught in 5 minutes of one processor core to hold still when its photos are attacked: pictures
move half as far (4.7 steps of eight bits instead of 9.5 for a change of 1), and the Gram distance to the paintings
grows from 0.156 to 0.213."""


@dataclass(frozen=True, kw_only=True)
class AddedStyleRecipe(PhotoRecipe):
    """Everything that `shanshui train style` needs to add styles to a network; see `PhotoRecipe`.

    Attributes:
        base: the network: a model that ships, a snapshot or a hub id.
    """

    base: str
    learner: StyleTeaching


ADD_STYLE = AddedStyleRecipe(
    base="painter",
    size=128,
    learner=StyleTeaching(
        styles={},
        content=PAINTER.learner.content,
        style=PAINTER.learner.style,
        tone=PAINTER.learner.tone,
        palette=PAINTER.learner.palette,
        adam=AdamConfig(
            learning_rate=1e-2,
            beta1=0.9,
            beta2=0.99,
            clip_norm=5.0,
            schedule=Schedule(kind="cosine", warm_up=60, decay_images=1_200, floor=0.02),
        ),
        average_half_life=100,
    ),
    settings=TrainSettings(images=1_200, batch_size=6, checkpoint_every=300, sample_every=300, log_every=60),
)
"""A style of one's own, from one to fifty paintings, in minutes of one processor core."""
