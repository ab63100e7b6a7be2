"""Advice follows from the findings, and the time of a training from a few timed steps."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from shanshui.commands import trial
from shanshui.commands.advice import advise
from shanshui.commands.plan import FEW, plan_for
from shanshui.commands.survey import Survey
from shanshui.commands.trial import Pace, in_words, timed, try_out
from shanshui.events import Event, Warned, ignore
from shanshui.recipes import RECIPES
from shanshui.scenes.inspection import Inspection
from shanshui.scenes.sources import open_source
from shanshui.scenes.traits import Traits

PHOTO = Traits(
    width=300,
    height=200,
    brightness=0.5,
    contrast=0.2,
    color=0.2,
    most_color=0.5,
    flat=0.1,
    tones=0.1,
    frame=(0.0, 0.0),
)


def photos(count: int, **changes: Any) -> dict[str, Traits]:
    one = Traits(**{**vars(PHOTO), **changes})
    return {f"{changes}-{number}.jpg": one for number in range(count)}


def found(traits: Mapping[str, Traits], label: str = "photos.zip", **changes: Any) -> Survey:
    nothing: dict[str, Any] = {
        "passed_over": (),
        "unreadable": {},
        "too_small": (),
        "duplicates": {},
        "near_duplicates": (),
    }
    return Survey(found=Inspection(label=label, files=len(traits), traits=traits, **(nothing | changes)))


def advice_on(survey: Survey, pace: Pace | None = None) -> str:
    return "\n".join(advise(survey, plan_for(survey, "cpu"), pace))


@pytest.mark.parametrize(
    ("side", "device", "recipe"),
    [
        (40, "cpu", "projected-64"),
        (64, "cpu", "projected-64"),
        (128, "cpu", "projected-128"),
        (2000, "cpu", "projected-128"),
        (2000, "mps", "projected-128"),
        (200, "cuda", "projected-128"),
        (256, "cuda", "projected-256"),
    ],
)
def test_the_size_is_the_largest_that_photos_and_device_allow(side: int, device: str, recipe: str) -> None:
    plan = plan_for(found(photos(3000, width=side, height=side)), device)
    assert (plan.subject, plan.recipe) == ("scene", recipe)
    assert plan.images == RECIPES["scene"][recipe].settings.images and recipe.endswith(f"-{plan.size}")


def test_one_photo_in_ten_may_be_smaller() -> None:
    few, many = photos(90, width=100, height=100), photos(200, width=100, height=100)
    assert plan_for(found(photos(910) | few), "cpu").size == 128
    assert plan_for(found(photos(800) | many), "cpu").size == 64


def test_few_photos_are_for_a_style_and_repeats_do_not_count() -> None:
    survey = found(photos(FEW))
    assert plan_for(survey, "cpu").subject == "scene" and "enough to try" in advice_on(survey)
    names = tuple(survey.found.traits)
    repeated = found(survey.found.traits, near_duplicates=(names[:2],))
    assert repeated.worth == FEW - 1 and plan_for(repeated, "cpu").subject == "style"
    assert "train style" in advice_on(repeated) and "--near-duplicates drop" in advice_on(repeated)
    assert "3,000 photos are enough for a scene generator" in advice_on(found(photos(3000)))


def test_nothing_to_mend_is_said_only_then() -> None:
    assert "nothing to mend" in advice_on(found(photos(3000)))
    troubles: dict[str, Survey] = {
        "writes an archive": found(photos(3000), unreadable={"a.jpg": "broken"}),
        "blank": found(photos(3000) | photos(1, contrast=0.01)),
        "graphic": found(photos(3000) | photos(1, flat=0.9, tones=0.9)),
        "crop bars": found(photos(3000) | photos(1, frame=(0.2, 0.0))),
        "lie on their side": found(photos(3000) | photos(1, width=200, height=300)),
        "very long": found(photos(3000) | photos(1, width=2000)),
        "grey": found(photos(3000) | photos(600, most_color=0.0)),
    }
    for word, survey in troubles.items():
        assert word in advice_on(survey) and "nothing to mend" not in advice_on(survey)
    assert "nothing to mend" in advice_on(found(photos(3000) | photos(3, most_color=0.0))), "a few grey ones are fine"


def test_holding_out_is_advised_until_it_is_done() -> None:
    assert "hold out about 300 photos" in advice_on(found(photos(3000)))
    assert "hold out about 600 photos" in advice_on(found(photos(9000)))
    assert "hold out" not in advice_on(found(photos(3000), label="photos.zip/train"))
    assert "hold out" not in advice_on(found(photos(20)))
    split = {f"{part}/{name}": one for part in ("train", "heldout") for name, one in photos(2000).items()}
    assert "ARCHIVE/FOLDER" in advice_on(found(split)) and "hold out" not in advice_on(found(split))


def test_folders_are_offered_as_labels_and_scarce_ones_named() -> None:
    labelled = {f"forest/{name}": one for name, one in photos(1000).items()}
    labelled |= {f"coast/{name}": one for name, one in photos(5).items()}
    shown = advice_on(found(labelled))
    assert "--labels folders" in shown and "Fewer than 100 images: coast" in shown
    assert "--labels" not in advice_on(found(photos(3000)))


def test_the_time_is_in_proportion_to_the_images() -> None:
    pace = Pace(steps=4, images=64, seconds=8.0, device="cpu")
    assert pace.seconds_for(200_000) == 25_000
    shown = advice_on(found(photos(3000)), pace)
    assert "200,000 images, about 6 h 57 min on this machine (cpu; 4 steps took 8.0 s)" in shown
    assert "on this machine" not in advice_on(found(photos(3000)))


@pytest.mark.parametrize(
    ("seconds", "words"), [(48, "48 s"), (720, "12 min"), (12_000, "3 h 20 min"), (86_400 * 4.5, "4.5 days")]
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


class Clockwork:
    """A learner whose first step takes a minute and all others two seconds, and the clock that shows it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.seen: list[int] = []

    def step(self, batch: Tensor, images_seen: int) -> None:
        self.now += 2.0 if self.seen else 60.0
        self.seen.append(images_seen)


