"""CUT and FastCUT: one translator, held to its photo by what both show at the same places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from shanshui.errors import ConfigError
from shanshui.networks.adversaries import build_discriminator
from shanshui.networks.patches import PatchHeads, draw_places
from shanshui.objectives.contrastive import TEMPERATURE, contrast
from shanshui.training.learners.translation import TranslationConfig, TranslationLearner, begun
from shanshui.training.randomness import generator_at
from shanshui.training.update import Updater, frozen


@dataclass(frozen=True, kw_only=True)
class CUTConfig(TranslationConfig):
    """What a `CUTLearner` is made of; the defaults are CUT's.

    Attributes:
        contrast: weight of the contrast between photo and picture: 1/2 in CUT, 10 in FastCUT.
        identity_contrast: weight of that between a painting and its own translation: 1/2 in CUT, 0 in FastCUT, which
            spares two of five passes.
        flips: mirror every second photo for the translator but not for the encoder (FastCUT's flip equivariance).
        places: positions of each map that are compared.
        head_width: numbers that describe a position.
        temperature: of the contrast.
    """

    contrast: float = 0.5
    identity_contrast: float = 0.5
    flips: bool = False
    places: int = 256
    head_width: int = 256
    temperature: float = TEMPERATURE

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.contrast, self.identity_contrast) < 0 or min(self.places, self.head_width) < 1:
            raise ConfigError("Contrasts must be 0 or more, and places and head_width at least 1.")
        if self.temperature <= 0:
            raise ConfigError(f"--temperature is {self.temperature}: it must be above 0.")


class CUTLearner(TranslationLearner):
    """Park et al. 2020 (https://arxiv.org/abs/2007.15651), equation 5; one painting makes it nearly their SinCUT.

    A picture's patch must be recognised as that of the photo at the same place among the photo's other patches. What
    tells patches apart is the translator's own encoder.
    """

    def __init__(
        self, config: CUTConfig, *, data: Path, photos: Sequence[NDArray[np.uint8]], seed: int, fabric: Fabric
    ) -> None:
        """Networks initialised from `seed`; the other arguments are those of `TranslationLearner`."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            translator = begun(config)
            heads = PatchHeads(translator.channels, config.head_width)
            critic = build_discriminator(config.discriminator)
        super().__init__(config, translator, data=data, photos=photos, seed=seed, fabric=fabric)
        self._config, self._heads, self._judge = config, heads, critic
        self._apprentice = Updater(
            fabric, nn.ModuleDict({"translator": translator, "heads": heads}), config.generator_adam
        )
        self._discriminator = Updater(fabric, critic, config.discriminator_adam)

    @property
    def _critic(self) -> nn.Module:
        return self._judge

    def step(self, batch: Tensor, images_seen: int) -> Mapping[str, Tensor]:
        """Discriminator, translator with its heads, average."""
        photos = self._photos_at(batch, images_seen)
        paintings = self._paintings_at(images_seen, len(photos))
        mirrored = self._config.flips and _coin(self._seed, images_seen)
        pictures, features = self._translated(self._translator, photos.flip(3) if mirrored else photos)

        terms = {"discriminator": self._critic_term(self._judge, paintings, pictures, images_seen)}
        self._discriminator(terms, images_seen)

        with frozen(self._discriminator.network):
            made = {"generator": self._adversarial_term(self._judge, pictures, paintings)}
            if self._config.contrast > 0:
                known = self._seen(photos) if mirrored else features
                told = self._contrast(pictures, known, images_seen, "photos", mirrored=mirrored)
                made["contrast.photos"] = self._config.contrast * told
            if self._config.identity_contrast > 0:
                same, features = self._translated(self._translator, paintings)
                told = self._contrast(same, features, images_seen, "paintings")
                made["contrast.paintings"] = self._config.identity_contrast * told
            self._apprentice(made, images_seen)
        self._follow(len(photos), images_seen)
        return {name: term.detach() for name, term in (terms | made).items()}

    def _contrast(
        self, pictures: Tensor, known: Mapping[str, Tensor], images_seen: int, purpose: str, *, mirrored: bool = False
    ) -> Tensor:
        """Between `pictures` and what the encoder saw in what they were made from, which stands the right way round."""
        places = draw_places(known, self._config.places, generator_at(self._seed, images_seen, f"places in {purpose}"))
        with self._fabric.autocast():
            seen = self._translator.encode(pictures)
            queries = self._heads({name: x.flip(3) for name, x in seen.items()} if mirrored else seen, places)
            with torch.no_grad():
                keys = self._heads(known, places)
        return contrast(queries, keys, self._config.temperature)

    @torch.no_grad()
    def _seen(self, images: Tensor) -> Mapping[str, Tensor]:
        with self._fabric.autocast():
            return self._translator.encode(images)

    def state_dict(self) -> dict[str, Any]:
        """Networks, optimisers and average."""
        return {
            "apprentice": self._apprentice.state_dict(),
            "discriminator": self._discriminator.state_dict(),
            "average": self._average.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self._apprentice.load_state_dict(state["apprentice"])
        self._discriminator.load_state_dict(state["discriminator"])
        self._average.load_state_dict(state["average"])


def _coin(seed: int, images_seen: int) -> bool:
    return bool(torch.rand((), generator=generator_at(seed, images_seen, "mirrored")) < 0.5)
