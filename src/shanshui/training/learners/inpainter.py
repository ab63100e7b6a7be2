"""Learning to fill: an inpainter against a discriminator of patches, with the photo as its witness.

Every photo of a batch gets a hole of its own. A quarter of the photos are filled a second time, with another latent,
and the two fills must not be alike.

The discriminator sees whole pictures and does not know where the holes were, but only its judgements of patches that
see part of one count, of photographs as of filled ones (Suvorov et al. 2022, "Resolution-robust Large Mask Inpainting",
https://arxiv.org/abs/2109.07161, section 2.3.2).
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count as count_from
from itertools import cycle, islice
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
from shanshui.networks.averaging import half_life_decay, ramped_half_life, update_average
from shanshui.networks.discriminators.patchgan import PatchGAN, PatchGANConfig
from shanshui.networks.encoders.vgg19 import VGG19
from shanshui.networks.inpainter import Inpainter, InpainterConfig
from shanshui.objectives.adversarial import GAMES
from shanshui.objectives.filling import FillObjective, likeness
from shanshui.scenes.masks import mask_at
from shanshui.together import common_mean, own, positions, whole
from shanshui.training.learners.looking import dtype_of_autocast, window
from shanshui.training.randomness import generator_at
from shanshui.training.update import AdamConfig, Updater, frozen

_SHOWN_AGAIN = 4
"""One photo in so many is filled twice."""


@dataclass(frozen=True, kw_only=True)
class InpainterTeaching:
    """What an inpainter is made of and taught.

    Attributes:
        discriminator: who tells filled holes from photographs.
        game: a name from `objectives.adversarial.GAMES`.
        adversarial: weight of the game in the inpainter's loss.
        hole, known, decay, content, style: as for `FillObjective`.
        variety: weight of the likeness of two fills.
        apart: how far two fills of a hole are wanted to be from each other, as for `likeness`.
        average_half_life: of the moving average, which ships, in images.
    """

    inpainter: InpainterConfig = field(default_factory=InpainterConfig)
    discriminator: PatchGANConfig = field(default_factory=lambda: PatchGANConfig(normalization="spectral"))
    game: str = "hinge"
    adversarial: float = 0.3
    hole: float = 2.0
    known: float = 1.0
    decay: float = 0.96
    content: Mapping[str, float] = field(default_factory=lambda: {"relu4_1": 1.0})
    style: Mapping[str, float] = field(default_factory=lambda: {"relu3_1": 1.0})
    variety: float = 0.05
    apart: float = 0.1
    adam: AdamConfig = field(default_factory=AdamConfig)
    discriminator_adam: AdamConfig = field(default_factory=AdamConfig)
    average_half_life: float = 1_000

    def __post_init__(self) -> None:
        if self.game not in GAMES:
            raise ConfigError(f"There is no game {self.game!r}: choose one of {', '.join(GAMES)}.")
        if not (0 < self.decay <= 1 and self.apart > 0):
            raise ConfigError("An inpainter's decay is above 0 and at most 1, and apart is above 0.")
        if min(self.adversarial, self.hole, self.known, self.variety) < 0:
            raise ConfigError("The weights of an inpainter's terms are at least 0.")


@dataclass(frozen=True)
class _Task:
    """What one step is about: photos with holes, the last rows being the first ones with other latents and noise.

    Attributes:
        photos: (N, 3, H, W).
        masks: (N, 1, H, W).
        latents: (N, latent).
        noise: (N, 1, H, W).
    """

    photos: Tensor
    masks: Tensor
    latents: Tensor
    noise: Tensor


class InpainterLearner:
    """An inpainter against a discriminator of patches."""

    looks_through: str | None = "vgg19"
    block = 1

    def __init__(
        self, config: InpainterTeaching, *, photos: Sequence[NDArray[np.uint8]], seed: int, fabric: Fabric
    ) -> None:
        """Both players initialised from `seed`.

        Args:
            config: the recipe.
            photos: HWC pictures of one size that `samples` and `draw` show.
            seed: of the weights and of everything that is drawn.
            fabric: device and precision.
        """
        self._config, self._photos, self._seed, self._fabric = config, photos, seed, fabric
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            inpainter, discriminator = Inpainter(config.inpainter), PatchGAN(config.discriminator)
        for network in (inpainter, discriminator):
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._average: Inpainter = deepcopy(inpainter).requires_grad_(False).eval().to(fabric.device)
        self._encode = fabric.to_device(VGG19()).to(dtype_of_autocast(fabric))
        self._bare: Inpainter = inpainter
        self._inpainter = Updater(fabric, inpainter, config.adam)
        self._discriminator = Updater(fabric, discriminator, config.discriminator_adam)
        self._game = GAMES[config.game]
        self._objective = FillObjective(
            hole=config.hole, known=config.known, decay=config.decay, content=config.content, style=config.style
        )

    def step(self, batch: Tensor, images_seen: int) -> Mapping[str, Tensor]:
        """Discriminator, then the inpainter and its average."""
        task = self._task(batch, images_seen)
        made = self._inpainter.network(task.photos, task.masks, task.latents, task.noise).float()
        masks, fills = task.masks[: len(batch)], made[: len(batch)]
        filled = torch.lerp(batch, fills, masks)

        terms = self._teach_discriminator(batch, filled.detach(), masks, images_seen)
        with frozen(self._discriminator.network):
            taught = self._lessons(fills, filled, batch, masks, images_seen)
            if self._config.variety > 0:
                again = made[len(batch) :]
                pairs = (fills[: len(again)], again, masks[: len(again)])
                taught["variety"] = self._config.variety * likeness(*pairs, self._config.apart)
            self._inpainter(taught, images_seen)
        half_life = ramped_half_life(self._config.average_half_life, images_seen)
        update_average(self._average, self._bare, half_life_decay(whole(len(batch)), half_life))
        return {**terms, **{name: term.detach() for name, term in taught.items()}}

    def _teach_discriminator(
        self, reals: Tensor, fakes: Tensor, masks: Tensor, images_seen: int
    ) -> Mapping[str, Tensor]:
        judge, game = self._discriminator.network, self._game
        places = self._patches(masks)
        real_logits, fake_logits = judge(reals).float()[places], judge(fakes).float()[places]
        random = generator_at(self._seed, images_seen, "judge")
        weight = _weight(real_logits)
        terms = {f"discriminator.{game.name}": weight * game.discriminator(real_logits, fake_logits, random)}
        self._discriminator(terms, images_seen)
        told = {name: term.detach() for name, term in terms.items()}
        return told | {"logits.real": real_logits.detach().mean(), "logits.fake": fake_logits.detach().mean()}

    def _lessons(
        self, fills: Tensor, filled: Tensor, photos: Tensor, masks: Tensor, images_seen: int
    ) -> dict[str, Tensor]:
        """The inpainter's terms, but for variety."""
        terms: dict[str, Tensor] = {}
        if self._config.adversarial > 0:
            logits = self._discriminator.network(filled).float()[self._patches(masks)]
            name = f"inpainter.{self._game.name}"
            weight = self._config.adversarial * _weight(logits)
            terms[name] = weight * self._game.generator(logits, logits.detach())
        seen, wanted, places = (window(images, self._seed, images_seen) for images in (filled, photos, masks))
        with torch.no_grad():
            photo_features = self._encode(wanted, self._objective.layers)
        features = self._encode(seen, self._objective.layers)
        terms |= self._objective(fills, photos, masks, features, photo_features, places)
        return terms

    def _patches(self, masks: Tensor) -> Tensor:
        """(N, K) bool: which of the discriminator's logits see part of a hole at the middle of their patch."""
        stride = 1 << self._config.discriminator.layers
        # Without padding at the last two convolutions, the logits stand at the inner cells of the grid of strides.
        cells = functional.max_pool2d(masks, stride)[:, :, 1:-1, 1:-1]
        seen = cells.flatten(1) > 0
        if not seen.any():  # all holes lie at the rim, where no patch has its middle
            seen[:, 0] = True
        return seen

    def _task(self, batch: Tensor, images_seen: int) -> _Task:
        count, size = len(batch), batch.shape[2:]
        again = max(1, count // _SHOWN_AGAIN) if self._config.variety > 0 else 0
        random = generator_at(self._seed, images_seen, "task")
        masks = torch.stack([_mask(self._seed, place, *size) for place in positions(images_seen, count)]).to(
            batch.device
        )
        latents = self._bare.draw_latents(count + again, random)
        noise = own(torch.randn(whole(count + again), 1, *size, generator=random))
        return _Task(
            photos=torch.cat([batch, batch[:again]]),
            masks=torch.cat([masks, masks[:again]]),
            latents=latents.to(batch.device),
            noise=noise.to(batch.device),
        )

    def samples(self) -> list[NDArray[np.uint8]]:
        """One sheet: for each photo a row: with a hole, filled twice, and as it was."""
        rows = [
            [self._with_hole(number), *(self._fill(number, seed) for seed in (0, 1)), photo]
            for number, photo in enumerate(self._photos)
        ]
        return [grid([image for row in rows for image in row], columns=4)]

    def draw(self, count: int) -> Iterator[NDArray[np.uint8]]:
        """`count` photos filled, over and over with other latents."""
        numbers = zip(cycle(range(len(self._photos))), count_from(), strict=False)
        return (self._fill(number, seed) for number, seed in islice(numbers, count))

    def opinion(self, images: Tensor) -> None:
        """None: its discriminator judges holes."""

    def snapshot(self) -> nn.Module:
        """The averaged inpainter."""
        network: nn.Module = deepcopy(self._average).cpu()
        return network

    def state_dict(self) -> dict[str, Any]:
        """Both players with their optimisers, and the average."""
        return {
            "inpainter": self._inpainter.state_dict(),
            "discriminator": self._discriminator.state_dict(),
            "average": self._average.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self._inpainter.load_state_dict(state["inpainter"])
        self._discriminator.load_state_dict(state["discriminator"])
        self._average.load_state_dict(state["average"])

    def _shown(self, number: int) -> tuple[Tensor, Tensor]:
        photo = to_tensor(self._photos[number])
        return photo, _mask(self._seed, number, *photo.shape[2:])[None]

    def _with_hole(self, number: int) -> NDArray[np.uint8]:
        photo, mask = self._shown(number)
        picture: NDArray[np.uint8] = to_pixels(photo * (1 - mask))[0]
        return picture

    @torch.no_grad()
    def _fill(self, number: int, seed: int) -> NDArray[np.uint8]:
        photo, mask = self._shown(number)
        random = generator_at(self._seed, seed, "shown")
        latents, noise = self._average.draw_latents(1, random), torch.randn(mask.shape, generator=random)
        given = (photo, mask, latents, noise)
        with self._fabric.autocast():
            fill = self._average(*(self._fabric.to_device(tensor) for tensor in given)).float().cpu()
        picture: NDArray[np.uint8] = to_pixels(torch.lerp(photo, fill, mask))[0]
        return picture


def _weight(logits: Tensor) -> Tensor:
    """Of a mean over `logits` among those of processes that learn together, which have more of them or fewer."""
    count = torch.tensor(float(len(logits)), device=logits.device)
    return count / common_mean(count)


def _mask(seed: int, position: int, height: int, width: int) -> Tensor:
    return torch.from_numpy(mask_at(seed, position, height, width))[None]
