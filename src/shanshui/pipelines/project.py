"""Projection: the code whose scene comes nearest to a photo.

For a style-based generator the recipe of StyleGAN2 (Karras et al. 2020, https://arxiv.org/abs/1912.04958, appendix D):
from the mean style, perturbed by noise that fades, Adam with a rate that rises, stays and falls, on a perceptual
distance. Departures: one style for each layer ("w+", Abdal et al. 2019, https://arxiv.org/abs/1904.03189) instead of
one for all; the mean of 1,000 styles, not 10,000; rates in units of the styles' spread; the noise of the pixels stays
as it is, so that the code alone makes the scene, and needs no penalty; the distance is `PerceptualVGG19`, with the mean
squared difference of the pixels added.

For the others the same search, but from the nearest of the random scenes, and with a penalty that keeps the latent as
long as those that the generator learned with: n numbers have a norm of sqrt n, give or take 0.7.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from shanshui.errors import ConfigError, NonFiniteError
from shanshui.events import Emit, Progress, ignore
from shanshui.images.files import from_any
from shanshui.images.picture import Picture
from shanshui.images.pixels import Pixels, to_eight_bits, to_pixels, to_tensor
from shanshui.images.resize import fit_crop
from shanshui.networks.encoders.lpips import PerceptualVGG19
from shanshui.networks.precision import fast_dtype
from shanshui.pipelines.codes import CodeSpace
from shanshui.pipelines.published import Published

TASK = "project"

# Codes whose mean and spread stand for those of all.
_SAMPLE = 1000

Measure: TypeAlias = Callable[[Tensor], Callable[[Tensor], Tensor]]
"""A photo (1, 3, H, W) in [-1, 1] -> a function from scenes (N, 3, H, W) to their distances (N,), 0 for the photo."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """How a code is looked for.

    Attributes:
        rounds: steps of Adam.
        random: random scenes that the result is compared with.
        rate: the highest step, in units of the codes' spread: the deviation of one of their numbers.
        rise: share of the rounds in which the rate rises from 0, linearly.
        fall: share of the rounds, the last, in which it falls to 0, as a cosine.
        perturbation: norm of the noise on a style or latent in the first round, in units of theirs around their mean.
        calm: share of the rounds after which there is no more noise; until then it fades as a square.
        pixels: weight of the pixels' mean squared difference beside the perceptual distance.
        norm: weight of the squared relative error of a latent's norm.
    """

    rounds: int = 300
    random: int = 100
    rate: float = 0.1
    rise: float = 0.05
    fall: float = 0.25
    perturbation: float = 0.05
    calm: float = 0.75
    pixels: float = 5.0
    norm: float = 1.0

    def __post_init__(self) -> None:
        """Raises ConfigError for a value that cannot work."""
        if min(self.rounds, self.random) < 1:
            raise ConfigError(
                f"A search of {self.rounds} rounds beside {self.random} random scenes finds nothing: both must be at "
                "least 1."
            )

    def rate_at(self, done: float) -> float:
        """The rate when this share of the rounds is done."""
        falling = min(1.0, (1 - done) / self.fall)
        return self.rate * min(1.0, done / self.rise) * (1 - math.cos(math.pi * falling)) / 2

    def perturbation_at(self, done: float) -> float:
        """The deviation of the noise when this share of the rounds is done."""
        return self.perturbation * max(0.0, 1 - done / self.calm) ** 2


@dataclass(frozen=True, kw_only=True)
class Projection:
    """What was found for a photo.

    Attributes:
        code: of the scene that was found, (1, ...) float32 on the CPU.
        photo: the photo as the generator could have made it: its largest centred crop, at the size of the scenes.
        scene: the scene that was found.
        nearest: the nearest of the random scenes.
        distance: perceptual distance of the scene from the photo, 0 for equal images.
        random_distances: those of the random scenes, ascending.
    """

    code: Tensor
    photo: NDArray[np.uint8]
    scene: NDArray[np.uint8]
    nearest: NDArray[np.uint8]
    distance: float
    random_distances: tuple[float, ...]

    @property
    def closer_than(self) -> float:
        """Share of the random scenes that are farther from the photo than the scene that was found."""
        return sum(self.distance < other for other in self.random_distances) / len(self.random_distances)

    @property
    def verdict(self) -> str:
        """How close it came, in one sentence."""
        nearest = self.random_distances[0]
        return (
            f"The scene is closer to the photo than {self.closer_than:.0%} of {len(self.random_distances)} random "
            f"scenes: its distance is {self.distance:.3g}, that of the nearest of them {nearest:.3g}."
        )


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A scene beside the photo: the perceptual `distance`, and the `loss`, which counts pixels and norm as well."""

    distance: Tensor
    loss: Tensor


