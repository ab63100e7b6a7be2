"""Scenes changed by name: named controls, and directions that were found without names."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Self

import torch
from PIL import Image
from torch import Tensor

from shanshui.errors import ConfigError
from shanshui.networks.directions import Directions, closed_form, principal_components, standard_axes
from shanshui.pipelines.codes import CodeSpace, Scene
from shanshui.pipelines.published import Published
from shanshui.pipelines.steering.controls import STRONGEST, wished_changes
from shanshui.pipelines.steering.spread import Spread, known_spread, measure_spread
from shanshui.pipelines.steering.statistics import STATISTICS
from shanshui.pipelines.steering.walk import Walker

_SAMPLE = 512
"""Codes that axes and principal components are found from."""
_SAMPLE_SEED = 1
_SCENES_AT_ONCE = 8
_DIRECTION = re.compile(r"(?P<kind>sefa|pca):(?P<number>\d{1,5})")


class SceneEditor(Published):
    """Changes scenes of one generator: any architecture, no labels, nothing to train.

    For example, two scenes brighter and with a lower horizon:

        editor = SceneEditor.from_pretrained("landscape")
        pictures = list(editor.edit([7, (7, 1)], {"brighter": 1.5, "higher-horizon": -1}))

    Strengths name a control (`controls.CONTROLS`), whose strength counts in standard deviations of what it measures
    among the scenes of this model, or a direction: `sefa:0`, `sefa:1`, ... are those that the generator is most
    sensitive to, `pca:0`, `pca:1`, ... those along which its scenes differ most (`networks.directions`); their
    strength counts in standard deviations of the codes. A direction is the same for all scenes; the way of a control
    is found for every scene anew.
    """

    def __init__(self, space: CodeSpace, *, layers: Sequence[int] | None = None, cache: Path | None = None) -> None:
        """Edit within `space`.

        Args:
            space: the generator.
            layers: of a style-based generator, from 0: those that are changed; all when None. Coarse ones come first.
            cache: folder that keeps what is measured of the model once, for later runs; None keeps nothing.

        Raises:
            ConfigError: layers that the generator does not have.
        """
        self.space = space
        self._layers = layers
        self._cache = cache
        try:
            self._axes = standard_axes(space.network, self._sample, layers=layers)
        except ValueError as error:
            raise ConfigError(f"These layers cannot be changed: {error}.") from error

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path,
        *,
        label: int | None = None,
        layers: Sequence[int] | None = None,
        cache: Path | None = None,
        device: torch.device | str = "cpu",
    ) -> Self:
        """Load a scene generator by zoo name (`landscape`), snapshot file, or hub id; arguments as for the class.

        Raises:
            ModelError: there is no such model, or it is not a scene generator.
            ConfigError: a class or layers that it does not have.
        """
        space = CodeSpace.from_pretrained(name, label=label, device=device)
        return cls(space, layers=layers, cache=cache)._from(space.snapshot)

    def edit(
        self, scenes: Sequence[Scene], strengths: Mapping[str, float], *, truncation: float = 1.0
    ) -> Iterator[Image.Image]:
        """The scenes, changed; computed as they are asked for.

        Args:
            scenes: seeds, (seed, number) pairs and files of codes (`CodeSpace.of`).
            strengths: control or direction -> strength, from -6 to 6.
            truncation: as for `CodeSpace.of`.

        Raises:
            ConfigError: an unknown name, a strength out of range, or what `CodeSpace.of` says. Raised here, not at
                the first scene.
            ModelError: a file is no code of this generator.
        """
        self._require(strengths)
        codes = self.space.of(scenes, truncation=truncation)
        return (
            picture
            for batch in codes.split(_SCENES_AT_ONCE)
            for picture in self.space.pictures(self.edited(batch, strengths))
        )

    def edited(self, codes: Tensor, strengths: Mapping[str, float]) -> Tensor:
        """Codes (N, ...) -> the codes of the changed scenes: directions first, then controls; errors as `edit`."""
        directions, controls = self._require(strengths)
        for name, strength in directions.items():
            codes = codes + strength * self.direction(name)
        if not controls:
            return codes
        return torch.cat([self._reached(batch, [[controls]])[0][0] for batch in codes.split(_SCENES_AT_ONCE)])

    def swept(self, codes: Tensor, name: str, strengths: Sequence[float]) -> list[Tensor]:
        """For each strength of one control or direction, the codes (N, ...) that it makes of `codes`.

        A control reaches the strengths one after another, from 0 outwards, so that scenes change steadily.

        Raises:
            ConfigError: as `edit`.
        """
        directions, _ = self._require({name: max(strengths, key=abs)})
        if directions:
            return [codes + strength * self.direction(name) for strength in strengths]
        rising = sorted({strength for strength in strengths if strength > 0})
        falling = sorted({strength for strength in strengths if strength < 0}, reverse=True)
        by_batch = []
        for batch in codes.split(_SCENES_AT_ONCE):
            reached = self._reached(batch, [[{name: strength} for strength in side] for side in (rising, falling)])
            found = {0.0: batch, **dict(zip([*rising, *falling], chain.from_iterable(reached), strict=True))}
            by_batch.append([found[strength] for strength in strengths])
        return [torch.cat(batches) for batches in zip(*by_batch, strict=True)]

    def direction(self, name: str) -> Tensor:
        """What strength 1 of a direction, `sefa:3` or `pca:0`, adds to a code.

        Raises:
            ConfigError: there is no such direction.
        """
        match = _DIRECTION.fullmatch(name)
        if match is None:
            raise ConfigError(f"{name!r} is no direction: write sefa:0, sefa:1, ... or pca:0, pca:1, ...")
        directions = self._closed_form if match["kind"] == "sefa" else self._principal
        number = int(match["number"])
        if number >= len(directions):
            raise ConfigError(
                f"There is no direction {name}: this model has {match['kind']}:0 to {len(directions) - 1}."
            )
        return directions.vectors[number]

    @torch.no_grad()
    def measure(self, codes: Tensor) -> dict[str, list[float]]:
        """Each statistic of the scenes of codes (N, ...), in standard deviations from the model's mean."""
        batches = codes.split(_SCENES_AT_ONCE)
        measured = torch.cat([self.spread.standardized(self.space.render(batch)) for batch in batches])
        return {name: column.tolist() for name, column in zip(STATISTICS, measured.mT, strict=True)}

    @cached_property
    def spread(self) -> Spread:
        """How the statistics vary among the scenes of this model."""
        return measure_spread(self.space) if self._cache is None else known_spread(self.space, self._cache)

    def _reached(self, codes: Tensor, ways: Sequence[Sequence[Mapping[str, float]]]) -> list[list[Tensor]]:
        """For each way from `codes`, the codes at its strengths; all ways and strengths are of the same controls."""
        wished, kept = wished_changes(next(chain.from_iterable(ways), {}))
        watched = [*wished, *sorted(kept)]
        columns = [[*STATISTICS].index(name) for name in watched]
        walker = Walker(
            measure=lambda codes: self.spread.standardized(self.space.render(codes))[:, columns],
            axes=self._axes,
            on_sphere=not self.space.has_styles,
        )
        start = walker.start(codes)

        def change(strengths: Mapping[str, float]) -> Tensor:
            goal, _ = wished_changes(strengths)
            return codes.new_tensor([goal.get(name, 0.0) for name in watched])

        return [list(walker.walk(start, [change(strengths) for strengths in way])) for way in ways]

    def _require(self, strengths: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float]]:
        """Strengths of directions, and of controls.

        Raises:
            ConfigError: an unknown name, a control named twice, or a strength out of range.
        """
        for name, strength in strengths.items():
            if not (math.isfinite(strength) and abs(strength) <= STRONGEST):
                raise ConfigError(f"{name} cannot have the strength {strength}: give one from -6 to 6.")
        directions = {name: strength for name, strength in strengths.items() if ":" in name}
        controls = {name: strength for name, strength in strengths.items() if ":" not in name}
        for name in directions:
            self.direction(name)
        wished_changes(controls)
        return directions, controls

    @cached_property
    def _sample(self) -> Tensor:
        return self.space.draw(_SAMPLE, torch.Generator().manual_seed(_SAMPLE_SEED))

    @cached_property
    def _closed_form(self) -> Directions:
        return closed_form(self.space.network, self._sample, layers=self._layers)

    @cached_property
    def _principal(self) -> Directions:
        label = self.space.label
        labels = None if label is None else torch.full((_SAMPLE,), label, device=self.space.device)
        with torch.no_grad():
            return principal_components(self.space.network, self._sample, labels, layers=self._layers)
