"""Answers to alarms: warn, stop, or back to the last good state and on with a change, as if never interrupted."""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.training.conftest import SIZE, Found, MeanLearner

from shanshui.checkpoints.weights import read_header
from shanshui.errors import ConfigError, ExplodingError, NonFiniteError
from shanshui.events import Alarmed, Answered, Event, Finished
from shanshui.networks.generators.dcgan import DCGANConfig
from shanshui.scenes.dataset import SceneDataset
from shanshui.training.answers import PREFERRED, Policy, RemedyName, remedied, remedy_for
from shanshui.training.course import Plan
from shanshui.training.learners.strategy import PenaltyConfig, SceneConfig
from shanshui.training.learners.style import StyleConfig
from shanshui.training.loop import Outcome, train
from shanshui.training.run import RunFolder
from shanshui.training.settings import TrainSettings
from shanshui.training.update import AdamConfig
from shanshui.training.watch import Watch

SETTINGS = TrainSettings(
    images=80, batch_size=4, checkpoint_every=8, sample_every=80, judge_every=8, log_every=80, keep=2, workers=1
)
RATE = 0.01
CONFIG = SceneConfig(generator_adam=AdamConfig(learning_rate=RATE))
PICTURE = np.zeros((SIZE, SIZE, 3), np.uint8)


class Fragile(MeanLearner):
    """Breaks after 50 images unless it learns more slowly than `RATE`."""

    def __init__(self, config: SceneConfig) -> None:
        super().__init__()
        self.rate = config.generator_adam.learning_rate
        self.updater._config = replace(self.updater._config, learning_rate=self.rate)


class Eye:
    """A judge that sees a collapse from 40 images on in whatever learns at `RATE`, and copies if it is told to."""

    names: tuple[str, ...] = ("distance",)

    def __init__(self, learners: Sequence[Fragile], *, sees: str = "collapse") -> None:
        self._learners, self._sees = learners, sees

    def __call__(self, draw: Callable[[int], Iterable[NDArray[np.uint8]]], before: Any = None) -> Found:
        learner = self._learners[-1]
        # The trace counts the readings, so that a lost one would show.
        seen = 0.0 if before is None else float(before[0, 0])
        ill = learner.rate >= RATE and seen >= 4
        found = Found(
            figures={"distance": 1.0 / (1 + seen)},
            variety=0.5,
            movement=0.5,
            trace=np.full((1, 1), seen + 1, np.float32),
        )
        if ill and self._sees == "collapse":
            return replace(found, variety=0.0, figures={"distance": 2.0})
        if ill and self._sees == "memorisation":
            return replace(found, copies=(0.5, 0.01, 0.01, [(0, 0)]), evidence=[PICTURE, PICTURE + 255])
        return found

    def choosing(self, looks_through: str | None) -> str:
        return self.names[0]


def learn(
    path: Path,
    dataset: SceneDataset,
    *,
    policy: Policy,
    sees: str | None = "collapse",
    settings: TrainSettings = SETTINGS,
    broken_after: Callable[[SceneConfig], int | None] = lambda config: None,
    emit: Callable[[Event], None] = lambda event: None,
) -> tuple[Outcome, list[Event], list[Fragile]]:
    learners: list[Fragile] = []
    heard: list[Event] = []

    def build(config: SceneConfig) -> Fragile:
        learners.append(Fragile(config))
        learners[-1].broken_after = broken_after(config)
        return learners[-1]

    def listen(event: Event) -> None:
        heard.append(event)
        emit(event)

    run = RunFolder.create(path, {}) if not (path / "config.json").exists() else RunFolder(path)
    watch = Watch(judge=None if sees is None else Eye(learners, sees=sees), policy=policy)
    return train(Plan(CONFIG, build), dataset, settings, run, card={}, emit=listen, watch=watch), heard, learners


def alarms(heard: Sequence[Event]) -> list[tuple[str, int]]:
    return [(event.alarm, event.done) for event in heard if isinstance(event, Alarmed)]


def answers(heard: Sequence[Event]) -> list[tuple[str, int | None]]:
    return [(event.answer, event.resumed_at) for event in heard if isinstance(event, Answered)]


