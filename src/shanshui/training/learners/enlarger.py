"""Learning to enlarge: photographs made smaller are the questions, and two discriminators look at the answers.

Of the pictures that are enlarged in a step one half are photographs, whose answer is known, and the other half scenes
of the generator in front, of which it is known only what they are when they are halved again. One discriminator judges
patches of pixels, where every pattern of the network's own shows; the other one looks through a frozen encoder and
knows from the beginning what leaves and stones are (Projected GAN, Sauer et al. 2021,
https://arxiv.org/abs/2111.01007).
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from shanshui.errors import ConfigError
from shanshui.images.grids import grid
from shanshui.images.pixels import to_pixels, to_tensor
from shanshui.networks.averaging import half_life_decay, ramped_half_life, update_average
from shanshui.networks.discriminators.patchgan import PatchGAN, PatchGANConfig
from shanshui.networks.discriminators.projected import ProjectedConfig, ProjectedDiscriminator
from shanshui.networks.enlarger import Enlarger, EnlargerConfig, bicubic, halved
from shanshui.networks.generators.enlarged import Enlarged, enlarged
from shanshui.networks.generators.fastgan import FastGAN
from shanshui.objectives.adversarial import HINGE
from shanshui.together import own, whole
from shanshui.training.learners.looking import fixed_part
from shanshui.training.randomness import generator_at
from shanshui.training.update import AdamConfig, Updater, frozen

_SCENES_SHOWN = 12
_DRAWN_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class EnlargerTeaching:
    """What an enlarger is made of and taught.

    Attributes:
        patch: side in pixels of the enlarged pictures that it learns from, cut out of photographs and scenes.
        pixels: weight of the mean absolute difference from photographs.
        faith: weight of the mean absolute difference between the enlarged picture, halved, and the small one.
        adversarial: weight of the game with each discriminator.
        average_half_life: of the moving average, which ships, in photographs.
    """

    enlarger: EnlargerConfig = field(default_factory=EnlargerConfig)
    patch: int = 128
    patches: PatchGANConfig = field(default_factory=lambda: PatchGANConfig(normalization="spectral", channels=32))
    projected: ProjectedConfig = field(default_factory=ProjectedConfig)
    pixels: float = 2.0
    faith: float = 8.0
    adversarial: float = 0.1
    adam: AdamConfig = field(default_factory=AdamConfig)
    discriminator_adam: AdamConfig = field(default_factory=AdamConfig)
    average_half_life: float = 1_000

    def __post_init__(self) -> None:
        if self.patch < 32 or self.patch % 4:
            raise ConfigError(f"An enlarger's patch is a multiple of 4 and at least 32, not {self.patch}.")
        if min(self.pixels, self.faith, self.adversarial) < 0:
            raise ConfigError("The weights of an enlarger's terms are at least 0.")


class EnlargerLearner:
    """An enlarger behind a generator that stays as it is."""

    looks_through: str | None = ProjectedDiscriminator.looks_through
    block = 1

    def __init__(
        self,
        config: EnlargerTeaching,
        *,
        scenes: FastGAN,
        photos: Sequence[NDArray[np.uint8]],
        seed: int,
        fabric: Fabric,
    ) -> None:
        """All players initialised from `seed`.

        Args:
            config: the recipe.
            scenes: generator of small scenes, trained.
            photos: HWC pictures of twice the size of its scenes, that `samples` shows.
            seed: of the weights and of everything that is drawn.
            fabric: device and precision.
        """
        self._config, self._photos, self._seed, self._fabric = config, photos, seed, fabric
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            enlarger = Enlarger(config.enlarger)
            patches, projected = PatchGAN(config.patches), ProjectedDiscriminator(config.projected)
        for network in (enlarger, patches, projected):
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._scenes: FastGAN = scenes.requires_grad_(False).eval().to(fabric.device)
        self._average: Enlarger = deepcopy(enlarger).requires_grad_(False).eval().to(fabric.device)
        self._eye = fabric.to_device(projected.eye())
        self._bare: Enlarger = enlarger
        self._enlarger = Updater(fabric, enlarger, config.adam)
        self._patches = Updater(fabric, patches, config.discriminator_adam)
        self._projected = Updater(fabric, projected, config.discriminator_adam)

    def step(self, batch: Tensor, images_seen: int) -> Mapping[str, Tensor]:
        """Both discriminators, then the enlarger and its average."""
        small, photos = self._exercise(batch, images_seen)
        made = self._enlarger.network(small).float()
        with self._fabric.autocast():
            looks = self._eye(made)
            with torch.no_grad():
                shown = self._eye(photos)
        random = generator_at(self._seed, images_seen, "judge")
        sights = {
            "patches": (self._patches, photos, made.detach(), made),
            "projected": (self._projected, shown, [each.detach() for each in looks], looks),
        }
        told: dict[str, Tensor] = {}
        taught = self._lessons(made, small, photos)
        for name, (judge, real, cut, fake) in sights.items():
            logits = judge.network(real).float(), judge.network(cut).float()
            judge({f"discriminator.{name}": HINGE.discriminator(*logits, random)}, images_seen)
            told |= {f"logits.{name}.real": logits[0].mean(), f"logits.{name}.fake": logits[1].mean()}
            with frozen(judge.network):
                answer = judge.network(fake).float()
            taught[f"enlarger.{name}"] = self._config.adversarial * HINGE.generator(answer, answer.detach())
        self._enlarger(taught, images_seen)
        half_life = ramped_half_life(self._config.average_half_life, images_seen)
        update_average(self._average, self._bare, half_life_decay(whole(len(batch)), half_life))
        return {name: term.detach() for name, term in (told | taught).items()}

    def _lessons(self, made: Tensor, small: Tensor, photos: Tensor) -> dict[str, Tensor]:
        """What is known of the answers."""
        known = made[: len(photos)]
        return {
            "pixels": self._config.pixels * (known - photos).abs().mean(),
            "faith": self._config.faith * (halved(made) - small).abs().mean(),
        }

    def _exercise(self, batch: Tensor, images_seen: int) -> tuple[Tensor, Tensor]:
        """Small pictures (2 N, 3, P / 2, P / 2), photographs before scenes, and what the first N were (N, 3, P, P)."""
        random = generator_at(self._seed, images_seen, "exercise")
        latents = self._scenes.draw_latents(len(batch), random).to(batch.device)
        with torch.no_grad(), self._fabric.autocast():
            scenes = self._scenes(latents, *self._labels(len(batch))).float()
        side = self._config.patch // 2
        smaller = torch.cat([halved(batch), scenes])
        places = own(torch.rand(whole(len(batch)), 2, 2, generator=random)).transpose(0, 1).flatten(0, 1)
        room = torch.tensor(smaller.shape[2:]) - side
        corners = (places * (room // 2 + 1)).long() * 2  # the network works on cells of two pixels
        small = [each[:, y : y + side, x : x + side] for each, (y, x) in zip(smaller, corners.tolist(), strict=True)]
        wanted = [
            each[:, 2 * y : 2 * (y + side), 2 * x : 2 * (x + side)]
            for each, (y, x) in zip(batch, corners.tolist(), strict=False)
        ]
        return torch.stack(small), torch.stack(wanted)

    def _labels(self, count: int) -> tuple[Tensor, ...]:
        """Every class in turn; nothing for a generator without classes."""
        classes = self._scenes.config.labels
        return (torch.arange(count, device=self._fabric.device) % classes,) if classes else ()

    def samples(self) -> list[NDArray[np.uint8]]:
        """One sheet: each photo halved and enlarged by arithmetic, by the network, and as it was; then scenes."""
        rows = [each for photo in self._photos for each in self._shown(photo)]
        return [grid([*rows, *self.draw(_SCENES_SHOWN)], columns=3)]

    @torch.no_grad()
    def draw(self, count: int) -> Iterator[NDArray[np.uint8]]:
        """`count` scenes, enlarged by the average."""
        random = generator_at(self._seed, 0, "judged")
        for first in range(0, count, _DRAWN_AT_ONCE):
            some = min(_DRAWN_AT_ONCE, count - first)
            latents = self._scenes.draw_latents(some, random).to(self._fabric.device)
            with self._fabric.autocast():
                scenes = self._average(self._scenes(latents, *self._labels(some)).float())
            yield from to_pixels(scenes.float().clamp(-1, 1))

    def opinion(self, images: Tensor) -> None:
        """None: its discriminators judge parts of pictures."""

    def snapshot(self) -> nn.Module:
        """The generator with the averaged enlarger behind it."""
        config = enlarged(self._scenes.config, self._config.enlarger)
        with torch.random.fork_rng(devices=[]):
            network = Enlarged(config)
        network.scenes.load_state_dict(self._scenes.state_dict())
        network.enlarger.load_state_dict(self._average.state_dict())
        return network.requires_grad_(False).eval()

    def state_dict(self) -> dict[str, Any]:
        """Players with their optimisers, the average, and the eye's fixed random part; the scenes come from a file."""
        return {
            "enlarger": self._enlarger.state_dict(),
            "patches": self._patches.state_dict(),
            "projected": self._projected.state_dict(),
            "average": self._average.state_dict(),
            "eye": fixed_part(self._eye),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self._enlarger.load_state_dict(state["enlarger"])
        self._patches.load_state_dict(state["patches"])
        self._projected.load_state_dict(state["projected"])
        self._average.load_state_dict(state["average"])
        self._eye.load_state_dict(state["eye"], strict=False)

    @torch.no_grad()
    def _shown(self, photo: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
        small = halved(self._fabric.to_device(to_tensor(photo)))
        with self._fabric.autocast():
            made = self._average(small)
        for each in (bicubic(small), made):
            yield to_pixels(each.float().clamp(-1, 1))[0]
        yield photo
