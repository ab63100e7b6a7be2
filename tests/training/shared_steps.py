"""Learners of every kind, small, and what becomes of them in a few steps by one process or by several.

`python -m tests.training.shared_steps RANK PROCESSES FOLDER CASE...` is one of several, which meet in FOLDER.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from PIL import Image
from torch import Tensor, distributed

from shanshui.checkpoints.state import save_state
from shanshui.networks.composer import ComposerConfig
from shanshui.networks.discriminators.dcgan import DCGANDiscriminatorConfig
from shanshui.networks.discriminators.fastgan import FastGANDiscriminatorConfig
from shanshui.networks.discriminators.patchgan import PatchGANConfig
from shanshui.networks.discriminators.projected import ProjectedConfig
from shanshui.networks.discriminators.r3gan import R3GANDiscriminatorConfig
from shanshui.networks.discriminators.resnet import ResNetDiscriminatorConfig
from shanshui.networks.discriminators.stylegan2 import StyleGAN2DiscriminatorConfig
from shanshui.networks.encoders.vgg19 import VGG19
from shanshui.networks.enlarger import EnlargerConfig
from shanshui.networks.generators.dcgan import DCGAN, DCGANConfig
from shanshui.networks.generators.fastgan import FastGAN, FastGANConfig
from shanshui.networks.generators.r3gan import R3GANConfig
from shanshui.networks.generators.resnet import ResNetConfig
from shanshui.networks.generators.stylegan import StyleGANConfig
from shanshui.networks.generators.stylegan2 import StyleGAN2Config
from shanshui.networks.inpainter import InpainterConfig
from shanshui.networks.stylizers.arbitrary import ArbitraryConfig
from shanshui.networks.stylizers.feedforward import FeedForwardConfig, FeedForwardStylizer
from shanshui.networks.stylizers.translators import LightTranslatorConfig
from shanshui.objectives.adversarial import GAMES
from shanshui.together import Share, own, sharing
from shanshui.training.learners import any_style, composer, inpainter, style
from shanshui.training.learners.any_style import AnyStyleConfig, AnyStyleLearner
from shanshui.training.learners.base import Learner
from shanshui.training.learners.composer import ComposerLearner
from shanshui.training.learners.composing import ComposerTeaching
from shanshui.training.learners.cut import CUTConfig, CUTLearner
from shanshui.training.learners.cyclegan import CycleGANConfig, CycleGANLearner
from shanshui.training.learners.enlarger import EnlargerLearner, EnlargerTeaching
from shanshui.training.learners.inpainter import InpainterLearner, InpainterTeaching
from shanshui.training.learners.scene import SceneLearner
from shanshui.training.learners.strategy import PenaltyConfig, SceneConfig, fitted, with_labels
from shanshui.training.learners.style import StyleConfig, StyleLearner, new_network
from shanshui.training.update import AdamConfig

SIDE, BATCH = 32, 8
ADAM = AdamConfig(learning_rate=1e-3, beta1=0.5, clip_norm=5.0)

SMALL: Mapping[str, Any] = {"width": 8, "blocks": 1, "deep_width": 8, "deep_blocks": 1}
STYLE: Mapping[str, Any] = {"latent": 4, "style": 4, "width": 2, "mapping_layers": 2}
PLAIN = SceneConfig(
    generator=DCGANConfig(latent=4, width=2),
    discriminator=DCGANDiscriminatorConfig(channels=2, normalization="none"),
    game="non-saturating",
)
STYLEGAN2 = replace(
    PLAIN, generator=StyleGAN2Config(**STYLE), discriminator=StyleGAN2DiscriminatorConfig(channels=2, mapping_layers=1)
)
STYLEGAN = replace(STYLEGAN2, generator=StyleGANConfig(**STYLE))
FASTGAN = replace(
    PLAIN,
    generator=FastGANConfig(latent=4, width=2, block="full"),
    discriminator=FastGANDiscriminatorConfig(channels=2),
    game="soft-hinge",
)
R3GAN = replace(
    PLAIN,
    generator=R3GANConfig(latent=4, width=2, group=2),
    discriminator=R3GANDiscriminatorConfig(channels=2, group=2),
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A learner, made in a folder of pictures, the sides of its images, and how many steps it makes."""

    make: Callable[[Path], Learner]
    side: int = SIDE
    steps: int = 2


def fabric() -> Fabric:
    return Fabric(accelerator="cpu", devices=1, precision="32-true")


