"""Scenes from a few thousand landscape photographs: every architecture of the field, for one processor or one GPU.

The recipes at 64 px are sized for one processor core; `benchmarks/recipes.py` trains them side by side.
"""

from dataclasses import dataclass, replace
from typing import Literal

from shanshui.networks.discriminators.dcgan import DCGANDiscriminatorConfig
from shanshui.networks.discriminators.fastgan import FastGANDiscriminatorConfig
from shanshui.networks.discriminators.r3gan import R3GANDiscriminatorConfig
from shanshui.networks.discriminators.resnet import ResNetDiscriminatorConfig
from shanshui.networks.discriminators.stylegan2 import StyleGAN2DiscriminatorConfig
from shanshui.networks.generators.dcgan import DCGANConfig
from shanshui.networks.generators.fastgan import FastGANConfig
from shanshui.networks.generators.r3gan import R3GANConfig
from shanshui.networks.generators.resnet import ResNetConfig
from shanshui.networks.generators.stylegan import StyleGANConfig
from shanshui.networks.generators.stylegan2 import StyleGAN2Config
from shanshui.training.learners.strategy import PenaltyConfig, SceneConfig
from shanshui.training.schedules import Schedule
from shanshui.training.settings import TrainSettings
from shanshui.training.update import AdamConfig


@dataclass(frozen=True, kw_only=True)
class SceneRecipe:
    """Everything that `shanshui train scene` needs besides a data set.

    Attributes:
        size: pixels of the scenes, `64` or width x height like `112x64`; both networks are fitted to it.
        labels: "folders" tells the networks in which folder of the data set a photograph lies.
        min_scale: smallest random crop, as a share of the largest one.
        flip: mirror photographs at random.
    """

    size: str
    learner: SceneConfig
    settings: TrainSettings
    labels: Literal["none", "folders"] = "none"
    min_scale: float = 0.8
    flip: bool = True


SMALL = TrainSettings(images=60_000)
"""For one processor core."""

LARGE = TrainSettings(images=2_000_000, batch_size=64, workers=8)
"""For a GPU."""

_DCGAN_ADAM = AdamConfig(learning_rate=2e-4, beta1=0.5, beta2=0.999)
_CRITIC_ADAM = AdamConfig(learning_rate=5e-4, beta1=0.0, beta2=0.9)
_STYLEGAN_ADAM = AdamConfig(learning_rate=2.5e-3, beta1=0.0, beta2=0.99)

DCGAN_64 = SceneRecipe(
    size="64",
    learner=SceneConfig(
        generator=DCGANConfig(width=32),
        discriminator=DCGANDiscriminatorConfig(channels=32),
        game="non-saturating",
        generator_adam=_DCGAN_ADAM,
        discriminator_adam=_DCGAN_ADAM,
    ),
    settings=SMALL,
)
"""Radford et al. 2016 at half the width, with differentiable augmentation: it would learn so few photos by heart.

Twenty minutes of one core (AMD, AVX-512 BF16), 290,128 images: KID 0.16 on VGG-19, the best of all recipes in so short
a time, because it sees five times as many images as any other good one (docs/numerics.md).
"""

WGAN_64 = SceneRecipe(
    size="64",
    learner=SceneConfig(
        generator=DCGANConfig(width=32),
        discriminator=DCGANDiscriminatorConfig(channels=32),
        game="wasserstein",
        penalties=PenaltyConfig(clip_weights=0.01),
        critic_steps=5,
        generator_adam=AdamConfig(learning_rate=2e-4, beta1=0.0, beta2=0.99),
        discriminator_adam=AdamConfig(learning_rate=2e-4, beta1=0.0, beta2=0.99),
    ),
    settings=SMALL,
)
"""Arjovsky et al. 2017: weight clipping, five steps of the critic to one of the generator.

Adam instead of RMSProp and four times the paper's rate; without the critic's batch norm nothing comes through its small
weights. Twenty minutes of one core (Intel, AVX-512 BF16), 143,632 images: KID 0.69 on VGG-19 (docs/numerics.md).
"""