def test_a_warning_is_given_once_and_the_training_goes_on(tmp_path: Path, dataset: SceneDataset) -> None:
    outcome, heard, _ = learn(tmp_path / "run", dataset, policy=Policy())
    assert (outcome.images_seen, outcome.reason) == (80, "complete")
    assert alarms(heard) == [("collapse", 48)]
    assert answers(heard) == [("warn", None)]


def test_an_alarm_stops_a_training_that_says_why(tmp_path: Path, dataset: SceneDataset) -> None:
    outcome, heard, _ = learn(tmp_path / "run", dataset, policy=Policy(on_collapse="stop"))
    assert (outcome.images_seen, outcome.reason) == (48, "stopped by the alarm collapse")
    assert isinstance(heard[-1], Finished) and heard[-1].reason == outcome.reason
    card = read_header(tmp_path / "run/checkpoints/0000000048.safetensors").card
    assert card["ended"] == outcome.reason
    again, heard, _ = learn(tmp_path / "run", dataset, policy=Policy(on_collapse="stop"))
    assert again.reason == "complete" and alarms(heard) == [], "who resumes has decided to go on"


def test_copies_are_shown(tmp_path: Path, dataset: SceneDataset) -> None:
    _, heard, _ = learn(tmp_path / "run", dataset, policy=Policy(), sees="memorisation")
    (alarm,) = (event for event in heard if isinstance(event, Alarmed))
    assert alarm.alarm == "memorisation"
    assert alarm.path == tmp_path / "run/samples/nearest-0000000048.png" and alarm.path.exists()


def test_a_rollback_goes_on_from_the_last_good_state_with_a_change(tmp_path: Path, dataset: SceneDataset) -> None:
    outcome, heard, learners = learn(tmp_path / "run", dataset, policy=Policy(on_collapse="rollback"))
    assert (outcome.images_seen, outcome.remedies) == (80, ("lower rate",))
    assert alarms(heard) == [("collapse", 48)]
    assert answers(heard) == [("rollback", 32)]  # the reading after 40 images was the first of the two that confirm it
    assert [learner.rate for learner in learners] == pytest.approx([RATE, RATE / 5])
    assert read_header(tmp_path / "run/checkpoints/0000000080.safetensors").card["remedies"] == ["lower rate"]