def batches_of(size: int) -> Iterator[Tensor]:
    while True:
        yield torch.zeros(size, 3, 4, 4)


def test_the_first_step_is_not_counted() -> None:
    learner = Clockwork()
    pace = timed(learner, batches_of(8), 5.0, "cpu", clock=lambda: learner.now)
    assert (pace.steps, pace.images, pace.seconds) == (3, 24, 6.0)
    assert learner.seen == [0, 8, 16, 24]
    slow = Clockwork()
    assert timed(slow, batches_of(8), 0.5, "cpu", clock=lambda: slow.now).steps == 1


def folder_of_noise(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for number in range(3):
        pixels = random.integers(0, 255, (70, 90, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    return tmp_path


def test_a_real_recipe_takes_real_steps(tmp_path: Path) -> None:
    data = folder_of_noise(tmp_path)
    plan = plan_for(found(photos(3000, width=64, height=64)), "cpu")
    pace = try_out(
        plan, open_source(data), data, painting="0.png", device=torch.device("cpu"), seconds=0.01, emit=ignore
    )
    batch = RECIPES["scene"][plan.recipe].settings.batch_size
    assert pace is not None and pace.images == pace.steps * batch and pace.seconds > 0


def test_a_recipe_that_memory_cannot_hold_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> Pace:
        raise torch.OutOfMemoryError("full")

    monkeypatch.setattr(trial, "_time_scenes", full)
    data = folder_of_noise(tmp_path)
    heard: list[Event] = []
    plan = plan_for(found(photos(3000)), "cpu")
    device = torch.device("cpu")
    assert try_out(plan, open_source(data), data, painting="0.png", device=device, seconds=1, emit=heard.append) is None
    assert isinstance(heard[0], Warned) and "--batch-size" in heard[0].message
