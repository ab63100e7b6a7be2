"""A picture found by optimising its own pixels: content of the photo, statistics of the paintings.

Gatys, Ecker and Bethge (2016, "Image Style Transfer Using Convolutional Neural Networks"). It takes minutes for what a
trained network does in a second, and is what faster ones are measured by. Departures: distances are relative to their
targets (`objectives.style`), so that weights hold for every painting; the search begins small, with the photo, and
each larger scale with what the one before found (Gatys et al. 2017, section 6), because a network sees only strokes
of the size of its receptive field; and pictures stay within the range of pixels.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from shanshui.errors import ConfigError, NonFiniteError
from shanshui.networks.encoders.vgg19 import VGG19
from shanshui.networks.precision import fast_dtype
from shanshui.objectives.style import StyleObjective, StyleTargets

_LAYERS = {"relu1_1": 1.0, "relu2_1": 1.0, "relu3_1": 1.0, "relu4_1": 1.0, "relu5_1": 1.0}

_LEAST = 32  # pixels of the shorter side that VGG-19's fifth block needs to have something to correlate


@dataclass(frozen=True, kw_only=True)
class GatysConfig:
    """How a picture is looked for.

    Attributes:
        content: VGG-19 layer -> weight of the distance to the photo.
        style: VGG-19 layer -> weight of the distance to the paintings.
        statistics: what of the style is compared: Gram matrices (Gatys et al. 2016), means and deviations (Huang and
            Belongie 2017), or Gaussians under the Wasserstein distance, which keeps more of the photo at equal style.
        strength: factor of all style weights; Gram matrices and moments want about three times as much.
        smoothness: weight of the total variation.
        optimiser: L-BFGS, or Adam, which needs less memory.
        rounds: evaluations at the first scale; later ones take half as many.
        smallest: shorter side of the first scale, in pixels.
        painting_side: shorter side at which paintings are looked at beside the photo at its full size, in pixels: it
            sets the size of the strokes.
    """

    content: Mapping[str, float] = field(default_factory=lambda: {"relu4_2": 1.0})
    style: Mapping[str, float] = field(default_factory=lambda: dict(_LAYERS))
    statistics: Literal["gram", "moments", "wasserstein"] = "wasserstein"
    strength: float = 1.0
    smoothness: float = 0.02
    optimiser: Literal["lbfgs", "adam"] = "lbfgs"
    rounds: int = 80
    smallest: int = 128
    painting_side: int = 384

    def __post_init__(self) -> None:
        """Raises ConfigError for a value that cannot work."""
        if self.rounds < 2 or min(self.smallest, self.painting_side) < _LEAST:
            raise ConfigError(
                f"Optimising needs 2 rounds or more, and a smallest and a painting_side of at least {_LEAST} pixels."
            )


class Part(Protocol):
    """A painting and its share of a blend."""

    @property
    def style(self) -> str | Tensor:
        """(1, 3, h, w) float32 RGB in [-1, 1]."""

    @property
    def weight(self) -> float:
        """Those of a blend sum to 1."""


Watch = Callable[[Tensor, int, int], None]
"""The picture (1, 3, h, w) as it is, the rounds that are done, and those that there will be."""


class GatysPainter:
    """Paints by optimisation in the manner of any paintings; the same photo and paintings give the same picture."""

    styles: tuple[str, ...] = ()
    takes_paintings = True

    def __init__(
        self, config: GatysConfig | None = None, *, device: torch.device | str = "cpu", watch: Watch | None = None
    ) -> None:
        """Load the encoder; `watch` is shown the picture after every round."""
        self._config, self._device, self._watch = config or GatysConfig(), torch.device(device), watch
        self._encode = VGG19().to(device=self._device, dtype=fast_dtype(self._device))
        self._objective = _objective(self._config)

    def __call__(self, photo: Tensor, blend: Sequence[Part]) -> Tensor:
        """Paint (1, 3, H, W) float32 RGB in [-1, 1], H and W of at least 32; the result has the same shape.

        Raises:
            ConfigError: a style is a name, or the photo is too small.
            NonFiniteError: the search left the numbers.
        """
        paintings, shares = self._paintings(blend)
        height, width = photo.shape[2:]
        if min(height, width) < _LEAST:
            raise ConfigError(f"A picture of {width} x {height} is too small to optimise: {_LEAST} pixels are needed.")
        scales = list(scales_of(min(height, width), self._config.smallest))
        budgets = [self._config.rounds, *([self._config.rounds // 2] * (len(scales) - 1))]
        picture, done = photo, 0
        # The search differentiates, whoever calls it.
        with torch.inference_mode(False), torch.enable_grad():
            for scale, budget in zip(scales, budgets, strict=True):
                reference = _resized(photo.clone(), round(height * scale), round(width * scale))
                targets = self._targets(paintings, shares, scale)
                start = _resized(picture.clone(), *reference.shape[2:])
                picture = self._search(start, reference, targets, budget, done, sum(budgets))
                done += budget
        return picture

    def _search(
        self, start: Tensor, reference: Tensor, targets: StyleTargets, budget: int, done: int, total: int
    ) -> Tensor:
        objective = self._objective
        with torch.no_grad():
            wanted = self._encode(reference, tuple(objective.content))
        picture = start.detach().clone().requires_grad_()
        step = _OPTIMISERS[self._config.optimiser]([picture], budget)
        for round_ in range(budget):

            def loss() -> Tensor:
                picture.grad = None
                features = self._encode(picture, objective.layers)
                terms = objective(picture, reference, features, wanted, targets)
                total_loss = torch.stack([term.float() for term in terms.values()]).sum()
                if not torch.isfinite(total_loss):
                    raise NonFiniteError("The optimised picture became NaN: lower the strength, or use adam.")
                total_loss.backward()
                return total_loss.detach()

            step(loss, round_)
            with torch.no_grad():
                picture.clamp_(-1, 1)
            if self._watch is not None:
                self._watch(picture.detach(), done + round_ + 1, total)
        return picture.detach()

    def _paintings(self, blend: Sequence[Part]) -> tuple[list[Tensor], Tensor]:
        paintings = [part.style for part in blend if isinstance(part.style, Tensor)]
        if len(paintings) < len(blend):
            raise ConfigError("Optimisation knows no styles by name: give --style with the file of a painting.")
        return paintings, torch.tensor([part.weight for part in blend])

    @torch.no_grad()
    def _targets(self, paintings: Sequence[Tensor], shares: Tensor, scale: float) -> StyleTargets:
        """What the paintings ask for, looked at as much smaller as the photo is."""
        rows = []
        for painting in paintings:
            height, width = painting.shape[2:]
            factor = max(_LEAST, self._config.painting_side * scale) / min(height, width)
            seen = _resized(painting.clone(), round(height * factor), round(width * factor))
            rows.append(self._objective.targets(seen, self._encode(seen, self._objective.layers)))
        return StyleTargets.joined(rows).blended(shares)


def scales_of(side: int, smallest: int) -> Iterator[float]:
    """Shares of the full size, up to 1, each sqrt 2 times the one before; the first has about `smallest` pixels.

    Args:
        side: shorter side of the photo in pixels.
        smallest: of the first scale.
    """
    steps = max(0, round(2 * math.log2(side / smallest)))
    return (2 ** (-step / 2) for step in range(steps, -1, -1))


def _objective(config: GatysConfig) -> StyleObjective:
    weights = {layer: config.strength * weight for layer, weight in config.style.items()}
    return StyleObjective(
        content=config.content,
        style=weights if config.statistics == "gram" else {},
        moments=weights if config.statistics == "moments" else {},
        transport=weights if config.statistics == "wasserstein" else {},
        tone=0.0,
        palette=0.0,
        smoothness=config.smoothness,
    )


Step = Callable[[Callable[[], Tensor], int], None]


def _lbfgs(pictures: list[Tensor], budget: int) -> Step:
    optimiser = torch.optim.LBFGS(pictures, lr=1.0, max_iter=1, history_size=20)

    def step(loss: Callable[[], Tensor], _: int) -> None:
        optimiser.step(loss)

    return step


def _adam(pictures: list[Tensor], budget: int) -> Step:
    optimiser = torch.optim.Adam(pictures, lr=_ADAM_RATE, betas=(0.9, 0.99))

    def step(loss: Callable[[], Tensor], round_: int) -> None:
        for group in optimiser.param_groups:
            group["lr"] = _ADAM_RATE * (1 + math.cos(math.pi * round_ / budget)) / 2
        optimiser.step(loss)

    return step


_ADAM_RATE = 0.1
_OPTIMISERS: Mapping[str, Callable[[list[Tensor], int], Step]] = {"lbfgs": _lbfgs, "adam": _adam}


def _resized(images: Tensor, height: int, width: int) -> Tensor:
    if images.shape[2:] == (height, width):
        return images
    scaled = functional.interpolate(images, size=(height, width), mode="bicubic", antialias=True, align_corners=False)
    return scaled.clamp_(-1, 1)
