"""Photos to paintings without pairs: CycleGAN, CUT and FastCUT, for one processor core or for a GPU.

The recipes for a processor begin with what the model `painter` can, in its style of the same name if it knows one: in
the minutes that they are for, no network learns to draw. `--start None` begins from nothing.
"""

from dataclasses import dataclass, replace

from shanshui.networks.discriminators.patchgan import PatchGANConfig
from shanshui.networks.stylizers.translators import LightTranslatorConfig, ResNetTranslatorConfig
from shanshui.recipes.photos import PhotoRecipe
from shanshui.training.learners.cut import CUTConfig
from shanshui.training.learners.cyclegan import CycleGANConfig
from shanshui.training.learners.translation import TranslationConfig
from shanshui.training.schedules import Schedule
from shanshui.training.settings import TrainSettings
from shanshui.training.update import AdamConfig


@dataclass(frozen=True, kw_only=True)
class TranslationRecipe(PhotoRecipe):
    """Everything that `shanshui train translation` needs besides the folder of the data sets; see `PhotoRecipe`.

    The size, that of the paintings as well, is a multiple of 8, and the discriminator is fitted to it. Photos that are
    `shown` are never learned from: their translations are judged. At the paintings' scale (`min_scale`), strokes come
    out as large as they are there.

    Attributes:
        judged: photos of `shown` whose translations are judged.
    """

    learner: TranslationConfig
    photos: str = "photos-research-256.zip/train"
    shown: str = "photos-research-256.zip/heldout"
    judged: int = 200
    min_scale: float = 0.6


def _adam(images: int) -> AdamConfig:
    """That of both papers: half of the training at the full rate, then straight down to nothing."""
    return AdamConfig(
        learning_rate=2e-4,
        beta1=0.5,
        beta2=0.999,
        schedule=Schedule(kind="late-linear", decay_images=images),
    )


def _settings(images: int, batch_size: int) -> TrainSettings:
    """Eight judgements, sheets and states."""
    every = max(1, images // 8)
    return TrainSettings(
        images=images,
        batch_size=batch_size,
        checkpoint_every=every,
        sample_every=every,
        judge_every=every,
        log_every=50,
    )


_LIGHT = LightTranslatorConfig(style="monet")
_FULL = ResNetTranslatorConfig(style="monet")
_NARROW = PatchGANConfig(channels=32)

_CYCLEGAN_IMAGES, _CUT_IMAGES, _FASTCUT_IMAGES, _FULL_IMAGES = 12_000, 20_000, 8_000, 400_000

CYCLEGAN_128 = TranslationRecipe(
    size=128,
    learner=CycleGANConfig(
        translator=_LIGHT,
        start="painter",
        discriminator=_NARROW,
        generator_adam=_adam(_CYCLEGAN_IMAGES),
        discriminator_adam=_adam(_CYCLEGAN_IMAGES),
    ),
    settings=_settings(_CYCLEGAN_IMAGES, 2),
)
"""Zhu et al. 2017 with two light translators and discriminators of half the width.

About .18 processor seconds an image in bf16: 36 minutes of one core, and a third of one for each judgement.
"""

CUT_128 = TranslationRecipe(
    size=128,
    learner=CUTConfig(
        translator=_LIGHT,
        start="painter",
        discriminator=_NARROW,
        generator_adam=_adam(_CUT_IMAGES),
        discriminator_adam=_adam(_CUT_IMAGES),
    ),
    settings=_settings(_CUT_IMAGES, 2),
)
"""Park et al. 2020 with a light translator and a discriminator of half the width.

About .1 processor seconds an image in bf16: 33 minutes of one core, and a third of one for each judgement.
"""

FASTCUT_256 = TranslationRecipe(
    size=256,
    learner=CUTConfig(
        translator=_LIGHT,
        start="painter",
        discriminator=_NARROW,
        contrast=10.0,
        identity_contrast=0.0,
        flips=True,
        generator_adam=_adam(_FASTCUT_IMAGES),
        discriminator_adam=_adam(_FASTCUT_IMAGES),
    ),
    settings=_settings(_FASTCUT_IMAGES, 1),
    judged=100,
)
"""FastCUT at twice the size: no identity, ten times the contrast, mirrored photos.

About .15 processor seconds an image in bf16: 20 minutes of one core, and two thirds of one for each judgement.
"""

CYCLEGAN_256 = TranslationRecipe(
    size=256,
    learner=CycleGANConfig(
        translator=_FULL, generator_adam=_adam(_FULL_IMAGES), discriminator_adam=_adam(_FULL_IMAGES)
    ),
    settings=replace(_settings(_FULL_IMAGES, 1), workers=8),
)
"""The paper's networks, for a GPU."""

CUT_256 = TranslationRecipe(
    size=256,
    learner=CUTConfig(translator=_FULL, generator_adam=_adam(_FULL_IMAGES), discriminator_adam=_adam(_FULL_IMAGES)),
    settings=replace(_settings(_FULL_IMAGES, 1), workers=8),
)
"""The paper's networks, for a GPU."""

TRANSLATION_RECIPES = {
    "cyclegan-128": CYCLEGAN_128,
    "cut-128": CUT_128,
    "fastcut-256": FASTCUT_256,
    "cyclegan-256": CYCLEGAN_256,
    "cut-256": CUT_256,
}
