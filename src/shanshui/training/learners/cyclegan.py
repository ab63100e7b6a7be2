"""CycleGAN: two translators, there and back, that must undo each other."""

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
from shanshui.networks.stylizers.translators import Translator
from shanshui.objectives.cycle import cycle_consistency, identity
from shanshui.training.learners.history import HistoryPool
from shanshui.training.learners.translation import TranslationConfig, TranslationLearner, begun
from shanshui.training.update import Updater, frozen


@dataclass(frozen=True, kw_only=True)
class CycleGANConfig(TranslationConfig):
    """What a `CycleGANLearner` is made of.

    Attributes:
        cycle: weight of the distance to where a journey there and back began.
        identity: weight of the change of what is of the wanted kind already; 0 spares two passes of six.
        history: pictures made before that discriminators may be shown.
    """

    cycle: float = 10.0
    identity: float = 5.0
    history: int = 50

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.cycle, self.identity) < 0:
            raise ConfigError("The weights cycle and identity must be 0 or more.")


class CycleGANLearner(TranslationLearner):
    """Zhu et al. 2017 (https://arxiv.org/abs/1703.10593): equation 3 and the identity of section 5.2."""

    def __init__(
        self, config: CycleGANConfig, *, data: Path, photos: Sequence[NDArray[np.uint8]], seed: int, fabric: Fabric
    ) -> None:
        """Networks initialised from `seed`; the other arguments are those of `TranslationLearner`."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            there, back = begun(config), begun(config)
            of_paintings, of_photos = (build_discriminator(config.discriminator) for _ in range(2))
        super().__init__(config, there, data=data, photos=photos, seed=seed, fabric=fabric)
        self._config, self._there, self._back = config, there, back
        self._of_paintings, self._of_photos = of_paintings, of_photos
        self._translators = Updater(fabric, nn.ModuleDict({"there": there, "back": back}), config.generator_adam)
        self._critics = Updater(
            fabric, nn.ModuleDict({"paintings": of_paintings, "photos": of_photos}), config.discriminator_adam
        )
        self._painted_before, self._photographed_before = (
            HistoryPool(config.history, seed=seed, purpose=purpose) for purpose in ("paintings", "photos")
        )

    @property
    def _critic(self) -> nn.Module:
        return self._of_paintings

    def step(self, batch: Tensor, images_seen: int) -> Mapping[str, Tensor]:
        """Both discriminators, both translators, the average of the one that paints."""
        photos = self._photos_at(batch, images_seen)
        paintings = self._paintings_at(images_seen, len(photos))
        painted, photographed = self._made(self._there, photos), self._made(self._back, paintings)

        fakes = self._painted_before.shown(painted, images_seen)
        terms = {"discriminator.paintings": self._critic_term(self._of_paintings, paintings, fakes, images_seen)}
        fakes = self._photographed_before.shown(photographed, images_seen)
        terms["discriminator.photos"] = self._critic_term(self._of_photos, photos, fakes, images_seen)
        self._critics(terms, images_seen)

        with frozen(self._critics.network):
            made = {
                "generator.paintings": self._adversarial_term(self._of_paintings, painted, paintings),
                "generator.photos": self._adversarial_term(self._of_photos, photographed, photos),
            }
            made |= self._what_must_stay(photos, paintings, painted, photographed)
            self._translators(made, images_seen)
        self._follow(len(photos), images_seen)
        return {name: term.detach() for name, term in (terms | made).items()}

    def _what_must_stay(
        self, photos: Tensor, paintings: Tensor, painted: Tensor, photographed: Tensor
    ) -> Mapping[str, Tensor]:
        """Both journeys there and back, and both kinds left as they are."""
        weight = self._config.cycle
        terms = {
            "cycle.photos": weight * cycle_consistency(self._made(self._back, painted), photos),
            "cycle.paintings": weight * cycle_consistency(self._made(self._there, photographed), paintings),
        }
        weight = self._config.identity
        if weight > 0:
            terms["identity.paintings"] = weight * identity(self._made(self._there, paintings), paintings)
            terms["identity.photos"] = weight * identity(self._made(self._back, photos), photos)
        return terms

    def _made(self, translator: Translator, images: Tensor) -> Tensor:
        return self._translated(translator, images)[0]

    def state_dict(self) -> dict[str, Any]:
        """Networks, optimisers, average, and the pictures made before."""
        return {
            "translators": self._translators.state_dict(),
            "critics": self._critics.state_dict(),
            "average": self._average.state_dict(),
            "painted": self._painted_before.state_dict(),
            "photographed": self._photographed_before.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self._translators.load_state_dict(state["translators"])
        self._critics.load_state_dict(state["critics"])
        self._average.load_state_dict(state["average"])
        self._painted_before.load_state_dict(state["painted"])
        self._photographed_before.load_state_dict(state["photographed"])
