"""Learning scenes: a generator against a discriminator, whichever they are and whatever they play."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from shanshui.checkpoints.weights import load_snapshot
from shanshui.checkpoints.zoo import resolve
from shanshui.errors import ModelError
from shanshui.images.pixels import to_pixels
from shanshui.networks.adversaries import build_discriminator, build_generator
from shanshui.networks.averaging import half_life_decay, ramped_half_life, update_average
from shanshui.networks.generators.base import SceneNetwork
from shanshui.networks.generators.growth import begin_as
from shanshui.networks.generators.style_based import StyleBasedGenerator
from shanshui.objectives.adversarial import GAMES
from shanshui.objectives.penalties import (
    gradient_penalty,
    mode_seeking_penalty,
    path_length_penalty,
    zero_centred_penalty,
)
from shanshui.objectives.regularizers import clip_weights
from shanshui.scenes.adaptive import Adaptation, adapted
from shanshui.scenes.augmentations import AUGMENTATIONS
from shanshui.together import own, whole
from shanshui.training.learners.looking import fixed_part
from shanshui.training.learners.strategy import SceneConfig, require_sense
from shanshui.training.randomness import generator_at
from shanshui.training.update import Updater, frozen

_SAMPLES = 64
_DRAWN_AT_ONCE = 32

Labels = Callable[[int, int], Tensor]
"""(images seen, count) -> (count,) int64: the labels of the images that come next."""


@dataclass(frozen=True)
class _Part:
    """Some images of a batch: the first of them is number `position` of the training."""

    reals: Tensor
    labels: Tensor | None
    position: int
    share: float


@dataclass(frozen=True)
class _Fakes:
    """Scenes made for a part, and what the discriminator's eye sees of them."""

    latents: Tensor
    scenes: Tensor
    seen: Any


