"""Scenes out of nothing but a seed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

import torch
from PIL import Image

from shanshui.checkpoints.weights import load_snapshot
from shanshui.checkpoints.zoo import resolve
from shanshui.errors import ConfigError, ModelError
from shanshui.images.pixels import to_pixels
from shanshui.networks.generators.base import SceneNetwork

# Latents of one scene are drawn from a generator of their own, seeded by (seed, index): a scene does not depend on
# how many others are asked for, nor on the size of the batch that it is computed in.
_SEED_STRIDE = 1_000_003
_LARGEST_SEED = 2**40


class SceneGenerator:
    """Makes scenes: number i of seed s is the same picture each time on the same machine."""

    def __init__(self, network: SceneNetwork, *, device: torch.device | str = "cpu") -> None:
        """Use `network`, which is moved to `device`."""
        self._device = torch.device(device)
        network = network.to(self._device).eval().requires_grad_(False)
        self._network: SceneNetwork = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def from_pretrained(cls, name: str | Path, *, device: torch.device | str = "cpu") -> Self:
        """Load a scene generator by zoo name (`landscape`), snapshot file, or hub id.

        Raises:
            ModelError: there is no such model, or it is not a scene generator.
        """
        network, _ = load_snapshot(resolve(name))
        if not isinstance(network, SceneNetwork):
            raise ModelError(f"{name} is not a scene generator but a {type(network).__name__}: try `landscape`.")
        return cls(network, device=device)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels of the scenes that the network was trained on."""
        return self._network.size

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
            size: (height, width) in pixels, multiples of `self.size`; that size itself when left out.
            truncation: in [0, 1]; below 1 scenes are more typical and less varied (`SceneNetwork.sample`).
            label: class of the scenes, for a network that was told classes; all in turn when left out.
            batch_size: scenes computed together, at least 1; it changes speed and memory alone.

        Returns:
            An iterator of `count` RGB images.

        Raises:
            ConfigError: a value outside its range. Raised here, not at the first scene.
        """
        if not 0 <= seed <= _LARGEST_SEED or count < 0 or batch_size < 1:
            raise ConfigError(
                f"{count} scenes of seed {seed}, {batch_size} at a time, cannot be made: count and seed must be 0 or "
                "more and the batch at least 1."
            )
        if not 0 <= truncation <= 1:
            raise ConfigError(f"The truncation {truncation} is outside 0 (all alike) to 1 (all variety).")
        try:
            grid = self._network.grid_for(*(size or self.size))
        except ValueError as error:
            raise ConfigError(f"Scenes of this size cannot be made: {error}.") from error
        return self._generate(count, seed, grid, self._labels(count, label), truncation, batch_size)

    def _generate(
        self,
        count: int,
        seed: int,
        grid: tuple[int, int],
        labels: torch.Tensor | None,
        truncation: float,
        batch_size: int,
    ) -> Iterator[Image.Image]:
        for first in range(0, count, batch_size):
            indices = range(first, min(first + batch_size, count))
            latents = torch.cat([self._latent(seed, index, grid) for index in indices]).to(self._device)
            told = None if labels is None else labels[indices.start : indices.stop]
            with torch.inference_mode():
                scenes = self._network.sample(latents, told, truncation)
            yield from (Image.fromarray(pixels) for pixels in to_pixels(scenes))

    def _labels(self, count: int, label: int | None) -> torch.Tensor | None:
        """The class of each scene: `label`, or all in turn; None for a network that knows none."""
        known = self._network.config.labels
        if label is not None and not 0 <= label < known:
            raise ConfigError(
                f"There is no class {label}: this model knows {known} classes of scenes"
                + (", from 0." if known else ".")
            )
        if known == 0:
            return None
        in_turn = torch.arange(count, device=self._device) % known
        return in_turn if label is None else torch.full_like(in_turn, label)

    def _latent(self, seed: int, index: int, grid: tuple[int, int]) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed * _SEED_STRIDE + index)
        return self._network.draw_latents(1, grid, generator)
