"""Who looks at a training, when it may stop, and what is done about alarms: the loop asks, `Watch` answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from shanshui.errors import ConfigError
from shanshui.images.pixels import to_tensor
from shanshui.training.answers import Policy
from shanshui.training.judge import Judge, Judgement
from shanshui.training.learners.base import Learner
from shanshui.training.monitors.reading import Copies, Logits, Reading
from shanshui.training.progress import TrainProgress
from shanshui.training.settings import StopCondition


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Nobody looks and nothing stops a training, unless told otherwise.

    Attributes:
        judge: measures the learner's images; None where there are too few photographs, or nothing to compare with.
        training: some photographs that are learned from, (N, 3, H, W) in [-1, 1]: shown to the discriminator.
        heldout: some that are not, as many; None where there are none.
        stop: close enough.
        patience: stop when the best figure has not become better in so many judgements; None for never.
        policy: what is done about alarms.
    """

    judge: Judge | None = None
    training: Tensor | None = None
    heldout: Tensor | None = None
    stop: StopCondition | None = None
    patience: int | None = None
    policy: Policy = field(default_factory=Policy)

    def __post_init__(self) -> None:
        if self.patience is not None and self.patience < 1:
            raise ConfigError(f"--patience is {self.patience}: it must be at least 1 judgement.")
        if self.judge is None and (self.stop is not None or self.patience is not None):
            asked = "--patience" if self.stop is None else f"--stop-when {self.stop.metric}"
            raise ConfigError(
                f"{asked} needs figures, and this training does not measure any: leave it out or give more photos."
            )

    def choosing(self, learner: Learner) -> str | None:
        """The figure that tells which snapshot is best."""
        return None if self.judge is None else self.judge.choosing(learner.looks_through)

    def condition(self, choosing: str | None) -> StopCondition | None:
        """`stop` with the full name of its figure.

        Raises:
            ConfigError: it names no figure, or several.
        """
        return None if self.stop is None or self.judge is None else self.stop.among(self.judge.names, choosing)

    def read(self, judgement: Judgement, learner: Learner, images_seen: int, choosing: str, size: int = 64) -> Reading:
        """What is known of `learner` now: the judgement, and what its discriminator thinks of `size` images."""
        copies = judgement.copies
        return Reading(
            images_seen=images_seen,
            figures=dict(judgement.figures),
            errors=dict(judgement.errors),
            choosing=choosing,
            variety=judgement.variety,
            recall=judgement.recall,
            movement=judgement.movement,
            copies=None if copies is None else _copies(*copies),
            logits=self._logits(learner, size),
        )

    def _logits(self, learner: Learner, size: int) -> Logits | None:
        if self.training is None:
            return None
        training = learner.opinion(self.training)
        if training is None:
            return None
        generated = learner.opinion(torch.cat([to_tensor(image) for image in learner.draw(size)]))
        heldout = None if self.heldout is None else learner.opinion(self.heldout)
        return Logits(
            generated=_mean(generated),
            training=_mean(training),
            heldout=None if heldout is None else _mean(heldout),
            sign=_mean(training.sign()),
        )


def reason_to_end(progress: TrainProgress, images: int, stop: StopCondition | None, patience: int | None) -> str | None:
    """Why a training that has come so far ends here, or None."""
    if progress.ended is not None:
        return progress.ended
    if stop is not None and progress.figures.get(stop.metric, stop.below) < stop.below:
        return f"{stop.metric} fell below {stop.below}"
    if patience is not None and progress.since_best >= patience:
        return f"no better figure in {progress.since_best} judgements"
    return "complete" if progress.images_seen >= images else None


def _copies(share: float, expected: float, error: float, pairs: Sequence[tuple[int, int]]) -> Copies:
    return Copies(share=share, expected=expected, error=error, pairs=pairs)


def _mean(logits: Tensor | None) -> float:
    assert logits is not None
    return float(logits.mean())