@pytest.mark.parametrize("killed_after", [44, 36])
def test_a_resume_after_a_rollback_equals_an_uninterrupted_run(
    tmp_path: Path, dataset: SceneDataset, killed_after: int
) -> None:
    """`killed_after` counts from the rollback, or lies before the alarm: then the rollback comes after the resume."""
    policy = Policy(on_collapse="rollback")
    whole, _, _ = learn(tmp_path / "whole", dataset, policy=policy)
    before = killed_after < 40

    def kill(event: Event) -> None:
        rolled = (tmp_path / "cut" / "checkpoints").exists() and isinstance(event, Answered)
        if (not before and rolled) or (before and getattr(event, "done", 0) >= 40):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(tmp_path / "cut", dataset, policy=policy, emit=kill)
    outcome, _, _ = learn(tmp_path / "cut", dataset, policy=policy)
    assert outcome == replace(whole, remedies=outcome.remedies) and list(outcome.remedies) == list(whole.remedies)
    for name in ("checkpoints/0000000080.state", "checkpoints/0000000072.state"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_the_last_good_state_outlives_newer_ones(tmp_path: Path, dataset: SceneDataset) -> None:
    settings = replace(SETTINGS, judge_every=24, checkpoint_every=4, images=40)
    learn(tmp_path / "run", dataset, policy=Policy(on_collapse="rollback"), settings=settings)
    states = sorted(int(path.stem) for path in (tmp_path / "run/checkpoints").glob("*.state"))
    assert states == [36, 40], "the last reading of all is good"
    learn(tmp_path / "cut", dataset, policy=Policy(on_collapse="rollback"), settings=replace(settings, images=36))


def test_after_so_many_rollbacks_the_training_stops(tmp_path: Path, dataset: SceneDataset) -> None:
    def always(config: SceneConfig) -> int:
        return 20

    policy = Policy(on_exploding="rollback", most_rollbacks=2)
    with pytest.raises(NonFiniteError, match="distance"):
        learn(tmp_path / "run", dataset, policy=policy, sees=None, broken_after=always)


def test_a_step_that_explodes_is_taken_back_and_learned_more_slowly(tmp_path: Path, dataset: SceneDataset) -> None:
    def unless_slow(config: SceneConfig) -> int | None:
        return 50 if config.generator_adam.learning_rate >= RATE else None

    policy = Policy(on_exploding="rollback")
    outcome, heard, _ = learn(tmp_path / "run", dataset, policy=policy, sees=None, broken_after=unless_slow)
    assert outcome.images_seen == 80 and list(outcome.remedies) == ["lower rate"]
    assert alarms(heard) == [("exploding", 52)]
    assert answers(heard) == [("rollback", 48)]  # without a judge every checkpoint is good


def test_a_training_that_explodes_before_anything_was_saved_begins_anew(tmp_path: Path, dataset: SceneDataset) -> None:
    def unless_slow(config: SceneConfig) -> int | None:
        return 4 if config.generator_adam.learning_rate >= RATE else None

    outcome, heard, _ = learn(
        tmp_path / "run", dataset, policy=Policy(on_exploding="rollback"), broken_after=unless_slow
    )
    assert answers(heard) == [("rollback", 0)] and outcome.images_seen == 80


def test_events_of_alarms_are_lines_of_the_journal(tmp_path: Path, dataset: SceneDataset) -> None:
    from shanshui.training.listeners import journal

    run = RunFolder.create(tmp_path / "run", {})
    with journal(run) as emit:
        learn(tmp_path / "run", dataset, policy=Policy(on_collapse="rollback"), emit=emit)
    story = [json.loads(line) for line in run.events.read_text().splitlines()]
    answered = [entry for entry in story if entry["event"] == "Answered"]
    assert [entry["resumed_at"] for entry in answered] == [32]
    assert "fifth of the learning rates" in answered[0]["message"]


# Remedies


def test_remedies_change_what_they_say() -> None:
    config = SceneConfig(
        generator=DCGANConfig(),
        augmentation="none",
        generator_adam=AdamConfig(learning_rate=1e-3),
        discriminator_adam=AdamConfig(learning_rate=4e-3),
    )
    slower = remedied(config, ["lower rate", "slower discriminator"])
    assert isinstance(slower, SceneConfig)
    rates = slower.generator_adam.learning_rate, slower.discriminator_adam.learning_rate
    assert rates == pytest.approx((2e-4, 1.6e-4))
    augmented = remedied(config, ["more augmentation"])
    assert isinstance(augmented, SceneConfig) and augmented.augmentation == "diffaugment"
    twice = remedied(config, ["mode seeking", "mode seeking"])
    assert isinstance(twice, SceneConfig) and twice.penalties == PenaltyConfig(mode_seeking=0.2)
    adaptive = remedied(replace(config, augmentation="ada"), ["more augmentation"])
    assert isinstance(adaptive, SceneConfig) and adaptive.adaptation.target == pytest.approx(0.45)


def test_the_remedy_that_was_tried_least_comes_next_and_none_that_changes_nothing() -> None:
    config = SceneConfig(augmentation="none")
    tried: list[RemedyName] = []
    for _ in range(4):
        tried.append(remedy_for("memorisation", config, tried))
    assert tried == ["more augmentation", "slower discriminator", "lower rate", "slower discriminator"]
    assert remedy_for("memorisation", SceneConfig(augmentation="diffaugment"), []) == "slower discriminator"


@pytest.mark.parametrize("kind", PREFERRED)
def test_a_stylizer_only_ever_learns_more_slowly(kind: Any) -> None:
    config = StyleConfig(styles={"ink": ("a",)}, content={}, style={})
    assert remedy_for(kind, config, []) == "lower rate"
    slower = remedied(config, ["lower rate"])
    assert isinstance(slower, StyleConfig)
    assert math.isclose(slower.adam.learning_rate, config.adam.learning_rate / 5)


def test_a_policy_needs_a_rollback_at_least() -> None:
    with pytest.raises(ConfigError, match="most-rollbacks"):
        Policy(most_rollbacks=0)


def test_a_loss_a_thousand_times_its_median_is_refused_by_its_name(dataset: SceneDataset) -> None:
    import torch

    learner = MeanLearner()
    before = learner.value
    learner.updater({"distance": 0 * learner.updater.network(torch.ones(1, 1)).sum() + 1.0}, 0)
    with pytest.raises(ExplodingError, match="the loss"):
        learner.updater({"distance": learner.updater.network(torch.ones(1, 1)).sum() + 5000.0}, 1)
    assert learner.value == before, "the step was not made"
