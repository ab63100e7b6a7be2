"""Every architecture, game, penalty and strategy through the one learner: it learns, resumes, and refuses nonsense."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric

from shanshui.errors import ConfigError
from shanshui.networks.discriminators.base import DiscriminatorConfig
from shanshui.networks.discriminators.dcgan import DCGANDiscriminatorConfig
from shanshui.networks.discriminators.fastgan import FastGANDiscriminatorConfig
from shanshui.networks.discriminators.patchgan import PatchGANConfig
from shanshui.networks.discriminators.projected import ProjectedConfig
from shanshui.networks.discriminators.r3gan import R3GANDiscriminatorConfig
from shanshui.networks.discriminators.resnet import ResNetDiscriminatorConfig
from shanshui.networks.discriminators.stylegan2 import StyleGAN2DiscriminatorConfig
from shanshui.networks.generators.base import GeneratorConfig
from shanshui.networks.generators.dcgan import DCGANConfig
from shanshui.networks.generators.fastgan import FastGANConfig
from shanshui.networks.generators.r3gan import R3GANConfig
from shanshui.networks.generators.resnet import ResNetConfig
from shanshui.networks.generators.stylegan import StyleGANConfig
from shanshui.networks.generators.stylegan2 import StyleGAN2Config
from shanshui.objectives.adversarial import GAMES
from shanshui.recipes import RECIPES
from shanshui.training.learners.scene import SceneLearner
from shanshui.training.learners.strategy import PenaltyConfig, SceneConfig, fitted, with_labels
from shanshui.training.schedules import Schedule

SIDE = 32
STYLE = {"latent": 4, "style": 4, "width": 2, "mapping_layers": 2}
GENERATORS: dict[str, GeneratorConfig] = {
    "dcgan": DCGANConfig(latent=4, width=2),
    "resnet": ResNetConfig(latent=4, width=2),
    "stylegan": StyleGANConfig(**STYLE),  # type: ignore[arg-type]
    "stylegan2": StyleGAN2Config(**STYLE),  # type: ignore[arg-type]
    "fastgan": FastGANConfig(latent=4, width=2),
    "fastgan-full": FastGANConfig(latent=4, width=2, block="full"),
    "r3gan": R3GANConfig(latent=4, width=2, group=2),
}
DISCRIMINATORS: dict[str, DiscriminatorConfig] = {
    "dcgan": DCGANDiscriminatorConfig(channels=2, normalization="none"),
    "resnet": ResNetDiscriminatorConfig(channels=2),
    "patch": PatchGANConfig(channels=2, layers=1),
    "stylegan2": StyleGAN2DiscriminatorConfig(channels=2, mapping_layers=1),
    "r3gan": R3GANDiscriminatorConfig(channels=2, group=2),
}
PLAIN = SceneConfig(generator=GENERATORS["dcgan"], discriminator=DISCRIMINATORS["dcgan"], game="non-saturating")


def learner(
    config: SceneConfig, *, precision: Any = "32-true", side: int = SIDE, labelled: bool = False
) -> SceneLearner:
    fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
    labels = (lambda seen, count: (torch.arange(seen, seen + count)) % 3) if labelled else None
    return SceneLearner(fitted(config, side, side), seed=0, fabric=fabric, labels=labels)


def batch(seed: int = 0, side: int = SIDE) -> torch.Tensor:
    return torch.rand(4, 3, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def weights(one: SceneLearner) -> dict[str, torch.Tensor]:
    state = one.state_dict()
    found = {f"{p}.{n}": t for p in ("generator", "discriminator") for n, t in state[p]["network"].items()}
    return {name: tensor.clone() for name, tensor in found.items() if tensor.is_floating_point()}


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("discriminator", ["dcgan", "stylegan2"])
def test_every_generator_learns_and_makes_scenes(generator: str, discriminator: str) -> None:
    config = replace(PLAIN, generator=GENERATORS[generator], discriminator=DISCRIMINATORS[discriminator])
    one = learner(config)
    before = weights(one)
    terms = one.step(batch(), 0)
    assert all(torch.isfinite(term) and not term.requires_grad for term in terms.values())
    moved = {name.split(".")[0] for name, tensor in weights(one).items() if not torch.equal(tensor, before[name])}
    assert moved == {"generator", "discriminator"}
    scene = next(iter(one.draw(1)))
    assert scene.shape == (SIDE, SIDE, 3)


@pytest.mark.parametrize("discriminator", DISCRIMINATORS)
@pytest.mark.parametrize("game", GAMES)
def test_every_game_is_played_by_every_discriminator(game: str, discriminator: str) -> None:
    penalties = PenaltyConfig(gradient_penalty=10.0) if GAMES[game].lipschitz else PenaltyConfig(r1=1.0, r2=0.5)
    config = replace(PLAIN, discriminator=DISCRIMINATORS[discriminator], game=game, penalties=penalties)
    terms = learner(config).step(batch(), 0)
    assert {f"discriminator.{game}", f"generator.{game}"} <= set(terms)
    assert ("gradient_penalty" in terms) == GAMES[game].lipschitz
    assert ("r1" in terms) == ("r2" in terms) == (not GAMES[game].lipschitz)


EVERYTHING = SceneConfig(
    generator=GENERATORS["stylegan2"],
    discriminator=DISCRIMINATORS["stylegan2"],
    game="non-saturating",
    penalties=PenaltyConfig(r1=1.0, r1_every=2, path_length=2.0, path_length_every=2, mode_seeking=0.1),
    augmentation="ada",
)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_stylegan2_with_ada_and_path_length_goes_on_as_if_never_interrupted(precision: str) -> None:
    whole, first = learner(EVERYTHING, precision=precision), learner(EVERYTHING, precision=precision)
    for turn in range(4):
        whole.step(batch(turn), 4 * turn)
    for turn in range(2):
        first.step(batch(turn), 4 * turn)
    second = learner(EVERYTHING, precision=precision)
    torch.manual_seed(99)
    second.load_state_dict(deepcopy(first.state_dict()))
    for turn in range(2, 4):
        second.step(batch(turn), 4 * turn)
    assert all(torch.equal(tensor, weights(second)[name]) for name, tensor in weights(whole).items())
    assert whole.state_dict()["adaptation"] == second.state_dict()["adaptation"]
    assert torch.equal(whole.state_dict()["path_length"], second.state_dict()["path_length"])


def test_lazy_penalties_come_in_their_turn() -> None:
    one = learner(EVERYTHING)
    terms = [set(one.step(batch(turn), 4 * turn)) for turn in range(4)]
    assert ["r1" in each for each in terms] == [True, False, True, False]
    assert ["path_length" in each for each in terms] == [True, False, True, False]


def test_the_critic_moves_more_often_than_the_generator() -> None:
    config = replace(PLAIN, game="wasserstein", penalties=PenaltyConfig(clip_weights=0.01), critic_steps=3)
    one = learner(config)
    moved = []
    for turn in range(6):
        before = weights(one)
        one.step(batch(turn), 4 * turn)
        after = weights(one)
        parameters = [name for name in after if name.startswith("generator") and name.endswith("weight")]
        moved.append(any(not torch.equal(before[name], after[name]) for name in parameters))
        critic = [tensor for name, tensor in after.items() if name.startswith("discriminator")]
        assert max(float(tensor.abs().max()) for tensor in critic) <= 0.01
    assert moved == [False, False, True, False, False, True]


def test_a_batch_in_parts_teaches_what_the_whole_does() -> None:
    """For networks without anything that spans a batch."""
    config = replace(
        PLAIN,
        generator=GENERATORS["r3gan"],
        discriminator=DISCRIMINATORS["r3gan"],
        augmentation="none",
        penalties=PenaltyConfig(r1=1.0),
    )
    terms = [learner(replace(config, parts=parts)).step(batch(), 0) for parts in (1, 2)]
    assert terms[0]["r1"] == pytest.approx(float(terms[1]["r1"]), rel=1e-4)
    assert terms[0]["logits.real"] == pytest.approx(float(terms[1]["logits.real"]), rel=1e-4)


@pytest.mark.parametrize("augmentation", ["diffaugment", "ada"])
def test_a_schedule_lets_augmentation_come_in_slowly(augmentation: Any) -> None:
    """At the beginning of a rise from nothing a discriminator sees what it would see without any augmentation."""
    rising = replace(PLAIN, augmentation=augmentation, augmentation_schedule=Schedule(warm_up=1000))
    bare, one = learner(replace(PLAIN, augmentation="none")), learner(rising)
    assert torch.equal(bare.step(batch(), 0)["logits.real"], one.step(batch(), 0)["logits.real"])
    always = learner(replace(PLAIN, augmentation="diffaugment"))
    risen = learner(replace(rising, augmentation="diffaugment"))
    assert torch.equal(always.step(batch(), 2000)["logits.real"], risen.step(batch(), 2000)["logits.real"])


def test_an_average_that_begins_without_a_past_is_the_generator_itself() -> None:
    def drift(schedule: Schedule) -> float:
        one = learner(replace(PLAIN, average_half_life=1e6, average_schedule=schedule))
        one.step(batch(), 1_000_000)
        state = one.state_dict()
        pairs = ((state["generator"]["network"][name], mean) for name, mean in state["average"].items())
        return max(float((now.float() - mean.float()).abs().max()) for now, mean in pairs)

    assert drift(Schedule(warm_up=10**18)) < 1e-6 < drift(Schedule())


def test_reconstructions_teach_fastgans_discriminator() -> None:
    config = SceneConfig(
        generator=FastGANConfig(latent=4, width=2, block="full"),
        discriminator=FastGANDiscriminatorConfig(channels=2),
        game="soft-hinge",
        penalties=PenaltyConfig(reconstruction=1.0),
    )
    terms = learner(config, side=64).step(batch(side=64), 0)
    assert terms["reconstruction"] > 0


@pytest.mark.parametrize("pair", [("stylegan2", "stylegan2"), ("r3gan", "r3gan"), ("fastgan", "projected")])
def test_labels_reach_both_networks(pair: tuple[str, str]) -> None:
    discriminators = {**DISCRIMINATORS, "projected": ProjectedConfig()}
    config = replace(PLAIN, generator=GENERATORS[pair[0]], discriminator=discriminators[pair[1]])
    one = learner(with_labels(config, 3), labelled=True)
    before = weights(one)
    one.step(batch(), 0)
    after = weights(one)
    embeddings = [name for name in after if "embed" in name or "label" in name]
    moved = {name.split(".")[0] for name in embeddings if not torch.equal(before[name], after[name])}
    assert moved == {"generator", "discriminator"}
    assert len(list(one.draw(4))) == 4


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"game": "wasserstein"}, "no lower bound"),
        ({"penalties": PenaltyConfig(clip_weights=0.01, gradient_penalty=10.0)}, "choose one"),
        ({"penalties": PenaltyConfig(path_length=2.0)}, "DCGAN has none"),
        ({"penalties": PenaltyConfig(reconstruction=1.0)}, "DCGANDiscriminator does not"),
        (
            {"discriminator": DCGANDiscriminatorConfig(channels=2), "penalties": PenaltyConfig(r1=1.0)},
            "r1 looks at one image",
        ),
        ({"game": "relativistic", "augmentation": "ada"}, "sign of a logit"),
        ({"augmentation": "mixup"}, "mixup"),
        ({"critic_steps": 0}, "at least 1"),
        ({"generator": StyleGAN2Config(labels=3, **STYLE)}, "3 labels"),  # type: ignore[arg-type]
    ],
)
def test_what_makes_no_sense_together_is_one_sentence(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        learner(replace(PLAIN, **changes))
    assert str(error.value).count(". ") == 0


@pytest.mark.parametrize("name", RECIPES["scene"])
def test_every_recipe_fits_its_size(name: str) -> None:
    recipe = RECIPES["scene"][name]
    height = width = int(recipe.size)
    config = fitted(recipe.learner, height, width)
    assert config.generator.doublings >= 4
    assert (config.discriminator.height, config.discriminator.width) == (height, width)