WGAN_GP_64 = SceneRecipe(
    size="64",
    learner=SceneConfig(
        generator=DCGANConfig(width=32),
        discriminator=DCGANDiscriminatorConfig(channels=32, normalization="layer"),
        game="wasserstein",
        penalties=PenaltyConfig(gradient_penalty=10.0),
        critic_steps=5,
        generator_adam=_CRITIC_ADAM,
        discriminator_adam=_CRITIC_ADAM,
    ),
    settings=SMALL,
)
"""Gulrajani et al. 2017 on DCGAN's networks, layer norm in the critic.

Five times the paper's rate: in the minutes that this recipe is for, the generator makes some thousand steps. Twenty
minutes of one core (AMD, AVX-512 BF16), 229,936 images: KID 1.06 on VGG-19; varied, with a checkerboard over all of it
(docs/numerics.md).
"""

RESNET_64 = SceneRecipe(
    size="64",
    learner=SceneConfig(
        generator=ResNetConfig(width=32),
        discriminator=ResNetDiscriminatorConfig(channels=32, normalization="none"),
        game="non-saturating",
        penalties=PenaltyConfig(r1=1.0, r1_every=16),
        generator_adam=AdamConfig(learning_rate=2e-4, beta1=0.0, beta2=0.9),
        discriminator_adam=AdamConfig(learning_rate=2e-4, beta1=0.0, beta2=0.9),
    ),
    settings=SMALL,
)
"""Deep residual networks held by R1, Mescheder et al. 2018: with spectral norm and hinge (Miyato et al. 2018) a
discriminator of this width gave up after 25,000 images. Twenty minutes of one core (Intel, AVX-512 BF16), 27,760
images: KID 0.97 on VGG-19 (docs/numerics.md).
"""

STYLEGAN_64 = SceneRecipe(
    size="64",
    learner=SceneConfig(
        generator=StyleGANConfig(width=16, widest=128, latent=128, style=128, mapping_layers=4),
        discriminator=StyleGAN2DiscriminatorConfig(channels=16, widest=128),
        game="non-saturating",
        penalties=PenaltyConfig(r1=0.3, r1_every=16),
        generator_adam=_STYLEGAN_ADAM,
        discriminator_adam=_STYLEGAN_ADAM,
    ),
    settings=SMALL,
)
"""The style-based generator of Karras et al. 2019, against the residual discriminator that its successor introduced.

Twenty minutes of one core (Intel, AVX-512 BF16), 38,016 images: KID 0.84 on VGG-19 (docs/numerics.md).
"""

STYLEGAN2_64 = SceneRecipe(
    size="64",
    learner=SceneConfig(
        generator=StyleGAN2Config(width=16, widest=128, latent=128, style=128, mapping_layers=4),
        discriminator=StyleGAN2DiscriminatorConfig(channels=16, widest=128),
        game="non-saturating",
        penalties=PenaltyConfig(r1=0.3, r1_every=16, path_length=2.0),
        generator_adam=_STYLEGAN_ADAM,
        discriminator_adam=_STYLEGAN_ADAM,
    ),
    settings=SMALL,
)
"""Karras et al. 2020 at a quarter of the width: lazy R1, path length, mixed styles.

Twenty minutes of one core (AMD, AVX-512 BF16), 95,200 images: KID 0.41 on VGG-19 (docs/numerics.md).
"""

STYLEGAN2_256 = SceneRecipe(
    size="256",
    learner=SceneConfig(
        generator=StyleGAN2Config(width=64),
        discriminator=StyleGAN2DiscriminatorConfig(channels=64),
        game="non-saturating",
        penalties=PenaltyConfig(r1=1.0, r1_every=16, path_length=2.0),
        augmentation="ada",
        generator_adam=_STYLEGAN_ADAM,
        discriminator_adam=_STYLEGAN_ADAM,
        average_half_life=20_000,
    ),
    settings=LARGE,
)
"""The paper's width with adaptive augmentation (Karras et al. 2020b), for a GPU: eleven minutes of a busy core without
bfloat16 saw 56 images.
"""

FASTGAN_256 = SceneRecipe(
    size="256",
    learner=SceneConfig(
        generator=FastGANConfig(width=32, latent=256, block="full"),
        discriminator=FastGANDiscriminatorConfig(channels=32),
        game="soft-hinge",
        penalties=PenaltyConfig(reconstruction=1.0),
        generator_adam=AdamConfig(learning_rate=2e-4, beta1=0.5, beta2=0.999),
        discriminator_adam=AdamConfig(learning_rate=2e-4, beta1=0.5, beta2=0.999),
    ),
    settings=replace(LARGE, images=400_000, batch_size=8),
)
"""Liu et al. 2021: few photographs, a discriminator that reconstructs; mean absolute difference instead of LPIPS.

Eleven minutes of a busy core without bfloat16, batches of 4: 572 images, 0.9 a second, soft spots of the right colours
and no scene yet. Its 400,000 images are for a GPU.
"""