class SceneLearner:
    """Alternating steps on a game of two players (Goodfellow et al. 2014), for every network of this package.

    One departure: discriminator and generator learn from the same generated images, as in the first DCGAN programs,
    instead of a fresh draw for each. It spares one pass through generator and encoder per step.
    """

    def __init__(
        self,
        config: SceneConfig,
        *,
        seed: int,
        fabric: Fabric,
        labels: Labels | None = None,
    ) -> None:
        """Networks initialised from `seed`.

        Args:
            config: what to build and how to play, `fitted` to a size.
            seed: of the weights and of everything that is drawn.
            fabric: device and precision.
            labels: of the images that come next; None where the networks are told none.

        Raises:
            ConfigError: a penalty means nothing for these networks, or they are of different sizes.
        """
        self._config, self._seed, self._fabric, self._labels = config, seed, fabric, labels
        self._game, self._augment = GAMES[config.game], AUGMENTATIONS[config.augmentation]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            generator = _begun(config)
            discriminator = build_discriminator(config.discriminator)
        require_sense(config, generator, discriminator)
        self.block = 1
        self.looks_through: str | None = discriminator.looks_through
        self._average = deepcopy(generator).requires_grad_(False).eval().to(fabric.device)
        self._eye = fabric.to_device(discriminator.eye())
        self._bare_generator, self._bare_discriminator = generator, discriminator
        self._generator = Updater(fabric, generator, config.generator_adam)
        self._discriminator = Updater(fabric, discriminator, config.discriminator_adam)
        self._adaptation = Adaptation()
        self._path_length = torch.zeros((), device=fabric.device)

    def step(self, batch: Tensor, images_seen: int) -> Mapping[str, Tensor]:
        """Discriminator, then in its turn the generator and its average."""
        parts = self._parts(batch, images_seen)
        turn = images_seen // whole(len(batch))
        generator_moves = (turn + 1) % self._config.critic_steps == 0
        terms: dict[str, Tensor] = {}
        fakes: list[_Fakes] = []
        for part in parts:
            # Scenes of a whole batch serve both players; those of parts are made again, for their graphs fill memory.
            with torch.set_grad_enabled(generator_moves and len(parts) == 1):
                fakes = [self._make(part)]
            _add(terms, self._teach_discriminator(part, fakes[0], turn), part.share)
        self._discriminator.step(images_seen)
        if self._config.penalties.clip_weights > 0:
            clip_weights(self._bare_discriminator.parameters(), self._config.penalties.clip_weights)
        if not generator_moves:
            return terms

        with frozen(self._discriminator.network):
            for part in parts:
                made = fakes[0] if len(parts) == 1 else self._make(part)
                _add(terms, self._teach_generator(part, made, turn // self._config.critic_steps), part.share)
        self._generator.step(images_seen)
        half_life = self._config.average_half_life * self._config.average_schedule.value(images_seen)
        images = whole(len(batch)) * self._config.critic_steps
        update_average(
            self._average, self._bare_generator, half_life_decay(images, ramped_half_life(half_life, images_seen))
        )
        return terms

    def _teach_discriminator(self, part: _Part, fakes: _Fakes, turn: int) -> Mapping[str, Tensor]:
        """Gradients of the discriminator's side of the game."""
        judge, game = self._discriminator.network, self._game
        random = generator_at(self._seed, part.position, "judge")
        real_logits = judge(self._look(part.reals, part.position, "reals"), part.labels)
        fake_logits = judge(_detached(fakes.seen), part.labels)
        terms = {f"discriminator.{game.name}": game.discriminator(real_logits, fake_logits, random)}
        terms |= self._slope_penalties(part, fakes, turn, random)
        terms |= self._reconstruction(part, random)
        self._discriminator.backward(terms, part.share)
        logits = {"logits.real": real_logits.mean(), "logits.fake": fake_logits.mean()}
        if self._config.augmentation == "ada":
            self._adaptation = adapted(self._adaptation, self._config.adaptation, real_logits.detach())
            logits["augmentation"] = torch.tensor(self._adaptation.probability)
        return terms | logits

    def _slope_penalties(self, part: _Part, fakes: _Fakes, turn: int, random: torch.Generator) -> Mapping[str, Tensor]:
        """The penalties whose turn it is, on how steeply the discriminator answers to pixels."""
        penalties = self._config.penalties

        def critic(images: Tensor) -> Tensor:
            return self._discriminator.differentiable(self._look(images, part.position, "slopes"), part.labels)

        terms = {}
        if penalties.gradient_penalty > 0:
            scenes = fakes.scenes.detach()
            terms["gradient_penalty"] = gradient_penalty(critic, part.reals, scenes, random, penalties.gradient_penalty)
        sides = {"r1": part.reals, "r2": fakes.scenes.detach()}
        for name, images in sides.items():
            strength, every = getattr(penalties, name), getattr(penalties, f"{name}_every")
            if strength > 0 and turn % every == 0:
                scheduled = strength * every * penalties.schedule.value(part.position)
                terms[name] = zero_centred_penalty(critic, images, scheduled)
        return terms

    def _reconstruction(self, part: _Part, random: torch.Generator) -> Mapping[str, Tensor]:
        """How far the discriminator's reconstructions of real images are from them, in mean absolute difference."""
        strength = self._config.penalties.reconstruction
        if strength == 0:
            return {}
        with self._fabric.autocast():
            pairs = self._bare_discriminator.reconstructions(self._look(part.reals, part.position, "reals"), random)
        far = torch.stack([(made.float() - wanted).abs().mean() for made, wanted in pairs])
        return {"reconstruction": strength * far.sum()}

    def _teach_generator(self, part: _Part, fakes: _Fakes, turn: int) -> Mapping[str, Tensor]:
        """Gradients of the generator's side of the game."""
        judge, game, penalties = self._discriminator.network, self._game, self._config.penalties
        fake_logits = judge(fakes.seen, part.labels)
        real_logits = fake_logits.detach()
        if game.needs_real_logits:
            with torch.no_grad():
                real_logits = judge(self._look(part.reals, part.position, "reals"), part.labels)
        terms = {f"generator.{game.name}": game.generator(fake_logits, real_logits)}
        if penalties.mode_seeking > 0:
            other = self._make(part, purpose="mode seeking")
            pairs = (fakes.scenes, other.scenes), (fakes.latents, other.latents)
            terms["mode_seeking"] = mode_seeking_penalty(*pairs, penalties.mode_seeking)
        if penalties.path_length > 0 and turn % penalties.path_length_every == 0:
            terms["path_length"] = self._path_length_penalty(part)
        self._generator.backward(terms, part.share)
        return terms

    def _path_length_penalty(self, part: _Part) -> Tensor:
        """On half of the part, as the authors' program does it to save memory."""
        generator, penalties = self._bare_generator, self._config.penalties
        assert isinstance(generator, StyleBasedGenerator)
        random, noise = (generator_at(self._seed, part.position, purpose) for purpose in ("path", "path noise"))
        half = max(len(part.reals) // 2, 1)
        labels = None if part.labels is None else part.labels[:half]
        with self._fabric.autocast():
            styles = generator.styles(self._latents(half, random), labels, random)
            penalty, self._path_length = path_length_penalty(
                lambda styles: generator.synthesis(styles, noise).float(),
                styles,
                self._path_length,
                random,
                penalties.path_length * penalties.path_length_every,
            )
        return penalty

    def _make(self, part: _Part, purpose: str = "scenes") -> _Fakes:
        random = generator_at(self._seed, part.position, purpose)
        latents = self._latents(len(part.reals), random)
        scenes = self._generator.network(latents, part.labels, random)
        return _Fakes(latents=latents, scenes=scenes, seen=self._look(scenes, part.position, "fakes"))

    def _look(self, images: Tensor, position: int, purpose: str) -> Any:
        """Images as the discriminator sees them: augmented, and through its eye."""
        random = generator_at(self._seed, position, f"augment {purpose}")
        augmented = self._augment(images, self._augmentation_probability(position), random)
        with self._fabric.autocast():
            return self._eye(augmented)

    def _augmentation_probability(self, position: int) -> float:
        chosen = self._adaptation.probability if self._config.augmentation == "ada" else 1.0
        return chosen * self._config.augmentation_schedule.value(position)

    def _parts(self, batch: Tensor, images_seen: int) -> Sequence[_Part]:
        labels = self._next_labels(images_seen, len(batch))
        parts, position = [], images_seen
        for index, reals in enumerate(batch.chunk(self._config.parts)):
            own = None if labels is None else labels.chunk(self._config.parts)[index]
            parts.append(_Part(reals, own, position, len(reals) / len(batch)))
            position += whole(len(reals))
        return parts

    def _next_labels(self, images_seen: int, count: int) -> Tensor | None:
        """Of the `count` images of this process that come after `images_seen`."""
        return None if self._labels is None else own(self._labels(images_seen, whole(count))).to(self._fabric.device)

    def samples(self) -> list[NDArray[np.uint8]]:
        """A fixed set of latents through the averaged generator."""
        return list(self._draw(_SAMPLES, generator_at(self._seed, 0, "samples")))

    def draw(self, count: int) -> Iterator[NDArray[np.uint8]]:
        """`count` scenes of the averaged generator."""
        return self._draw(count, generator_at(self._seed, 0, "judged"))

    @torch.no_grad()
    def opinion(self, images: Tensor) -> Tensor | None:
        """Logits of a discriminator that learns nothing from looking: its batch norm uses what it has remembered."""
        if self._bare_discriminator.config.labels:
            return None
        judge = self._bare_discriminator.eval()
        with self._fabric.autocast():
            logits = [judge(self._eye(some.to(self._fabric.device))) for some in images.split(_DRAWN_AT_ONCE)]
        judge.train()
        return torch.cat([each.float().flatten(1).mean(1).cpu() for each in logits])

    def snapshot(self) -> nn.Module:
        """The averaged generator without what only training needs."""
        return self._average.plain().eval()

    def state_dict(self) -> dict[str, Any]:
        """Networks, optimisers, average, the eye's fixed random part, and what the strategy remembers."""
        return {
            "generator": self._generator.state_dict(),
            "discriminator": self._discriminator.state_dict(),
            "average": self._average.state_dict(),
            "eye": fixed_part(self._eye),
            "adaptation": asdict(self._adaptation),
            "path_length": self._path_length,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self._generator.load_state_dict(state["generator"])
        self._discriminator.load_state_dict(state["discriminator"])
        self._average.load_state_dict(state["average"])
        self._eye.load_state_dict(state["eye"], strict=False)
        self._adaptation = Adaptation(**state["adaptation"])
        self._path_length = state["path_length"].to(self._fabric.device)

    def _latents(self, count: int, random: torch.Generator) -> Tensor:
        return self._average.draw_latents(count, random).to(self._fabric.device)

    @torch.no_grad()
    def _draw(self, count: int, random: torch.Generator) -> Iterator[NDArray[np.uint8]]:
        labels = torch.arange(count) % self._average.config.labels if self._average.config.labels else None
        for first in range(0, count, _DRAWN_AT_ONCE):
            places = range(first, min(first + _DRAWN_AT_ONCE, count))
            some = None if labels is None else labels[places.start : places.stop].to(self._fabric.device)
            with self._fabric.autocast():
                scenes = self._average.sample(self._latents(len(places), random), some)
            yield from to_pixels(scenes.float())


def _begun(config: SceneConfig) -> SceneNetwork:
    """A new generator, or the one to begin with."""
    generator = build_generator(config.generator)
    if config.begin_with is not None:
        known, _ = load_snapshot(resolve(config.begin_with))
        if not isinstance(known, SceneNetwork):
            raise ModelError(f"{config.begin_with} makes no scenes but is a {type(known).__name__}: try `landscape`.")
        begin_as(generator, known)
    return generator


def _detached(seen: Any) -> Any:
    """What an eye sees, cut from the graph that made it."""
    return seen.detach() if isinstance(seen, Tensor) else [features.detach() for features in seen]


def _add(terms: dict[str, Tensor], more: Mapping[str, Tensor], share: float) -> None:
    """Add a part's terms to those of the batch."""
    for name, term in more.items():
        terms[name] = terms.get(name, torch.zeros(())) + share * term.detach().cpu()
