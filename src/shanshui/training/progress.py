"""What the loop itself has to remember; all of it is in the saved state."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from shanshui.training.answers import RemedyName
from shanshui.training.monitors.reading import AlarmKind, Reading


@dataclass(kw_only=True)
class TrainProgress:
    """How far a training has come.

    Attributes:
        images_seen: images learned from.
        best: the lowest value of the figure that chooses.
        since_best: judgements since then.
        figures: the last ones.
        saved_at: images seen at the last saved state.
        good_at: images seen at the last state that was saved without an alarm; 0 for the beginning.
        history: all readings of this training, without those that a rollback undid.
        trace: what the next judgement compares with.
        alarm: the one that goes on at present.
        remedies: what was changed in rollbacks, in order.
        ended: why an alarm ended the training; the one thing that a resume forgets.
    """

    images_seen: int = 0
    best: float = math.inf
    since_best: int = 0
    figures: Mapping[str, float] = field(default_factory=dict)
    saved_at: int = 0
    good_at: int = 0
    history: list[Reading] = field(default_factory=list)
    trace: Tensor | None = None
    alarm: AlarmKind | None = None
    remedies: Sequence[RemedyName] = ()
    ended: str | None = None

    def state(self) -> dict[str, Any]:
        """Plain numbers, for `of_state`."""
        state = {name: value for name, value in vars(self).items() if name not in ("ended", "saved_at")}
        return {**state, "history": [asdict(reading) for reading in self.history]}

    def decided(self) -> dict[str, Any]:
        """Plain values, all that another process has to know that learns the same and does not judge."""
        return {name: value for name, value in vars(self).items() if name not in ("history", "trace")}

    @classmethod
    def of_state(cls, state: Mapping[str, Any] | None) -> "TrainProgress":
        """What `state` has kept (states of earlier releases have kept less); the beginning for None."""
        if state is None:
            return cls()
        known = {name: state[name] for name in cls.__dataclass_fields__ if name in state}
        history = [Reading.of_state(reading) for reading in state.get("history", ())]
        return cls(**{**known, "history": history, "saved_at": state["images_seen"]})

    def rolled_back(self, state: Mapping[str, Any] | None, remedy: RemedyName) -> "TrainProgress":
        """The progress of a good `state` (None: the beginning), to go on from with one more remedy.

        The best snapshot stays the best: it is on disk.
        """
        back = self.of_state(state)
        back.best, back.remedies = self.best, (*self.remedies, remedy)
        return back


def tensor_of(trace: Any) -> Tensor:
    """A judge's trace, to be kept in a state."""
    return torch.as_tensor(trace).clone()
