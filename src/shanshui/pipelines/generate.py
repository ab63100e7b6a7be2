"""Scenes out of nothing but a seed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import torch
from PIL import Image

from shanshui.errors import ConfigError
from shanshui.images.pixels import to_pixels
from shanshui.networks.generators.base import SceneNetwork
from shanshui.networks.generators.wide import Places, along, around, draw_wide_latents, render_wide
from shanshui.pipelines.generators import LARGEST_SEED, load_generator, placed, random_of, require_class
from shanshui.pipelines.published import Published


class SceneGenerator(Published):
    """Makes scenes: number i of seed s is the same picture each time on the same machine."""

    def __init__(self, network: SceneNetwork, *, device: torch.device | str = "cpu") -> None:
        """Use `network`, which is moved to `device`."""
        self._device = torch.device(device)
        self._network = placed(network, self._device)

    @classmethod
    def from_pretrained(cls, name: str | Path, *, device: torch.device | str = "cpu") -> Self:
        """Load a scene generator by zoo name (`landscape`), snapshot file, or hub id.

        Raises:
            ModelError: there is no such model, or it is not a scene generator.
        """
        network, snapshot = load_generator(name)
        return cls(network, device=device)._from(snapshot)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels of the scenes that the network was trained on."""
        return self._network.size

    @property
    def classes(self) -> int:
        """Classes of scenes that the network was told apart; 0 where it was told none."""
        return self._network.config.labels

    def generate(
        self,
        count: int,
        seed: int = 0,
        *,
        size: tuple[int, int] | None = None,
        truncation: float = 1.0,
        label: int | None = None,
        batch_size: int = 16,
    ) -> Iterator[Image.Image]:
        """Scenes, computed as they are asked for.

        Args:
            count: how many, at least 0.
            seed: from 0 to 2^40.
            size: (height, width) in pixels; `self.size` when left out. A scene may be wider than that (`networks.
                generators.wide`), but not higher: its sky would need another sky above it.
            truncation: in [0, 1]; below 1 scenes are more typical and less varied (`SceneNetwork.sample`).
            label: class of the scenes, for a network that was told classes; all in turn when left out.
            batch_size: scenes computed together, at least 1; it changes speed and memory alone.

        Returns:
            An iterator of `count` RGB images.

        Raises:
            ConfigError: a value outside its range. Raised here, not at the first scene.
        """
        return self._checked(along, count, seed, size, truncation, label, batch_size)

    def panoramas(
        self,
        count: int,
        seed: int = 0,
        *,
        size: tuple[int, int] | None = None,
        truncation: float = 1.0,
        label: int | None = None,
        batch_size: int = 16,
    ) -> Iterator[Image.Image]:
        """Scenes whose right edge joins their left edge, to look around in: pictures on a cylinder, not on a sphere.

        Arguments, result and errors as for `generate`. The same seed gives a scene of the same weather, with places of
        its own.
        """
        return self._checked(around, count, seed, size, truncation, label, batch_size)

    def _checked(
        self,
        lay: Callable[[SceneNetwork, int, int], Places],
        count: int,
        seed: int,
        size: tuple[int, int] | None,
        truncation: float,
        label: int | None,
        batch_size: int,
    ) -> Iterator[Image.Image]:
        if not 0 <= seed <= LARGEST_SEED or count < 0 or batch_size < 1:
            raise ConfigError(
                f"{count} scenes of seed {seed}, {batch_size} at a time, cannot be made: count and seed must be 0 or "
                "more and the batch at least 1."
            )
        if not 0 <= truncation <= 1:
            raise ConfigError(f"The truncation {truncation} is outside 0 (all alike) to 1 (all variety).")
        try:
            places = lay(self._network, *(size or self.size))
        except ValueError as error:
            raise ConfigError(f"Scenes of this size cannot be made: {error}.") from error
        # A wide scene counts as often as it has places.
        at_once = max(1, batch_size // len(places.starts))
        return self._generate(count, seed, places, self._labels(count, label), truncation, at_once)

    def _generate(
        self,
        count: int,
        seed: int,
        places: Places,
        labels: torch.Tensor | None,
        truncation: float,
        at_once: int,
    ) -> Iterator[Image.Image]:
        for first in range(0, count, at_once):
            indices = range(first, min(first + at_once, count))
            latents = torch.cat([self._latents(seed, index, places) for index in indices]).to(self._device)
            told = None if labels is None else labels[first : indices.stop].repeat_interleave(len(places.starts))
            with torch.inference_mode():
                codes = self._network.codes(latents, told, truncation)
                scenes = render_wide(self._network, codes, places, told)
            yield from (Image.fromarray(pixels) for pixels in to_pixels(scenes))

    def _labels(self, count: int, label: int | None) -> torch.Tensor | None:
        """The class of each scene: `label`, or all in turn; None for a network that knows none."""
        require_class(self._network, label)
        known = self._network.config.labels
        if known == 0:
            return None
        in_turn = torch.arange(count, device=self._device) % known
        return in_turn if label is None else torch.full_like(in_turn, label)

    def _latents(self, seed: int, index: int, places: Places) -> torch.Tensor:
        return draw_wide_latents(self._network, places, random_of(seed, index))