PROJECTED_64 = SceneRecipe(size="64", learner=SceneConfig(), settings=SMALL)
"""Sauer et al. 2021: to try out a data set of your own before a longer training.

Twenty minutes of one core (AMD, AVX-512 BF16), 50,736 images: KID 0.20 on VGG-19 (docs/numerics.md).
"""

PROJECTED_128 = SceneRecipe(size="128", learner=SceneConfig(), settings=TrainSettings(images=200_000))
"""128 px, made for a CPU: the recipe of the model `landscape`, whose card has its cost and scores."""

PROJECTED_256 = SceneRecipe(size="256", learner=SceneConfig(generator=FastGANConfig(width=64)), settings=LARGE)
"""256 px with twice the channels: for a GPU. No model that ships was trained with it yet.

Eleven minutes of a busy core without bfloat16, batches of 4: 320 images, 0.5 a second; the discriminator is far ahead
by then, and there is no scene yet.
"""

LANDSCAPE_256 = SceneRecipe(
    size="256",
    learner=SceneConfig(generator_adam=AdamConfig(schedule=Schedule(warm_up=1_000))),
    settings=TrainSettings(images=100_000),
)
"""256 px for a CPU, to be grown: `--begin-with` a network of PROJECTED_128.

The generator's first steps are small, because the discriminator knows nothing yet of what the generator can do. 220
minutes of one busy core without bfloat16 and 15,296 images: KID 0.026 on the 2015 Inception, where scenes of 128 px
enlarged have 0.034. The model that ships was not made so but by `recipes.enlarger`, which came further.
"""


def _r3gan(
    images: int, rate: float, gamma: float, half_life: float, generator: R3GANConfig, channels: int
) -> SceneConfig:
    """R3GAN with the schedules of its paper over a training of so many images."""
    adam = AdamConfig(
        learning_rate=rate,
        beta1=0.0,
        beta2=0.99,
        schedule=Schedule(kind="cosine", decay_images=images, floor=0.25),
        beta2_schedule=Schedule(warm_up=images, rise="cosine", start=0.9 / 0.99),
    )
    falling = Schedule(kind="cosine", decay_images=images, floor=0.1)
    return SceneConfig(
        generator=generator,
        discriminator=R3GANDiscriminatorConfig(channels=channels),
        game="relativistic",
        penalties=PenaltyConfig(r1=gamma, r2=gamma, schedule=falling),
        generator_adam=adam,
        discriminator_adam=adam,
        average_half_life=half_life,
    )


R3GAN_64 = SceneRecipe(size="64", learner=_r3gan(SMALL.images, 1e-3, 0.5, 5_000, R3GANConfig(), 16), settings=SMALL)
"""Huang et al. 2024 with one block a size: relativistic pairing, R1 and R2 in every step, falling strengths.

Twenty minutes of one core (AMD, AVX-512 BF16), 39,216 images: KID 1.02 on VGG-19, which is not enough: two penalties in
every step take half of the time, and nothing looks like a scene yet (docs/numerics.md).
"""

R3GAN_256 = SceneRecipe(
    size="256", learner=_r3gan(LARGE.images, 2e-4, 150.0, 500_000, R3GANConfig(width=96, blocks=2), 96), settings=LARGE
)
"""The paper's width and blocks, for a GPU: eleven minutes of a busy core without bfloat16 saw 16 images."""

SCENE_RECIPES = {
    "projected-64": PROJECTED_64,
    "projected-128": PROJECTED_128,
    "projected-256": PROJECTED_256,
    "dcgan-64": DCGAN_64,
    "wgan-64": WGAN_64,
    "wgan-gp-64": WGAN_GP_64,
    "resnet-64": RESNET_64,
    "stylegan-64": STYLEGAN_64,
    "stylegan2-64": STYLEGAN2_64,
    "stylegan2-256": STYLEGAN2_256,
    "fastgan-256": FASTGAN_256,
    "r3gan-64": R3GAN_64,
    "r3gan-256": R3GAN_256,
    "landscape-64": PROJECTED_64,
    "landscape-128": PROJECTED_128,
    "landscape-256": LANDSCAPE_256,
}
"""`landscape-128` is that of the model that ships."""
