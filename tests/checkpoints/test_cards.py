"""Cards say what a training kept, what people add, and admit what nobody knows; what is missing is found."""

from collections.abc import Sequence
from typing import Any

import pytest

from shanshui.checkpoints.cards import FIELDS, SECTIONS, card_of, missing_in, missing_in_header
from shanshui.checkpoints.weights import SnapshotHeader

CARD: dict[str, Any] = {
    "task": "scene",
    "recipe": "landscape-128",
    "data": "photos.zip/train",
    "data_digest": "1d9c",
    "licence": "CC0",
    "looks_through": "effnetlite1",
    "images_seen": 120_000,
    "scores": {"kid_vgg19_relu4_4_128px_500": 0.2, "sharpness": 1.1},
    "standard_errors": {"kid_vgg19_relu4_4_128px_500": 0.01},
}
COST = [
    {"hardware": "2 threads of A Processor", "watts": 20.0, "hours": 3.0},
    {"hardware": "A GPU", "watts": 350.0, "hours": 2.0},
]


def made(card: dict[str, Any], notes: str = "", cost: Sequence[dict[str, Any]] = COST) -> str:
    header = SnapshotHeader(architecture="fastgan", config={}, card=card)
    return card_of("mine", header, weights=6_012_345, cost=cost, notes=notes)


def test_a_card_of_a_run_is_complete() -> None:
    card = made(CARD)
    assert missing_in(card) == []
    for words in (
        "| role | scene generator: fastgan, 6.0 million weights in half precision |",
        "| licence | CC0 |",
        "| data | photos.zip/train (digest 1d9c) |",
        "`shanshui train scene --recipe landscape-128 --data DATA --run RUN`",
        "| images seen | 120,000 |",
        "| hardware | 2 threads of A Processor; A GPU |",
        "| hours | 3.00 + 2.00 |",
        "about 0.76 kWh at 20 W, 350 W; the power is an assumption",  # 60 Wh and 700 Wh
        "| kid_vgg19_relu4_4_128px_500 | 0.2 | 0.1804 to 0.2196 |",  # 1.96 standard errors
        "| sharpness | 1.1 |  |",
        "shanshui generate --model mine",
    ):
        assert words in card


def test_what_people_write_takes_its_place() -> None:
    card = made(
        CARD, "It likes fog.\n\n## Known failures\n\nTrees smear.\n\n## Scores\n\nKID .01\n\n## Styles\n\nNone.\n"
    )
    assert missing_in(card) == []
    assert card.index("It likes fog.") < card.index("## Scores") < card.index("KID .01") < card.index("Trees smear.")
    assert card.count("## Known failures") == card.count("## Scores") == 1
    assert card.index("Trees smear.") < card.index("## Styles")
    assert "Nobody has written any down" not in card


def test_what_a_run_went_through_is_among_the_failures() -> None:
    card = made({**CARD, "remedies": ["lower rate"], "ended": "stopped by the alarm collapse"})
    failures = card[card.index("## Known failures") :]
    assert "lower rate" in failures and "stopped by the alarm collapse" in failures


def test_what_nobody_knows_is_said() -> None:
    card = made({}, cost=[])
    assert "| licence | unknown |" in card and "| energy | unknown |" in card
    assert "Training measured none." in card


@pytest.mark.parametrize("name", [*FIELDS, *SECTIONS])
def test_what_is_missing_or_empty_is_found(name: str) -> None:
    lines = made(CARD).splitlines()
    absent = "\n".join(line for line in lines if not line.startswith((f"| {name} |", f"## {name}")))
    assert missing_in(absent) == [name]
    if name in FIELDS:
        assert missing_in("\n".join(f"| {name} | |" if line.startswith(f"| {name} |") else line for line in lines)) == [
            name
        ]


def test_a_snapshot_must_tell_its_licence_data_and_recipe() -> None:
    assert missing_in_header(CARD) == []
    assert missing_in_header({"licence": "unknown", "recipe": ""}) == ["licence", "data", "recipe"]


def test_lines_of_others_do_not_break_the_table() -> None:
    assert "| data | a \\| b c |" in made({"data": "a | b\nc"})
