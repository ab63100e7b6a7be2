"""The course of one training: its learner, how far it has come, and all that happens between steps."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from shanshui.errors import ExplodingError, NonFiniteError
from shanshui.events import NEAREST, SAMPLES, Alarmed, Answered, Emit, ImageReady, Metric, Progress
from shanshui.together import sharing
from shanshui.training.answers import REMEDIES, Config, remedied, remedy_for
from shanshui.training.cost import Hardware, Meter
from shanshui.training.crew import Crew
from shanshui.training.judge import Judgement
from shanshui.training.learners.base import Learner
from shanshui.training.monitors import alarm, suspicion
from shanshui.training.monitors.reading import Alarm, AlarmKind, Reading
from shanshui.training.progress import TrainProgress, tensor_of
from shanshui.training.run import RunFolder
from shanshui.training.settings import TrainSettings
from shanshui.training.watch import Watch, reason_to_end

TASK = "train"


@dataclass(frozen=True)
class Plan:
    """What is taught: a configuration, which a rollback may change, and how a learner is built from one."""

    config: Config
    learner: Callable[[Any], Learner]


class Course:
    """Learner and progress, from the newest state of a run or from the beginning.

    Attributes:
        learner: the one that learns now: a rollback builds another.
        progress: how far it has come.
        share: which of a batch's images this process learns from.
    """

    def __init__(
        self,
        plan: Plan,
        run: RunFolder,
        settings: TrainSettings,
        watch: Watch,
        hardware: Hardware,
        card: Mapping[str, Any],
        emit: Emit,
        crew: Crew,
    ) -> None:
        """Raises ConfigError when `watch` stops at a figure that is not measured, ModelError for damaged states."""
        self._plan, self._run, self._settings, self._watch, self._emit = plan, run, settings, watch, emit
        self._crew = crew
        state = self._newest_state()
        self.progress = TrainProgress.of_state(state)
        self._meter = Meter(hardware, run.spent())
        self.learner = self._taught(state)
        self.share = crew.share(settings.batch_size, self.learner.block)
        self._choosing = watch.choosing(self.learner)
        self._stop = watch.condition(self._choosing)
        self._card = {**card, "looks_through": self.learner.looks_through}

    def reason_to_end(self, *, interrupted: bool) -> str | None:
        """Why it ends here, or None."""
        reason = reason_to_end(self.progress, self._settings.images, self._stop, self._watch.patience)
        return self._crew.agreed("interrupted" if interrupted else reason)

    def step(self, batch: Tensor) -> Mapping[str, Tensor]:
        """One step; no terms where it was refused and the training went back instead.

        Raises:
            NonFiniteError, ExplodingError: the step was refused, and that is answered with a stop.
        """
        terms: Mapping[str, Tensor] = {}
        with self._explosions():
            with sharing(self.share):
                terms = self.learner.step(batch, self.progress.images_seen)
            self.progress.images_seen += self._settings.batch_size
        return terms

    def sample(self) -> None:
        """Write a sample sheet."""
        if not self._crew.leads:
            return
        path = self._run.save_samples(self.progress.images_seen, self.learner.samples())
        self._emit(ImageReady(task=TASK, name=SAMPLES, path=path, done=self.progress.images_seen))

    def judge(self) -> None:
        """Measure the learner's images, keep the best snapshot, and answer what alarms the monitors."""
        self._led(self._judge)

    def save(self) -> None:
        """A resumable state and a snapshot, unless they are saved already."""
        self._led(self._save)

    def end(self, reason: str) -> None:
        """Save what is not saved; the newest snapshot says why there is none after it."""
        self.save()
        if reason != "interrupted" and self._crew.leads:
            self._save_snapshot({**self._carded(), "ended": reason})

    def _led(self, work: Callable[[], None]) -> None:
        """Have the first process do `work`, and the others follow it to where it is then."""
        if self._crew.leads:
            with self._explosions():
                work()
        decided = self._crew.heard(self.progress.decided())
        if self._crew.leads:
            return
        went_back = decided["remedies"] != self.progress.remedies
        self.progress = replace(self.progress, **decided)
        if went_back:
            self.learner = self._taught(self._good_state())

    @contextmanager
    def _explosions(self) -> Iterator[None]:
        """Numbers that are not finite or far too large are an alarm; they are an error if that stops the training."""
        try:
            yield
        except (NonFiniteError, ExplodingError) as error:
            self._answer(Alarm(kind="exploding", message=str(error)))
            if self.progress.ended is not None:
                raise

    def _judge(self) -> None:
        judge, choosing, progress = self._watch.judge, self._choosing, self.progress
        if judge is None or choosing is None:
            return
        judgement = judge(self.learner.draw, None if progress.trace is None else progress.trace.numpy())
        reading = self._watch.read(judgement, self.learner, progress.images_seen, choosing)
        progress.figures, progress.trace = dict(judgement.figures), tensor_of(judgement.trace)
        progress.history = [*progress.history, reading]
        self._tell(reading)
        evidence = self._show_nearest(judgement)
        progress.since_best += 1
        if progress.figures[choosing] < progress.best:
            progress.best, progress.since_best = progress.figures[choosing], 0
            self._run.save_best(self.learner.snapshot(), self._carded())
        found = alarm(progress.history)
        if found is not None and found.kind != progress.alarm:  # one that goes on is not repeated
            self._answer(found, evidence if found.kind == "memorisation" else None)
        elif suspicion(progress.history) is None:
            self._all_is_well()

    def _save(self) -> None:
        if self.progress.saved_at == self.progress.images_seen:
            return
        if self._watch.judge is None:
            self.progress.good_at = self.progress.images_seen  # nobody could say otherwise
        self._save_snapshot(self._carded())
        self._save_state()

    def _all_is_well(self) -> None:
        self.progress.alarm = None
        if self._watch.policy.goes_back:
            self.progress.good_at = self.progress.images_seen
            self._save()

    def _show_nearest(self, judgement: Judgement) -> Path | None:
        """The images that look most like copies, beside the training photographs nearest to them."""
        if not judgement.evidence:
            return None
        done = self.progress.images_seen
        path = self._run.save_nearest(done, judgement.evidence)
        self._emit(ImageReady(task=TASK, name=NEAREST, path=path, done=done))
        return path

    def _answer(self, found: Alarm, path: Path | None = None) -> None:
        progress = self.progress
        progress.alarm = found.kind
        done = progress.images_seen
        self._emit(Alarmed(task=TASK, alarm=found.kind, message=found.message, done=done, path=path))
        answer = self._watch.policy.answer(found.kind, len(progress.remedies))
        resumed_at = None
        match answer:
            case "warn":
                message = "The training goes on as it is."
            case "stop":
                progress.ended = f"stopped by the alarm {found.kind}"
                message = "The training stops here."
            case "rollback":
                message = self._go_back(found.kind)
                resumed_at = self.progress.images_seen
        self._emit(
            Answered(task=TASK, alarm=found.kind, answer=answer, message=message, done=done, resumed_at=resumed_at)
        )

    def _go_back(self, kind: AlarmKind) -> str:
        """To the last good state, and on with one more remedy; says so in a sentence.

        The state is written again with the remedy before anything newer is deleted, so that a run that is killed here
        resumes before or after the rollback, never between.
        """
        remedy = remedy_for(kind, self._plan.config, self.progress.remedies)
        state = self._good_state()
        self.progress = self.progress.rolled_back(state, remedy)
        self.learner = self._taught(state)
        if self._crew.leads:
            self._save_state()
            self._run.forget_after(self.progress.images_seen)
        place = f"{self.progress.images_seen:,} images" if state is not None else "the beginning"
        return f"The training goes back to {place} and on with {REMEDIES[remedy].words}."

    def _newest_state(self) -> dict[str, Any] | None:
        """The newest one that the first process can read, which all the others have to begin with, too."""
        state = self._run.newest_state(self._emit) if self._crew.leads else None
        images_seen = self._crew.heard(None if state is None else state["images_seen"])
        return state if self._crew.leads or images_seen is None else self._run.state_at(images_seen)

    def _good_state(self) -> dict[str, Any] | None:
        return self._run.state_at(self.progress.good_at) if self.progress.good_at else None

    def _taught(self, state: Mapping[str, Any] | None) -> Learner:
        """A learner with the remedies of `progress`, as far as `state` (None: new)."""
        learner = self._plan.learner(remedied(self._plan.config, self.progress.remedies))
        if state is not None and "learner" in state:
            learner.load_state_dict(state["learner"])
        return learner

    def _tell(self, reading: Reading) -> None:
        done = reading.images_seen
        for name, value in reading.figures.items():
            self._emit(Metric(task=TASK, name=name, value=value, done=done))
        watched = {
            "watch.variety": reading.variety,
            "watch.recall": reading.recall,
            "watch.movement": reading.movement,
            "watch.copies": None if reading.copies is None else reading.copies.share,
            "watch.sign": None if reading.logits is None else reading.logits.sign,
        }
        known = {name: value for name, value in watched.items() if value is not None}
        if known:
            self._emit(Progress(task=TASK, done=done, values=known))

    def _save_snapshot(self, card: Mapping[str, Any]) -> None:
        self._run.save_snapshot(self.progress.images_seen, self.learner.snapshot(), card, keep=self._settings.keep)

    def _save_state(self) -> None:
        progress = self.progress
        progress.saved_at = progress.images_seen
        self._run.save_spent(self._meter.read())
        state = {"learner": self.learner.state_dict(), **progress.state()}
        self._run.save_state(progress.images_seen, state, keep=self._settings.keep, good_at=progress.good_at or None)

    def _carded(self) -> dict[str, Any]:
        remedies = {"remedies": list(self.progress.remedies)} if self.progress.remedies else {}
        scores, history = dict(self.progress.figures), self.progress.history
        return {
            **self._card,
            "images_seen": self.progress.images_seen,
            "scores": scores,
            "standard_errors": dict(history[-1].errors) if history else {},
            **remedies,
        }
