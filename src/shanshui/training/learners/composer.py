"""Learning to compose: min over generator, max over discriminator of L_GAN + L_ST, with a slider between the two.

A photo, or a scene out of noise, is painted by the style-transfer module; the composer takes the painting back towards
nature as far as the slider says. Half of every batch answers to the discriminator and half to the statistics of the
paintings. A scene of naturalness n is of the first half with probability n, so that on average the loss of a scene is
n L_GAN + (1 - n) L_ST, and no scene pays for both passes. Both halves keep the content of their photo.

In the beginning the style-transfer module stays as it was trained; then it learns jointly with the composer.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import cycle, islice, product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from shanshui.errors import ConfigError
from shanshui.images.grids import grid
from shanshui.images.pixels import to_pixels, to_tensor
from shanshui.networks.adversaries import build_discriminator
from shanshui.networks.averaging import half_life_decay, ramped_half_life, update_average
from shanshui.networks.encoders.vgg19 import VGG19
from shanshui.networks.generators.base import SceneNetwork
from shanshui.networks.joint import JointConfig, JointPipeline
from shanshui.networks.stylizers.feedforward import FeedForwardStylizer
from shanshui.objectives.adversarial import GAMES
from shanshui.objectives.penalties import zero_centred_penalty
from shanshui.scenes.augmentations import AUGMENTATIONS
from shanshui.together import own, whole
from shanshui.training.learners.composing import ComposerTeaching, natural_objective, painted_objective
from shanshui.training.learners.exemplars import style_targets
from shanshui.training.learners.looking import dithered, dtype_of_autocast, fixed_part, window
from shanshui.training.learners.style import styles_in_turn
from shanshui.training.randomness import generator_at
from shanshui.training.update import Updater, frozen

SHOWN = (0.0, 0.5, 1.0)
"""Naturalness of the pictures on a sample sheet."""


@dataclass(frozen=True)
class _Task:
    """What one step is about: the first half of everything answers to the discriminator, the second to the paintings.

    Attributes:
        photos: (2 n, 3, H, W), what is to be composed.
        styles: (2 n,) numbers of styles.
        naturalness: (2 n,).
        latents: (2 n, latent).
        position: images seen before.
    """

    photos: Tensor
    styles: Tensor
    naturalness: Tensor
    latents: Tensor
    position: int

    @property
    def half(self) -> int:
        return len(self.photos) // 2


class ComposerLearner:
    """Style-transfer module and composer against a discriminator and the paintings' statistics."""

    looks_through: str | None = "vgg19"
    block = 1

    def __init__(
        self,
        config: ComposerTeaching,
        stylizer: FeedForwardStylizer,
        generator: SceneNetwork,
        *,
        data: Path,
        photos: Sequence[NDArray[np.uint8]],
        seed: int,
        fabric: Fabric,
    ) -> None:
        """A composer initialised from `seed`, behind a stylizer that is trained.

        Args:
            config: the recipe.
            stylizer: the style-transfer module; a copy learns.
            generator: makes a share of the photos; it does not learn.
            data: the folder that the paths of `config.styles` start from.
            photos: HWC pictures of one size that `samples` and `draw` show.
            seed: of the weights and of everything that is drawn.
            fabric: device and precision.

        Raises:
            ConfigError: the stylizer knows other styles.
            DataError: a data set of paintings is missing or empty.
            ImageError: a painting cannot be read.
        """
        if tuple(config.styles) != stylizer.config.styles:
            raise ConfigError(
                f"The composer's styles are {', '.join(config.styles)}, those of its stylizer "
                f"{', '.join(stylizer.config.styles)}: give it paintings of the same names in the same order."
            )
        self._config, self._photos, self._seed, self._fabric = config, photos, seed, fabric
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            pipeline = JointPipeline(JointConfig(stylizer=stylizer.config, composer=config.composer))
            discriminator = build_discriminator(config.discriminator)
        pipeline.stylizer.load_state_dict(stylizer.state_dict())
        pipeline.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._average: JointPipeline = deepcopy(pipeline).requires_grad_(False).eval().to(fabric.device)
        self._generator: SceneNetwork = deepcopy(generator).requires_grad_(False).eval().to(fabric.device)
        self._encode = fabric.to_device(VGG19()).to(dtype_of_autocast(fabric))
        self._eye = fabric.to_device(discriminator.eye())
        self._bare: JointPipeline = pipeline
        self._pipeline = Updater(fabric, pipeline, config.adam)
        self._discriminator = Updater(fabric, discriminator, config.discriminator_adam)
        self._game = GAMES[config.game]
        self._painted = painted_objective(config)
        self._natural = natural_objective(config)
        self._targets = style_targets(
            config.styles,
            data,
            objective=self._painted,
            encode=self._encode,
            side=config.painting_side,
            margin=config.painting_margin,
            device=fabric.device,
        )

    def step(self, batch: Tensor, images_seen: int) -> Mapping[str, Tensor]:
        """Discriminator, then the pipeline, as far as it learns already, and its average.

        Raises:
            ConfigError: the batch has an odd number of photos.
        """
        task, turn = self._task(batch, images_seen), images_seen // whole(len(batch))
        self._bare.stylizer.requires_grad_(images_seen >= self._config.joint_from)
        noise = generator_at(self._seed, images_seen, "noise")
        scenes = self._pipeline.network(
            task.photos, self._one_hot(task.styles), task.latents, task.naturalness, noise
        ).float()

        terms = self._teach_discriminator(batch[task.half :], scenes[: task.half].detach(), task, turn)
        with frozen(self._discriminator.network):
            taught = self._lessons(scenes, task)
            self._pipeline(taught, images_seen)
        half_life = ramped_half_life(self._config.average_half_life, images_seen)
        update_average(self._average, self._bare, half_life_decay(whole(len(batch)), half_life))
        return {**terms, **{name: term.detach() for name, term in taught.items()}}

    def _teach_discriminator(self, reals: Tensor, fakes: Tensor, task: _Task, turn: int) -> Mapping[str, Tensor]:
        """One step of the discriminator; `reals` are photographs whose like was not composed."""
        judge, game, config = self._discriminator.network, self._game, self._config
        random = generator_at(self._seed, task.position, "judge")
        real_logits = judge(self._look(reals, task.position, "reals"))
        fake_logits = judge(self._look(fakes, task.position, "fakes"))
        terms = {f"discriminator.{game.name}": game.discriminator(real_logits, fake_logits, random)}
        if config.r1 > 0 and turn % config.r1_every == 0:

            def critic(images: Tensor) -> Tensor:
                return self._discriminator.differentiable(self._look(images, task.position, "slopes"))

            terms["r1"] = zero_centred_penalty(critic, reals, config.r1 * config.r1_every)
        self._discriminator(terms, task.position)
        told = {name: term.detach() for name, term in terms.items()}
        return told | {"logits.real": real_logits.detach().mean(), "logits.fake": fake_logits.detach().mean()}

    def _lessons(self, scenes: Tensor, task: _Task) -> dict[str, Tensor]:
        """The composer's terms: the game and the content of the first half, style and content of the second."""
        half, config = task.half, self._config
        terms: dict[str, Tensor] = {}
        if config.adversarial > 0:
            logits = self._discriminator.network(self._look(scenes[:half], task.position, "fakes"))
            terms[f"composer.{self._game.name}"] = config.adversarial * self._game.generator(logits, logits.detach())
        seen, photos = (window(images, self._seed, task.position) for images in (scenes, task.photos))
        with torch.no_grad():
            photo_features = self._encode(photos, tuple({*config.content, *config.nature}))
        features = self._encode(seen, tuple({*self._painted.layers, *self._natural.layers}))
        targets = self._targets.rows(task.styles)
        for name, objective, part in (
            ("natural", self._natural, slice(None, half)),
            ("painted", self._painted, slice(half, None)),
        ):
            told = objective(
                seen[part],
                photos[part],
                {layer: maps[part] for layer, maps in features.items()},
                {layer: maps[part] for layer, maps in photo_features.items()},
                targets.rows(torch.arange(len(task.photos), device=targets.palettes.device)[part]),
            )
            terms |= {f"{name}.{term}": value for term, value in told.items()}
        return terms

    def _task(self, batch: Tensor, images_seen: int) -> _Task:
        half, rest = divmod(len(batch), 2)
        if rest:
            raise ConfigError(f"A composer learns from an even number of photos, not {len(batch)}: --batch-size 8.")
        random = generator_at(self._seed, images_seen, "task")
        # Naturalness is uniform, and a scene of naturalness n is of the first half with probability n: in that half
        # the density is 2 n, in the other 2 (1 - n).
        roots = own(torch.rand(whole(len(batch)), generator=random)).sqrt()
        naturalness = torch.cat([roots[:half], 1 - roots[half:]])
        styles = styles_in_turn(self._seed, images_seen, len(batch), 1, len(self._config.styles))
        latents = self._bare.composer.draw_latents(len(batch), random)
        made = own(torch.rand(whole(len(batch)), 1, 1, 1, generator=random)) < self._config.from_noise
        photos = torch.where(made.to(batch.device), self._scenes(batch, random), batch)
        photos = dithered(photos, self._seed, images_seen)
        styles, naturalness, latents = (each.to(batch.device) for each in (styles, naturalness, latents))
        return _Task(photos, styles, naturalness, latents, images_seen)

    @torch.no_grad()
    def _scenes(self, like: Tensor, random: torch.Generator) -> Tensor:
        """As many scenes of the generator, at the size of `like`."""
        latents = self._generator.draw_latents(len(like), random).to(like.device)
        with self._fabric.autocast():
            scenes = self._generator.sample(latents).float()
        return functional.interpolate(scenes, size=like.shape[2:], mode="bilinear", antialias=True).clamp(-1, 1)

    def _look(self, images: Tensor, position: int, purpose: str) -> Any:
        """Images as the discriminator sees them: augmented, and through its eye."""
        augmented = AUGMENTATIONS["diffaugment"](images, 1.0, generator_at(self._seed, position, f"augment {purpose}"))
        with self._fabric.autocast():
            return self._eye(augmented)

    def samples(self) -> list[NDArray[np.uint8]]:
        """One sheet: for each photo a row in another style: the photo, and scenes from painting to nature."""
        styles = cycle(range(len(self._config.styles)))
        rows = [
            [photo, *(self._compose(photo, style, naturalness) for naturalness in SHOWN)]
            for photo, style in zip(self._photos, styles, strict=False)
        ]
        return [grid([image for row in rows for image in row], columns=1 + len(SHOWN))]

    def draw(self, count: int) -> Iterator[NDArray[np.uint8]]:
        """`count` natural scenes: photos composed in all styles, over and over."""
        pairs = cycle(product(self._photos, range(len(self._config.styles))))
        return (self._compose(photo, style, 1.0) for photo, style in islice(pairs, count))

    def opinion(self, images: Tensor) -> None:
        """None: few photos are shown to a discriminator that judges compositions."""

    def snapshot(self) -> nn.Module:
        """The averaged pipeline."""
        network: nn.Module = deepcopy(self._average).cpu()
        return network

    def state_dict(self) -> dict[str, Any]:
        """Modules, optimisers, average, and the eye's fixed random part; the targets are computed again."""
        return {
            "pipeline": self._pipeline.state_dict(),
            "discriminator": self._discriminator.state_dict(),
            "average": self._average.state_dict(),
            "eye": fixed_part(self._eye),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self._pipeline.load_state_dict(state["pipeline"])
        self._discriminator.load_state_dict(state["discriminator"])
        self._average.load_state_dict(state["average"])
        self._eye.load_state_dict(state["eye"], strict=False)

    def _one_hot(self, styles: Tensor) -> Tensor:
        return functional.one_hot(styles, len(self._config.styles)).float()

    @torch.no_grad()
    def _compose(self, photo: NDArray[np.uint8], style: int, naturalness: float) -> NDArray[np.uint8]:
        device = self._fabric.device
        random = generator_at(self._seed, 0, "shown")
        latents = self._average.composer.draw_latents(1, random).to(device)
        with self._fabric.autocast():
            scene = self._average(
                self._fabric.to_device(to_tensor(photo)),
                self._one_hot(torch.tensor([style], device=device)),
                latents,
                torch.tensor([naturalness], device=device),
                random,
            )
        picture: NDArray[np.uint8] = to_pixels(scene.float())[0]
        return picture
