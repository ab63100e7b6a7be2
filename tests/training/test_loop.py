"""The training loop: what it writes, when it stops, and that an interruption leaves no trace in the result."""

import itertools
import json
import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.training.conftest import Found, MeanLearner

from shanshui.errors import ConfigError, ModelError, NonFiniteError
from shanshui.events import Event, Finished, ImageReady, Metric, Progress, ignore
from shanshui.scenes.dataset import SceneDataset
from shanshui.training import loop
from shanshui.training.course import Plan
from shanshui.training.judge import Judge
from shanshui.training.learners.strategy import SceneConfig
from shanshui.training.listeners import journal, tensorboard
from shanshui.training.loop import Outcome, train
from shanshui.training.run import RunFolder
from shanshui.training.settings import StopCondition, TrainSettings
from shanshui.training.watch import Watch

SETTINGS = TrainSettings(
    images=80, batch_size=4, checkpoint_every=16, sample_every=32, judge_every=20, log_every=8, keep=2, workers=1
)


class ScriptedJudge:
    """Gives one figure after the other, so that a test can say when the best one comes."""

    names: tuple[str, ...] = ("distance",)

    def __init__(self, *figures: float) -> None:
        self._figures = list(figures)

    def __call__(self, draw: Callable[[int], Iterable[NDArray[np.uint8]]], before: object = None) -> Found:
        assert len(list(draw(3))) == 3
        return Found(figures={"distance": self._figures.pop(0)})

    def choosing(self, looks_through: str | None) -> str:
        return self.names[0]


def run_training(
    path: Path,
    dataset: SceneDataset,
    learner: MeanLearner | None = None,
    *,
    settings: TrainSettings = SETTINGS,
    judge: Judge | None = None,
    stop: StopCondition | None = None,
    patience: int | None = None,
    emit: Callable[[Event], None] = ignore,
) -> tuple[MeanLearner, Outcome]:
    learner = learner or MeanLearner()
    path.mkdir(exist_ok=True)
    run = RunFolder.create(path, {}) if not (path / "config.json").exists() else RunFolder(path)
    plan, watch = Plan(SceneConfig(), lambda config: learner), Watch(judge=judge, stop=stop, patience=patience)
    return learner, train(plan, dataset, settings, run, card={"recipe": "mean"}, emit=emit, watch=watch)


def names(folder: Path, pattern: str) -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))


def test_a_finished_run_holds_the_newest_states_snapshots_and_samples(tmp_path: Path, dataset: SceneDataset) -> None:
    _, outcome = run_training(tmp_path / "run", dataset)
    assert (outcome.images_seen, outcome.reason) == (80, "complete")
    assert names(tmp_path / "run/checkpoints", "*.state") == ["0000000064.state", "0000000080.state"]
    assert names(tmp_path / "run/checkpoints", "*.safetensors") == ["0000000064.safetensors", "0000000080.safetensors"]
    assert names(tmp_path / "run/samples", "*.png") == ["0000000032.png", "0000000064.png", "0000000080.png"]


def test_a_slow_training_saves_by_the_clock_as_well(
    tmp_path: Path, dataset: SceneDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(SETTINGS, checkpoint_every=80, checkpoint_minutes=15, keep=10)
    whole, _ = run_training(tmp_path / "fast", dataset, settings=settings)
    minutes = itertools.count(step=2)  # it is asked once a step, and once more after it has saved
    clock = SimpleNamespace(monotonic=lambda: 60 * next(minutes), perf_counter=time.perf_counter)
    monkeypatch.setattr(loop, "time", clock)
    slow, _ = run_training(tmp_path / "slow", dataset, settings=settings)
    assert names(tmp_path / "fast/checkpoints", "*.state") == ["0000000080.state"]
    # A step takes two minutes, and progress is told every second step.
    assert names(tmp_path / "slow/checkpoints", "*.state") == [
        "0000000032.state",
        "0000000064.state",
        "0000000080.state",
    ]
    assert whole.state_dict() == slow.state_dict()


def test_it_learns(tmp_path: Path, dataset: SceneDataset) -> None:
    mean = np.mean([dataset.still(index) for index in range(len(dataset))]) / 127.5 - 1
    learner, _ = run_training(tmp_path / "run", dataset)
    assert abs(learner.value - mean) < 0.1


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_leaves_and_the_resumed_run_equals_an_uninterrupted_one(
    tmp_path: Path, dataset: SceneDataset, ending: signal.Signals
) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, Progress) and event.done == 40:
            os.kill(os.getpid(), ending)

    _, first = run_training(tmp_path / "stopped", dataset, emit=interrupt)
    assert (first.images_seen, first.reason) == (40, "interrupted")
    _, second = run_training(tmp_path / "stopped", dataset)
    assert second.images_seen == 80
    run_training(tmp_path / "whole", dataset)
    last = "checkpoints/0000000080.state"
    assert (tmp_path / "stopped" / last).read_bytes() == (tmp_path / "whole" / last).read_bytes()