def scene(config: SceneConfig, *, side: int = SIDE, labelled: bool = False, steps: int = 2) -> Case:
    def make(folder: Path) -> SceneLearner:
        labels = (lambda seen, count: torch.arange(seen, seen + count) % 3) if labelled else None
        taught = replace(config, generator_adam=ADAM, discriminator_adam=ADAM)
        return SceneLearner(fitted(taught, side, side), seed=0, fabric=fabric(), labels=labels)

    return Case(make=make, side=side, steps=steps)


def uneven(learner: Learner) -> Learner:
    """A StyleGAN that is beyond the first steps of its training: its constant is no longer the same everywhere."""
    state = learner.state_dict()
    drawn = torch.Generator().manual_seed(0)
    for network in (state["generator"]["network"], state["average"]):
        constant = network["synthesis.constant"]
        constant.copy_(torch.randn(constant.shape, generator=drawn))
    learner.load_state_dict(state)
    return learner


def game(name: str) -> Case:
    penalties = PenaltyConfig(gradient_penalty=10.0) if GAMES[name].lipschitz else PenaltyConfig()
    return scene(replace(PLAIN, game=name, penalties=penalties))


def styles(folder: Path) -> StyleLearner:
    config = StyleConfig(
        styles={"night": ("night",), "day": ("day",)},
        painting_side=SIDE,
        **SMALL,
        content={"relu2_2": 1.0},
        style={"relu1_2": 1.0},
        moments={"relu2_1": 1.0},
        palette=1.0,
        group=2,
        steadiness=5.0,
        robustness=5.0,
        adam=ADAM,
    )
    return StyleLearner(config, new_network(config, 3), data=folder, photos=[shown()], seed=3, fabric=fabric())


def any_styles(folder: Path) -> AnyStyleLearner:
    config = AnyStyleConfig(
        paintings=("night", "day"),
        painting_size=SIDE,
        recoloured=0.5,
        examples=("night",),
        network=ArbitraryConfig(
            width=8,
            blocks=1,
            deep_width=8,
            deep_blocks=1,
            encoder_width=8,
            encoder_deep_width=8,
            encoder_blocks=1,
            code=8,
        ),
        content={"relu2_2": 1.0},
        style={"relu1_2": 1.0},
        moments={"relu2_1": 1.0},
        palette=1.0,
        group=2,
        adam=ADAM,
    )
    return AnyStyleLearner(config, data=folder, photos=[shown()], seed=3, fabric=fabric())


def translator(folder: Path, kind: str) -> Learner:
    common: dict[str, Any] = {
        "paintings": "night",
        "translator": LightTranslatorConfig(style="night", width=4, blocks=1, deep_width=6, deep_blocks=2),
        "discriminator": PatchGANConfig(height=SIDE, width=SIDE, channels=4, layers=2),
        "generator_adam": ADAM,
        "discriminator_adam": ADAM,
    }
    rest: dict[str, Any] = {"data": folder, "photos": [shown()], "seed": 3, "fabric": fabric()}
    if kind == "cyclegan":
        return CycleGANLearner(CycleGANConfig(history=6, **common), **rest)
    return CUTLearner(CUTConfig(head_width=8, places=32, flips=True, **common), **rest)


def composers(folder: Path) -> ComposerLearner:
    torch.manual_seed(0)
    config = ComposerTeaching(
        styles={"night": ("night",), "day": ("day",)},
        painting_side=SIDE,
        composer=ComposerConfig(width=8, widest=16, latent=4, style=8),
        discriminator=StyleGAN2DiscriminatorConfig(height=SIDE, width=SIDE, channels=4, widest=8),
        content={"relu2_2": 1.0},
        style={"relu1_2": 1.0},
        palette=1.0,
        r1_every=2,
        adam=ADAM,
        discriminator_adam=ADAM,
    )
    made = FeedForwardConfig(styles=("night", "day"), **SMALL)
    scenes = DCGAN(DCGANConfig(width=4, latent=8, doublings=2))
    rest: dict[str, Any] = {"data": folder, "photos": [shown()], "seed": 3, "fabric": fabric()}
    return ComposerLearner(config, FeedForwardStylizer(made), scenes, **rest)


def inpainters(folder: Path) -> InpainterLearner:
    config = InpainterTeaching(
        inpainter=InpainterConfig(width=8, widest=16, halvings=1, dilations=(1, 2), latent=4),
        discriminator=PatchGANConfig(height=SIDE, width=SIDE, channels=4, layers=2, normalization="spectral"),
        content={"relu2_2": 1.0},
        style={"relu1_2": 1.0},
        adam=ADAM,
        discriminator_adam=ADAM,
    )
    return InpainterLearner(config, photos=[shown()], seed=3, fabric=fabric())