class Projector(Published):
    """Finds the codes of photos; the same photo, seed and machine always give the same code."""

    def __init__(self, space: CodeSpace, *, measure: Measure | None = None) -> None:
        """Search in `space`.

        Args:
            space: the codes of a generator.
            measure: what to make small, differentiable; `PerceptualVGG19` when left out.

        Raises:
            ModelError: the weights of VGG-19 are missing.
        """
        self.space = space
        self._measure = measure or PerceptualVGG19().to(device=space.device, dtype=fast_dtype(space.device)).measure

    @classmethod
    def from_pretrained(cls, name: str | Path, *, label: int | None = None, device: torch.device | str = "cpu") -> Self:
        """Load a scene generator; arguments and errors as for `CodeSpace.from_pretrained`."""
        space = CodeSpace.from_pretrained(name, label=label, device=device)
        return cls(space)._from(space.snapshot)

    def __call__(
        self,
        photo: Path | str | Image.Image | Pixels | Picture,
        *,
        seed: int = 0,
        search: Search | None = None,
        emit: Emit = ignore,
    ) -> Projection:
        """The scene of the generator that comes nearest to `photo`.

        Args:
            photo: a file name, a Pillow image, an array as `from_any` takes it, or a picture.
            seed: of the random scenes and of the noise.
            search: how to look; the defaults when left out.
            emit: hears of every round, with its distance.

        Raises:
            ImageError: the photo cannot be read.
            NonFiniteError: the search left the finite numbers.
        """
        search = search or Search()
        random = torch.Generator().manual_seed(seed)
        pixels = to_eight_bits(fit_crop(from_any(photo).over_white(), *self.space.size))
        target = to_tensor(pixels).to(self.space.device)
        with torch.no_grad():
            measure = self._measure(target)
        codes = self.space.draw(max(search.random, _SAMPLE), random)
        distances = self._distances(codes[: search.random], measure)
        nearest = codes[distances.argmin()][None]

        def compare(code: Tensor, scene: Tensor) -> Comparison:
            distance, difference = measure(scene).sum(), (scene - target).square().mean()
            loss = distance + search.pixels * difference + search.norm * self._prior(code)
            return Comparison(distance=distance, loss=loss)

        start = codes.mean(0, keepdim=True) if self.space.has_styles else nearest
        found = self._descend(start, codes, compare, random, search, emit)
        return Projection(
            code=found.cpu(),
            photo=pixels,
            scene=self._picture(found),
            nearest=self._picture(nearest),
            distance=float(self._distances(found, measure)),
            random_distances=tuple(sorted(distances.tolist())),
        )

    def _descend(
        self,
        start: Tensor,
        codes: Tensor,
        compare: Callable[[Tensor, Tensor], Comparison],
        random: torch.Generator,
        search: Search,
        emit: Emit,
    ) -> Tensor:
        """From `start` to where the loss of a code and its scene is small; `codes` say how far codes lie apart."""
        numbers = codes.shape[-1 if self.space.has_styles else 1]
        spread = codes.var(0, correction=0).mean().sqrt()
        code = start.clone().requires_grad_()
        optimizer = torch.optim.Adam([code])
        for done in range(search.rounds):
            share = done / search.rounds
            for group in optimizer.param_groups:
                group["lr"] = search.rate_at(share) * float(spread)
            noise = torch.randn(code.shape, generator=random).to(code)
            perturbed = code + search.perturbation_at(share) * math.sqrt(numbers) * spread * noise
            compared = compare(code, self.space.render(perturbed))
            if not bool(torch.isfinite(compared.loss)):
                raise NonFiniteError(
                    f"The loss of the search is {compared.loss.item()} in round {done}: lower the rate."
                )
            optimizer.zero_grad()
            compared.loss.backward()
            optimizer.step()
            emit(Progress(task=TASK, done=done + 1, values={"distance": compared.distance.item()}))
        return code.detach()

    def _prior(self, code: Tensor) -> Tensor:
        """Squared relative error of the norms of latents; 0 for styles, which have none to keep."""
        if self.space.has_styles:
            return code.new_zeros(())
        norms = torch.linalg.vector_norm(code, dim=1) / math.sqrt(code.shape[1])
        error: Tensor = (norms - 1).square().mean()
        return error

    @torch.inference_mode()
    def _distances(self, codes: Tensor, measure: Callable[[Tensor], Tensor]) -> Tensor:
        """One scene at a time: the features of many would need much memory."""
        each = [measure(self.space.render(code[None])) for code in codes]
        return torch.cat(each).float().cpu()

    @torch.inference_mode()
    def _picture(self, code: Tensor) -> NDArray[np.uint8]:
        picture: NDArray[np.uint8] = to_pixels(self.space.render(code))[0]
        return picture
