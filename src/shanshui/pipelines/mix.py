"""Style mixing: the layout of one scene with the finish of another (Karras et al. 2019, section 3.1)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import torch
from PIL import Image

from shanshui.errors import ConfigError
from shanshui.pipelines.codes import STYLE_BASED, CodeSpace, Scene
from shanshui.pipelines.published import Published


class StyleMixer(Published):
    """Mixes scenes of a style-based generator, whose coarse layers lay a scene out and whose fine ones colour it."""

    def __init__(self, space: CodeSpace) -> None:
        """Mix within `space`.

        Raises:
            ConfigError: the generator has no styles.
        """
        if not space.has_styles:
            raise ConfigError(
                f"A {type(space.network).__name__} has one code for the whole scene and no styles to mix: "
                f"name a model whose architecture is {' or '.join(STYLE_BASED)}."
            )
        self.space = space

    @classmethod
    def from_pretrained(cls, name: str | Path, *, label: int | None = None, device: torch.device | str = "cpu") -> Self:
        """Load a style-based generator; arguments as for `CodeSpace.from_pretrained`.

        Raises:
            ConfigError: the generator has no styles, or does not know the class.
            ModelError: there is no such model, or it is not a scene generator.
        """
        space = CodeSpace.from_pretrained(name, label=label, device=device)
        return cls(space)._from(space.snapshot)

    @property
    def layers(self) -> int:
        """How many layers take a style."""
        return int(self.space.of([0]).shape[1])

    def mixtures(
        self, coarse: Sequence[Scene], fine: Sequence[Scene], *, layer: int | None = None, truncation: float = 1.0
    ) -> Iterator[Image.Image]:
        """Each of `coarse` with each of `fine`, row by row, computed as they are asked for.

        Args:
            coarse: scenes that give the styles of the first layers.
            fine: scenes that give those of the others.
            layer: how many layers are coarse, from 0 (all `fine`) to `layers` (all `coarse`); half when left out.
            truncation: as for `CodeSpace.of`.

        Raises:
            ConfigError: a layer out of range, or what `CodeSpace.of` says. Raised here, not at the first scene.
            ModelError: a file is no code of this generator.
        """
        firsts, lasts = (self.space.of(scenes, truncation=truncation) for scenes in (coarse, fine))
        layers = firsts.shape[1]
        cut = layers // 2 if layer is None else layer
        if not 0 <= cut <= layers:
            raise ConfigError(f"This model has {layers} layers: {cut} of them cannot be coarse, but 0 to {layers} can.")
        rows, columns = (numbers.flatten() for numbers in _pairs(len(firsts), len(lasts)))
        return self.space.pictures(torch.cat([firsts[rows, :cut], lasts[columns, cut:]], dim=1))


def _pairs(rows: int, columns: int) -> tuple[torch.Tensor, torch.Tensor]:
    first, second = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return first, second
