"""Monitors: each failure is told by its own alarm, and what a healthy training goes through is told by none."""

from collections.abc import Sequence
from dataclasses import asdict, replace

import pytest

from shanshui.training.monitors import alarm
from shanshui.training.monitors.exploding import MEMORY, Pulse, exploding, remembered
from shanshui.training.monitors.overfitting import r_v
from shanshui.training.monitors.reading import Copies, Logits, Reading

KID = "kid_vgg19_relu5_4_64px_2000v500"


def readings(
    figures: Sequence[float],
    *,
    variety: Sequence[float] | None = None,
    recall: Sequence[float] | None = None,
    movement: Sequence[float | None] | None = None,
) -> list[Reading]:
    count = len(figures)
    return [
        Reading(
            images_seen=1000 * (row + 1),
            figures={KID: figures[row]},
            errors={KID: 0.05 * figures[row]},
            choosing=KID,
            variety=(variety or [0.6] * count)[row],
            recall=(recall or [0.2] * count)[row],
            movement=(movement or [None, *[0.5] * (count - 1)])[row],
        )
        for row in range(count)
    ]


def alarms(history: Sequence[Reading]) -> list[str]:
    """The kinds that came, one reading after the other."""
    found = (alarm(history[: count + 1]) for count in range(len(history)))
    return [each.kind for each in found if each is not None]


DCGAN = readings(
    [763, 761, 4107, 1197, 1027, 1617, 1158, 868, 921],
    variety=[0.002, 0.070, 0.176, 0.231, 0.227, 0.232, 0.389, 0.359, 0.341],
    recall=[0.0] * 9,
    movement=[None, 0.33, 1.04, 0.91, 0.75, 0.51, 0.76, 0.47, 0.45],
)
"""What the first 5,000 images of the recipe dcgan-64 on photographs were measured to be."""

PROJECTED = readings([763, 66031, 34698, 4000, 900], variety=[0.014, 0.998, 0.972, 0.45, 0.4], recall=[0.0] * 5)
"""Noise is varied: a projected generator begins with it, and loses that variety while it learns."""


@pytest.mark.parametrize("history", [DCGAN, PROJECTED])
def test_a_healthy_young_training_gives_no_alarm(history: list[Reading]) -> None:
    assert alarms(history) == []


def test_images_that_are_all_alike_have_collapsed() -> None:
    assert alarms(readings([900, 800, 850], variety=[0.0, 0.0, 0.0], recall=[0, 0, 0])) == ["collapse"] * 2


def test_a_loss_of_variety_is_a_collapse_once_it_is_confirmed() -> None:
    history = readings([500, 400, 300, 900, 950], variety=[0.4, 0.5, 0.6, 0.2, 0.1])
    assert alarms(history) == ["collapse"]
    assert "0.1 times" in str(alarm(history)) and "0.6 times" in str(alarm(history))
    assert alarms(readings([500, 400, 300, 900, 310], variety=[0.4, 0.5, 0.6, 0.2, 0.6])) == []


def test_some_loss_of_variety_with_most_recall_is_a_collapse() -> None:
    variety = [0.5, 0.6, 0.4, 0.4]
    assert alarms(readings([400, 300, 500, 500], variety=variety, recall=[0.2, 0.3, 0.05, 0.05])) == ["collapse"]
    assert alarms(readings([400, 300, 500, 500], variety=variety, recall=[0.2, 0.3, 0.2, 0.2])) == []


def test_more_copies_than_expected_are_memorisation_and_a_few_are_not() -> None:
    def with_share(share: float) -> list[Reading]:
        copies = Copies(share=share, expected=0.01, error=0.01, pairs=[(3, 5)])
        return [replace(each, copies=copies) for each in readings([500, 400, 300])]

    assert alarms(with_share(0.3)) == ["memorisation"] * 2
    assert alarms(with_share(0.025)) == []  # more than twice as many as expected, and within the error
    once = with_share(0.0)
    once[1] = with_share(0.3)[1]
    assert alarms(once) == []