def test_a_loss_that_is_not_finite_stops_with_its_name_and_leaves_the_last_state(
    tmp_path: Path, dataset: SceneDataset
) -> None:
    learner = MeanLearner()
    learner.broken_after = 40
    with pytest.raises(NonFiniteError, match="distance"):
        run_training(tmp_path / "run", dataset, learner)
    assert np.isfinite(learner.value)
    run_training(tmp_path / "run", dataset)
    run_training(tmp_path / "whole", dataset)
    last = "checkpoints/0000000080.state"
    assert (tmp_path / "run" / last).read_bytes() == (tmp_path / "whole" / last).read_bytes()


def test_a_torn_newest_state_is_passed_over_for_the_one_before(tmp_path: Path, dataset: SceneDataset) -> None:
    run_training(tmp_path / "run", dataset)
    newest = tmp_path / "run/checkpoints/0000000080.state"
    whole = newest.read_bytes()
    newest.write_bytes(whole[:100])
    run_training(tmp_path / "run", dataset)
    assert newest.read_bytes() == whole


def test_a_run_whose_states_are_all_damaged_is_refused(tmp_path: Path, dataset: SceneDataset) -> None:
    run_training(tmp_path / "run", dataset)
    for path in (tmp_path / "run/checkpoints").glob("*.state"):
        path.write_bytes(b"torn")
    with pytest.raises(ModelError, match="damaged"):
        run_training(tmp_path / "run", dataset)


def test_the_best_snapshot_is_the_one_with_the_lowest_figure(tmp_path: Path, dataset: SceneDataset) -> None:
    from shanshui.checkpoints.weights import read_header

    _, outcome = run_training(tmp_path / "run", dataset, judge=ScriptedJudge(0.5, 0.2, 0.9, 0.4))
    card = read_header(tmp_path / "run/best.safetensors").card
    assert card["images_seen"] == 40 and card["scores"] == {"distance": 0.2}
    assert card["looks_through"] == MeanLearner.looks_through
    assert outcome.figures == {"distance": 0.4}


def test_the_best_figure_survives_a_resume(tmp_path: Path, dataset: SceneDataset) -> None:
    from dataclasses import replace

    from shanshui.checkpoints.weights import read_header

    run_training(tmp_path / "run", dataset, settings=replace(SETTINGS, images=40), judge=ScriptedJudge(0.5, 0.1))
    run_training(tmp_path / "run", dataset, judge=ScriptedJudge(0.3, 0.2))
    assert read_header(tmp_path / "run/best.safetensors").card["images_seen"] == 40


def test_training_stops_once_the_figure_is_low_enough(tmp_path: Path, dataset: SceneDataset) -> None:
    judge, stop = ScriptedJudge(0.5, 0.1), StopCondition.parse("distance<0.2")
    _, outcome = run_training(tmp_path / "run", dataset, judge=judge, stop=stop)
    assert outcome.images_seen == 40 and "distance" in outcome.reason


def test_a_condition_on_a_figure_that_nobody_measures_is_refused(tmp_path: Path, dataset: SceneDataset) -> None:
    with pytest.raises(ConfigError, match="does not measure"):
        run_training(tmp_path / "run", dataset, stop=StopCondition.parse("fid<1"))
    with pytest.raises(ConfigError, match="is not measured"):
        run_training(tmp_path / "run", dataset, judge=ScriptedJudge(), stop=StopCondition.parse("fid<1"))


def test_training_stops_when_the_figure_has_not_become_better_for_so_long(
    tmp_path: Path, dataset: SceneDataset
) -> None:
    from shanshui.checkpoints.weights import read_header

    _, outcome = run_training(tmp_path / "run", dataset, judge=ScriptedJudge(0.5, 0.6, 0.5), patience=2)
    assert (outcome.images_seen, outcome.reason) == (60, "no better figure in 2 judgements")
    assert read_header(tmp_path / "run/best.safetensors").card["images_seen"] == 20
    newest = read_header(tmp_path / "run/checkpoints/0000000060.safetensors").card
    assert newest["ended"] == outcome.reason


def test_events_tell_the_whole_story_and_are_written_as_they_come(tmp_path: Path, dataset: SceneDataset) -> None:
    path = tmp_path / "run"
    run = RunFolder.create(path, {})
    with journal(run) as written, tensorboard(run, {}, resumed_at=0) as drawn:

        def emit(event: Event) -> None:
            written(event)
            drawn(event)

        plan = Plan(SceneConfig(), lambda config: MeanLearner())
        train(plan, dataset, SETTINGS, run, card={}, emit=emit, watch=Watch(judge=ScriptedJudge(4, 3, 2, 1)))
    story = [json.loads(line) for line in (path / "events.jsonl").read_text().splitlines()]
    kinds = [entry["event"] for entry in story]
    assert kinds[0] == "Started" and kinds[-1] == "Finished"
    assert {kind.__name__ for kind in (Progress, ImageReady, Metric, Finished)} <= set(kinds)
    speeds = [entry["values"] for entry in story if entry["event"] == "Progress"][1:]
    assert all(0 <= values["speed.idle_share"] <= 1 and values["speed.images_per_second"] > 0 for values in speeds)
    assert names(path, "events.out.tfevents.*")
