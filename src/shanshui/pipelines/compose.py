"""Photographs, or scenes out of noise, painted and taken back to nature as far as one likes."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

import torch
from PIL import Image
from torch import Tensor

from shanshui.checkpoints.weights import load_snapshot
from shanshui.checkpoints.zoo import resolve
from shanshui.errors import ConfigError, ModelError
from shanshui.images.picture import Picture
from shanshui.networks.composer import Composer
from shanshui.networks.joint import JointPipeline
from shanshui.networks.precision import fast_arithmetic
from shanshui.networks.stylizers.arbitrary import ArbitraryStylizer
from shanshui.pipelines.generate import SceneGenerator
from shanshui.pipelines.generators import random_of
from shanshui.pipelines.painters import ExamplePainter, NamedPainter, Painter, Share
from shanshui.pipelines.published import Published
from shanshui.pipelines.stylize import Stylizer
from shanshui.pipelines.treatment import Photo, Style, Treatment


class ComposingPainter:
    """Paints, and takes the painting towards nature: a painter with a slider, for every control there is."""

    takes_paintings = True

    def __init__(
        self,
        painter: Painter,
        composer: Composer,
        *,
        examples: Callable[[], Painter],
        naturalness: float,
        seed: int,
        device: torch.device,
    ) -> None:
        """Put `composer` behind a painter.

        Args:
            painter: the style-transfer module.
            composer: the natural-scene module, on `device`.
            examples: loads a painter that takes paintings, for blends that have one.
            naturalness: from 0 (the painting) to 1 (a natural scene).
            seed: another seed, other details.
            device: where to compute.

        Raises:
            ConfigError: a naturalness outside 0 to 1.
        """
        if not 0 <= naturalness <= 1:
            raise ConfigError(f"The naturalness {naturalness} is outside 0 (the painting) to 1 (a natural scene).")
        self._painter, self._composer, self._examples = painter, composer, examples
        self._naturalness, self._seed, self._device = naturalness, seed, device

    @property
    def styles(self) -> tuple[str, ...]:
        """The names that it knows."""
        return self._painter.styles

    def __call__(self, photo: Tensor, blend: Sequence[Share]) -> Tensor:
        """Compose (1, 3, H, W) RGB in [-1, 1]."""
        named = all(isinstance(share.style, str) for share in blend)
        painting = (self._painter if named else self._examples())(photo, blend)
        random = random_of(self._seed, 0)
        latents = self._composer.draw_latents(1, random).to(self._device)
        slider = torch.full((1,), self._naturalness, device=self._device)
        with fast_arithmetic(self._device):
            scene: Tensor = self._composer(painting, latents, slider, random)
        return scene.to(photo.dtype).clamp(-1, 1)


class SceneComposer(Published):
    """The joint pipeline: photo -> style -> natural scene; the same photo, style, slider and seed give one picture."""

    def __init__(self, network: JointPipeline, *, device: torch.device | str = "cpu") -> None:
        """Use `network`, which is moved to `device`."""
        self._device = torch.device(device)
        self._painter = NamedPainter(network.stylizer, device=device)
        composer = network.composer.to(self._device).eval().requires_grad_(False)
        self._composer = composer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def from_pretrained(cls, name: str | Path = "composer", *, device: torch.device | str = "cpu") -> Self:
        """Load a composer by zoo name, snapshot file, or hub id.

        Raises:
            ModelError: there is no such model, or it is not a composer.
        """
        snapshot = resolve(name)
        network, _ = load_snapshot(snapshot)
        if not isinstance(network, JointPipeline):
            raise ModelError(f"{name} is not a composer but a {type(network).__name__}: try `composer`.")
        return cls(network, device=device)._from(snapshot)

    @property
    def styles(self) -> tuple[str, ...]:
        """The names that `style` may take."""
        return self._painter.styles

    def at(self, naturalness: float, *, seed: int = 0) -> Stylizer:
        """A stylizer that composes with this setting: with it all controls of stylizers are there.

        Args:
            naturalness: from 0 (the painting) to 1 (a natural scene).
            seed: from 0 to 2^40: another seed, other details.

        Raises:
            ConfigError: a value outside its range.
        """
        painter = ComposingPainter(
            self._painter,
            self._composer,
            examples=lambda: self._examples,
            naturalness=naturalness,
            seed=seed,
            device=self._device,
        )
        return Stylizer(painter, device=self._device)

    def __call__(self, image: Photo, style: Style, naturalness: float = 0.5, *, seed: int = 0) -> Image.Image:
        """Compose `image`; arguments as for `at` and `Stylizer`, the result has exactly the input's size."""
        return self.at(naturalness, seed=seed)(image, style)

    def scenes(
        self,
        generator: SceneGenerator,
        style: Style,
        naturalness: float = 0.5,
        *,
        count: int = 1,
        seed: int = 0,
        treatment: Treatment | None = None,
    ) -> Iterator[Picture]:
        """`count` scenes that `generator` makes out of noise, composed; the size is that of its scenes.

        Raises:
            ConfigError: a value outside its range.
        """
        made = generator.generate(count, seed)
        for index, scene in enumerate(made):
            yield self.at(naturalness, seed=seed + index).paint(scene, style, treatment)

    @cached_property
    def _examples(self) -> Painter:
        network, _ = load_snapshot(resolve("painter-any"))
        assert isinstance(network, ArbitraryStylizer)
        return ExamplePainter(network, device=self._device)
