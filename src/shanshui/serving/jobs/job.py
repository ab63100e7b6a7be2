"""A job: what was asked for, how far it is, and what came of it. Written to disk whenever its state changes."""

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from shanshui.serving.jobs.orders import Kind

State: TypeAlias = Literal["waiting", "running", "done", "failed", "cancelled"]


class Result(BaseModel):
    """A picture that was made, as it lies in the job's folder."""

    model_config = ConfigDict(frozen=True)

    file: str
    width: int
    height: int
    bytes: int


class Job(BaseModel):
    """One order on its way.

    Attributes:
        id: nobody can guess it.
        number: jobs are done in the order of their numbers.
        kind, order: what was asked for; the order as plain values of the class in `ORDERS`.
        model: the name of the model that does it.
        uploads: files in the job's folder: photo, mask, painting-1, ...
        state: where it is.
        attempts: how often it was begun.
        created, started, ended: seconds since 1970.
        done, total: results that are finished, of how many.
        error: why it failed, in one sentence.
        results: what was made.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    number: int
    kind: Kind
    order: dict[str, Any]
    model: str
    uploads: tuple[str, ...] = ()
    state: State = "waiting"
    attempts: int = 0
    created: float
    started: float | None = None
    ended: float | None = None
    done: int = 0
    total: int = 1
    error: str | None = None
    results: tuple[Result, ...] = ()

    @property
    def over(self) -> bool:
        """Whether nothing will happen any more."""
        return self.ended is not None

    def having(self, **changes: Any) -> "Job":
        """The job with other values of some fields."""
        return self.model_copy(update=changes)