def enlargers(folder: Path) -> EnlargerLearner:
    torch.manual_seed(0)
    config = EnlargerTeaching(
        enlarger=EnlargerConfig(width=8, blocks=1),
        patch=32,
        patches=PatchGANConfig(height=32, width=32, channels=4, layers=2, normalization="spectral"),
        projected=ProjectedConfig(height=32, width=32),
        adam=ADAM,
        discriminator_adam=ADAM,
    )
    scenes = FastGAN(FastGANConfig(doublings=3, latent=4, width=4)).plain()
    return EnlargerLearner(config, scenes=scenes, photos=[shown()], seed=3, fabric=fabric())


CASES: Mapping[str, Case] = {
    **{f"game {name}": game(name) for name in GAMES},
    "gradient penalty": scene(replace(PLAIN, game="hinge", penalties=PenaltyConfig(gradient_penalty=10.0))),
    "R1 and R2": scene(replace(R3GAN, game="relativistic", penalties=PenaltyConfig(r1=1.0, r2=0.5))),
    "R1 behind minibatch deviation": scene(replace(STYLEGAN2, penalties=PenaltyConfig(r1=1.0))),
    "path length": scene(replace(STYLEGAN2, penalties=PenaltyConfig(path_length=2.0, path_length_every=1))),
    "mode seeking": scene(replace(PLAIN, penalties=PenaltyConfig(mode_seeking=0.1))),
    # With so few channels a second step blows up rounding to percents, in one process as well.
    "reconstruction": scene(replace(FASTGAN, penalties=PenaltyConfig(reconstruction=1.0)), side=64, steps=1),
    "clipped weights": scene(
        replace(PLAIN, game="wasserstein", penalties=PenaltyConfig(clip_weights=0.01), critic_steps=2)
    ),
    "batch norm on both sides": scene(replace(PLAIN, discriminator=DCGANDiscriminatorConfig(channels=2))),
    "ResNet": scene(
        replace(PLAIN, generator=ResNetConfig(latent=4, width=2), discriminator=ResNetDiscriminatorConfig(channels=2))
    ),
    # A flat constant blows rounding up in the second step, so that more than one is made from an uneven one.
    "StyleGAN's first step": scene(STYLEGAN, steps=1),
    "StyleGAN": Case(make=lambda folder: uneven(scene(STYLEGAN).make(folder))),
    "projected": scene(replace(FASTGAN, discriminator=ProjectedConfig())),
    "adaptive augmentation": scene(
        replace(STYLEGAN2, augmentation="ada", adaptation=replace(PLAIN.adaptation, every=8, adjustment_images=20))
    ),
    "no augmentation": scene(replace(PLAIN, augmentation="none")),
    "labels": scene(with_labels(STYLEGAN2, 3), labelled=True),
    "a batch in parts": scene(replace(R3GAN, game="relativistic", parts=2, penalties=PenaltyConfig(r1=1.0))),
    "styles": Case(make=styles),
    "any style": Case(make=any_styles),
    "CycleGAN": Case(make=partial(translator, kind="cyclegan")),
    "CUT": Case(make=partial(translator, kind="cut")),
    "composer": Case(make=composers),
    "inpainter": Case(make=inpainters),
    "enlarger": Case(make=enlargers, side=64),
}


def shown() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(1).integers(0, 256, (24, SIDE, 3), dtype=np.uint8)


def pictures(folder: Path) -> None:
    """Paintings for those who learn from paintings."""
    random = np.random.default_rng(0)
    for name, low, high in (("night", 0, 90), ("day", 150, 256)):
        (folder / name).mkdir(parents=True)
        for index in range(3):
            Image.fromarray(random.integers(low, high, (40, 56, 3), dtype=np.uint8)).save(
                folder / name / f"{index}.png"
            )


def outcomes(cases: Sequence[str], folder: Path, share: Share) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The state of each learner after some steps of this process's share."""
    encoder = cache(VGG19)
    for module in (any_style, composer, inpainter, style):
        module.__dict__["VGG19"] = encoder  # loading it takes longer than learning
    for name in cases:
        case = CASES[name]
        learner = case.make(folder)
        with sharing(replace(share, block=learner.block)):
            for seen in range(0, BATCH * case.steps, BATCH):
                learner.step(own(photos(seen, case.side)), seen)
        yield name, learner.state_dict()


def photos(seen: int, side: int) -> Tensor:
    return torch.rand(BATCH, 3, side, side, generator=torch.Generator().manual_seed(seen)) * 2 - 1


def main(rank: int, processes: int, folder: Path, cases: Sequence[str]) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", f"file://{folder}/meeting", timedelta(seconds=60), rank=rank, world_size=processes
    )
    for name, state in outcomes(cases, folder, Share(rank=rank, processes=processes)):
        save_state(folder / f"{name} of {rank}.state", state)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
