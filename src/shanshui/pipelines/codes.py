"""The codes of a generator: what its scenes are steered by, from seeds and from files, and back to scenes."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self, TypeAlias

import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from shanshui import jsontext
from shanshui.atomic import atomic_write_bytes
from shanshui.checkpoints.registry import ARCHITECTURES
from shanshui.errors import ConfigError, ModelError
from shanshui.images.pixels import to_pixels
from shanshui.networks.generators.base import SceneNetwork
from shanshui.networks.generators.style_based import StyleBasedGenerator
from shanshui.pipelines.generators import LARGEST_SEED, load_generator, placed, random_of, require_class
from shanshui.pipelines.published import Published

Scene: TypeAlias = int | tuple[int, int] | Path
"""A scene by name: seed 7 (its first scene), (7, 3) (number 3 of seed 7, from 0), or a file of its code."""

CODE_SUFFIX = ".safetensors"
STYLE_BASED = tuple(
    name for name, architecture in ARCHITECTURES.items() if issubclass(architecture.network, StyleBasedGenerator)
)
"""The architectures whose codes are styles."""

_KEY = "shanshui.code"


class CodeSpace(Published):
    """The codes of one scene generator.

    A code is a tensor (N, ...): (N, layers, style) for a style-based generator, and otherwise the latents, (N, latent)
    or, for FastGAN, (N, latent, 1, 1).

    Attributes:
        network: the generator, in evaluation mode and frozen, but transparent to gradients.
        device: where it runs.
        label: class of all scenes of this space; None for a network that knows none.
    """

    def __init__(self, network: SceneNetwork, *, label: int | None = None, device: torch.device | str = "cpu") -> None:
        """The codes of `network`, which is moved to `device`.

        Args:
            network: any scene generator.
            label: class of the scenes, for a network that was told classes; its first when left out.
            device: where it runs.

        Raises:
            ConfigError: the network does not know the class.
        """
        require_class(network, label)
        self.device = torch.device(device)
        self.label = label if label is not None or network.config.labels == 0 else 0
        self.network = placed(network, self.device)

    @classmethod
    def from_pretrained(cls, name: str | Path, *, label: int | None = None, device: torch.device | str = "cpu") -> Self:
        """The codes of a scene generator by zoo name (`landscape`), snapshot file, or hub id.

        Raises:
            ModelError: there is no such model, or it is not a scene generator.
            ConfigError: the model does not know the class.
        """
        network, snapshot = load_generator(name)
        return cls(network, label=label, device=device)._from(snapshot)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels of the scenes."""
        return self.network.size

    @property
    def has_styles(self) -> bool:
        """Whether a code is one style for each layer, or else a Gaussian latent."""
        return isinstance(self.network, StyleBasedGenerator)

    def of(self, scenes: Sequence[Scene], *, truncation: float = 1.0) -> Tensor:
        """The codes of named scenes, (N, ...) float32 on the device of this space.

        Args:
            scenes: seeds, (seed, number) pairs and files of codes; (7, 3) is number 3 of `generate --seed 7`.
            truncation: in [0, 1], for the scenes of seeds; below 1 they are more typical (`SceneNetwork.codes`).

        Raises:
            ConfigError: no scene, a seed or a truncation out of range, or a code of another class.
            ModelError: a file is no code of this generator.
        """
        if not scenes or not 0 <= truncation <= 1:
            raise ConfigError(
                f"{len(scenes)} scenes with the truncation {truncation} have no codes: "
                "name at least one scene, and a truncation from 0 (all alike) to 1 (all variety)."
            )
        codes = [self.read(scene) if isinstance(scene, Path) else self._drawn(scene, truncation) for scene in scenes]
        return torch.cat(codes)

    @torch.no_grad()
    def draw(self, count: int, random: torch.Generator) -> Tensor:
        """Codes of `count` random scenes, (count, ...) float32: `random` is a generator on the CPU."""
        latents = self.network.draw_latents(count, random)
        return self.network.codes(latents.to(self.device), self._labels(count))

    def render(self, codes: Tensor) -> Tensor:
        """Codes (N, ...) -> scenes (N, 3, H, W); gradients pass."""
        return self.network.render(codes, self._labels(len(codes)))

    def pictures(self, codes: Tensor, *, batch_size: int = 16) -> Iterator[Image.Image]:
        """The scenes of codes (N, ...) as RGB images, `batch_size` at a time, computed as they are asked for."""
        for batch in codes.split(batch_size):
            with torch.inference_mode():
                scenes = self.render(batch.to(self.device))
            yield from (Image.fromarray(pixels) for pixels in to_pixels(scenes))

    def write(self, path: Path, code: Tensor) -> None:
        """Write the code of one scene, (1, ...), whole or not at all, as safetensors.

        The file also says which weights and which class it belongs to.

        Raises:
            StorageError: the file cannot be written.
        """
        header = json.dumps({"generator": self.fingerprint(), "label": self.label})
        tensor = code.detach().float().cpu().contiguous()
        atomic_write_bytes(path, save({"code": tensor}, {_KEY: header}))

    def read(self, path: Path) -> Tensor:
        """The code of one scene, (1, ...), as `write` left it.

        Raises:
            ModelError: the file is missing, damaged, no code, or the code of another generator.
            ConfigError: the code belongs to a scene of another class.
        """
        try:
            with safe_open(path, framework="pt") as file:
                header = jsontext.parsed((file.metadata() or {})[_KEY])
                code: Tensor = file.get_tensor("code")
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            raise ModelError(f"{path} holds no code of a scene: name a file that `shanshui project` wrote.") from error
        if header.get("generator") != self.fingerprint():
            raise ModelError(f"{path} is a code for another generator: name the model that it was found with.")
        if header.get("label") != self.label:
            raise ConfigError(f"{path} is a code for the class {header.get('label')}, not {self.label}: name this one.")
        return code.to(self.device)

    def _drawn(self, scene: int | tuple[int, int], truncation: float) -> Tensor:
        seed, number = (scene, 0) if isinstance(scene, int) else scene
        if not 0 <= seed <= LARGEST_SEED or number < 0:
            raise ConfigError(f"There is no scene {number} of seed {seed}: both count from 0, the seed to 2^40.")
        random = random_of(seed, number)
        latents = self.network.draw_latents(1, random).to(self.device)
        with torch.no_grad():
            return self.network.codes(latents, self._labels(1), truncation)

    def _labels(self, count: int) -> Tensor | None:
        return None if self.label is None else torch.full((count,), self.label, device=self.device)

    def fingerprint(self) -> str:
        """The SHA-256 of the weights: a code means nothing to any others."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.network.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


def parse_scene(text: str) -> Scene:
    """`7` is seed 7, `7:3` number 3 of seed 7, and what ends in .safetensors a file of a code.

    Raises:
        ConfigError: it is none of these.
    """
    if text.endswith(CODE_SUFFIX):
        return Path(text)
    parts = text.strip().split(":")
    if len(parts) > 2 or not all(part.isascii() and part.isdigit() for part in parts):
        raise ConfigError(
            f"{text!r} names no scene: give a seed (7), number 3 of a seed (7:3), or a code file that ends "
            f"in {CODE_SUFFIX}."
        )
    seed, *numbers = (int(part) for part in parts)
    return (seed, numbers[0]) if numbers else seed
