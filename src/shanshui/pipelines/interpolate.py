"""Scenes that turn into each other: the frames of a film through codes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from shanshui.pipelines import journeys
from shanshui.pipelines.codes import CodeSpace, Scene
from shanshui.pipelines.journeys import Journey
from shanshui.pipelines.published import Published

# The eye follows shapes and colours across a picture, not grain: speed is judged on scenes of this many pixels a side.
_SEEN_SIDE = 32
_BATCH_SIZE = 16


class Interpolator(Published):
    """Lays journeys through the scenes of one generator, and shows them.

    For example, the frames of a loop of six seconds:

        interpolator = Interpolator.from_pretrained("landscape")
        frames = interpolator.frames(interpolator.loop([1, 5, 9]), count=144)
    """

    def __init__(self, space: CodeSpace) -> None:
        """Travel through `space`."""
        self.space = space

    @classmethod
    def from_pretrained(cls, name: str | Path, *, label: int | None = None, device: torch.device | str = "cpu") -> Self:
        """Load a scene generator; arguments and errors as for `CodeSpace.from_pretrained`."""
        space = CodeSpace.from_pretrained(name, label=label, device=device)
        return cls(space)._from(space.snapshot)

    def journey(self, scenes: Sequence[Scene], *, truncation: float = 1.0) -> Journey:
        """From the first scene to the last, through the others in order, at even speed in codes.

        Styles are travelled straight, latents on the sphere (see `journeys`).

        Args:
            scenes: at least two; seeds, (seed, number) pairs or files of codes.
            truncation: as for `CodeSpace.of`.

        Raises:
            ConfigError: fewer than two scenes, two alike in a row, or what `CodeSpace.of` says.
            ModelError: a file is no code of this generator.
        """
        lay = journeys.straight if self.space.has_styles else journeys.on_spheres
        return lay(self.space.of(scenes, truncation=truncation))

    def loop(self, scenes: Sequence[Scene], *, truncation: float = 1.0) -> Journey:
        """Through the scenes and back to the first, on a smooth curve that closes, at even speed in codes.

        Arguments and errors as for `journey`, but at least three scenes are needed.
        """
        lay = journeys.round_trip if self.space.has_styles else journeys.round_trip_on_spheres
        return lay(self.space.of(scenes, truncation=truncation))

    def steadied(self, journey: Journey, *, samples: int = 144) -> Journey:
        """The same journey at a speed that is even to the eye: equal times change the picture equally.

        Codes change at even speed already, but some changes of the code show more than others. What shows is the
        root mean square of the changes of all pixels, scenes shrunk to about 32 pixels a side.

        Args:
            journey: from `journey` or `loop`.
            samples: scenes that are made to measure it; as many as the film has frames are enough.

        Raises:
            ConfigError: nothing changes.
        """
        return journeys.evenly(journey, self._seen, samples)

    def frames(self, journey: Journey, count: int) -> Iterator[Image.Image]:
        """`count` scenes at equal distances in time, computed as they are asked for.

        A journey ends with its last scene. The frames of a loop may be repeated for ever: the last is as far from the
        first as from the one before it.

        Raises:
            ConfigError: fewer than two frames. Raised here, not at the first frame.
        """
        return self.space.pictures(journey.codes(count), batch_size=_BATCH_SIZE)

    @torch.inference_mode()
    def _seen(self, codes: Tensor) -> Tensor:
        shrink = max(1, min(self.space.size) // _SEEN_SIDE)
        batches = codes.float().split(_BATCH_SIZE)
        return torch.cat(
            [F.avg_pool2d(self.space.render(batch.to(self.space.device)), shrink).cpu() for batch in batches]
        )
