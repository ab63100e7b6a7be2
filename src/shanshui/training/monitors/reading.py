"""What was measured of a learner after so many images, and what a monitor says about it: plain, frozen numbers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

AlarmKind = Literal["exploding", "collapse", "memorisation", "overfitting", "stalled"]


@dataclass(frozen=True, kw_only=True)
class Copies:
    """Generated images that lie nearer to a training photograph than photographs of the same kind do.

    Attributes:
        share: of the generated images.
        expected: what it would be for photographs that were never trained on.
        error: standard error of `share`.
        pairs: (generated image, training photograph) by number, the most suspicious first.
    """

    share: float
    expected: float
    error: float
    pairs: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True, kw_only=True)
class Logits:
    """How the discriminator judges images that are not augmented.

    Attributes:
        generated: mean logit of generated images.
        training: of photographs that it learns from.
        heldout: of photographs that it never saw; None where there are none.
        sign: mean sign of the logits of `training`: 1 where it recognises every one of them.
    """

    generated: float
    training: float
    heldout: float | None
    sign: float


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A learner after `images_seen` images; None where something was not measured.

    Attributes:
        images_seen: when.
        figures: full name -> value.
        errors: full name -> standard error, of those figures that have one.
        choosing: the name of the figure that tells which snapshot is best; lower is better.
        variety: mean distance between two generated images over that between two real ones.
        recall: share of the real images that lie among the generated ones.
        movement: how far the images of the same latents moved since the reading before, over the mean distance of a
            real image to the one nearest to it.
        copies: of training photographs.
        logits: of the discriminator.
    """

    images_seen: int
    figures: Mapping[str, float] = field(default_factory=dict)
    errors: Mapping[str, float] = field(default_factory=dict)
    choosing: str | None = None
    variety: float | None = None
    recall: float | None = None
    movement: float | None = None
    copies: Copies | None = None
    logits: Logits | None = None

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> "Reading":
        """The reading that `dataclasses.asdict` took apart."""
        copies, logits = state["copies"], state["logits"]
        return cls(
            **{
                **state,
                "copies": None if copies is None else Copies(**copies),
                "logits": None if logits is None else Logits(**logits),
            }
        )


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Something is wrong: of which kind, and what was found, in one sentence."""

    kind: AlarmKind
    message: str


Monitor: TypeAlias = Callable[[Sequence[Reading]], Alarm | None]
"""All readings so far, at least one, the newest last -> what looks wrong at the newest one."""