def test_a_discriminator_that_rejects_held_out_photographs_is_overfitting() -> None:
    def with_logits(heldout: float | None, training: float = 2.0) -> list[Reading]:
        logits = Logits(generated=-2.0, training=training, heldout=heldout, sign=0.9)
        return [replace(each, logits=logits) for each in readings([500, 400, 300, 250])]

    assert alarms(with_logits(-1.5)) == ["overfitting"] * 2
    assert alarms(with_logits(1.5)) == alarms(with_logits(None)) == []
    assert alarms(with_logits(-9.0, training=-3.0)) == [], "who prefers generated images knows no photograph by heart"


def test_r_v_is_one_where_held_out_photographs_are_taken_for_generated_ones() -> None:
    logits = Logits(generated=-2.0, training=2.0, heldout=-2.0, sign=1.0)
    assert [r_v(replace(logits, heldout=value)) for value in (2.0, 1.0, -2.0)] == [0.0, 0.25, 1.0]


def test_images_that_do_not_move_are_stalled_and_not_collapsed() -> None:
    history = readings([763] * 5, variety=[0.002] * 5, recall=[0.0] * 5, movement=[None, 0.01, 0.01, 0.02, 0.0])
    assert alarms(history) == ["stalled"] * 2


def test_many_readings_without_progress_are_stalled() -> None:
    assert alarms(readings([500, 480, 510, 490, 505] * 2)) == [], "twice as many readings, and two that confirm it"
    assert alarms(readings([500, 480, 510, 490, 505] * 3)) == ["stalled"] * 4
    assert alarms(readings([500, 480, 510, 490, 505, 450, 430, 470, 440, 460])) == []


def test_a_reading_comes_back_from_a_saved_state() -> None:
    whole = replace(
        DCGAN[3],
        copies=Copies(share=0.1, expected=0.01, error=0.02, pairs=[(1, 2)]),
        logits=Logits(generated=-1.0, training=1.0, heldout=None, sign=0.5),
    )
    assert Reading.of_state(asdict(whole)) == whole
    assert Reading.of_state(asdict(DCGAN[0])) == DCGAN[0]


STEADY = Pulse(loss=1.5, gradient=0.3, weights=20.0)


@pytest.mark.parametrize(
    ("now", "exploded"),
    [
        (STEADY, None),
        (STEADY._replace(loss=-1400.0), None),
        (STEADY._replace(loss=-1600.0), "loss"),
        (STEADY._replace(gradient=290.0), None),
        (STEADY._replace(gradient=310.0), "gradient"),
        (STEADY._replace(weights=95.0), None),
        (STEADY._replace(weights=105.0), "weights"),
    ],
)
def test_what_leaps_beyond_its_past_has_exploded(now: Pulse, exploded: str | None) -> None:
    assert exploding([STEADY] * 30, now) == exploded


def test_weights_that_grow_slowly_have_exploded_in_the_end() -> None:
    history: tuple[Pulse, ...] = ()
    for step in range(1000):
        now = STEADY._replace(weights=20.0 * 1.01**step)
        if exploding(history, now) is not None:
            break
        history = remembered(history, now)
    assert now.weights == pytest.approx(2000.0, rel=0.01)


def test_the_first_steps_have_no_past() -> None:
    assert exploding([], Pulse(1e9, 1e9, 1e9)) is None
    assert exploding([STEADY] * 5, STEADY._replace(gradient=1e6)) is None, "gradients of first steps differ by orders"
    assert exploding([Pulse(0.0, 0.0, 0.0)] * 30, Pulse(0.5, 3.0, 1.0)) is None, "what begins at zero may grow"


def test_the_beginning_and_the_last_steps_are_remembered() -> None:
    history: tuple[Pulse, ...] = ()
    for step in range(3 * MEMORY):
        history = remembered(history, STEADY._replace(weights=float(step)))
    kept = [pulse.weights for pulse in history]
    assert kept == [0.0, *range(2 * MEMORY, 3 * MEMORY)]
