"""Several processes on shares of a batch learn what one process learns from the whole, but for rounding."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.training.shared_course import learn
from tests.training.shared_steps import CASES, outcomes, pictures
from torch import Tensor

from shanshui.checkpoints.state import load_state
from shanshui.errors import ConfigError
from shanshui.together import Share, common_mean, gathered, own, positions, sharing, whole
from shanshui.training.crew import Crew

ROOT = Path(__file__).parents[2]
PROCESSES = 2
ROUNDING = 1e-3
"""Relative, of gradients: double precision would not do better where a sigmoid or a square root is near zero."""

EVERY_TIME = (
    *("game soft-hinge", "R1 behind minibatch deviation", "path length", "mode seeking", "batch norm on both sides"),
    *("adaptive augmentation", "styles", "any style", "CycleGAN", "composer", "inpainter"),
)
SELDOM = tuple(name for name in CASES if name not in EVERY_TIME)


@dataclass(frozen=True)
class Learned:
    """States after some steps, by case: of one process, and of each of several."""

    alone: Mapping[str, Mapping[str, Any]]
    folder: Path

    def shared(self, case: str, rank: int) -> Mapping[str, Any]:
        return load_state(self.folder / f"{case} of {rank}.state")


def learned(folder: Path, cases: tuple[str, ...]) -> Learned:
    """All cases in one go: a process takes longer to start than to learn."""
    pictures(folder)
    command = [sys.executable, "-m", "tests.training.shared_steps"]
    others = [
        subprocess.Popen([*command, str(rank), str(PROCESSES), str(folder), *cases], cwd=ROOT)
        for rank in range(PROCESSES)
    ]
    alone = dict(outcomes(cases, folder, Share()))
    assert [other.wait(300) for other in others] == [0] * PROCESSES
    return Learned(alone, folder)


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    return learned(tmp_path_factory.mktemp("shared"), EVERY_TIME)


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    return learned(tmp_path_factory.mktemp("shared"), SELDOM)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", EVERY_TIME)
def test_two_processes_learn_what_one_does(case: str, some: Learned) -> None:
    compare(case, some)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", SELDOM)
def test_two_processes_learn_what_one_does_in_every_game(case: str, others: Learned) -> None:
    compare(case, others)


def compare(case: str, states: Learned) -> None:
    alone, first, second = (
        dict(numbers(state)) for state in (states.alone[case], states.shared(case, 0), states.shared(case, 1))
    )
    assert all(torch.equal(value, second[name]) for name, value in first.items()), "processes drift apart"
    assert alone.keys() == first.keys()
    for kind in ("exp_avg", "exp_avg_sq"):
        chosen = [name for name in alone if name.endswith(f".{kind}")]
        assert chosen and apart(alone, first, chosen) < ROUNDING
    rest = [name for name in alone if ".optimizer." not in name and ".network." not in name and "average" not in name]
    for name in rest:
        torch.testing.assert_close(first[name], alone[name], rtol=ROUNDING, atol=1e-5, msg=name)
    assert apart(alone, first, [name for name in alone if ".network." in name]) < ROUNDING


def apart(alone: Mapping[str, Tensor], shared: Mapping[str, Tensor], names: list[str]) -> float:
    """The distance of all tensors of these names together, relative to their length."""
    both = [torch.cat([state[name].flatten() for name in names]) for state in (alone, shared)]
    return float((both[0] - both[1]).norm() / both[0].norm())


def numbers(node: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """All tensors and numbers of a state, by their place in it."""
    match node:
        case Tensor():
            yield name, node.detach().float()
        case Mapping():
            for key, value in node.items():
                yield from numbers(value, f"{name}.{key}")
        case list() | tuple():
            for key, value in enumerate(node):
                yield from numbers(value, f"{name}.{key}")
        case int() | float():
            yield name, torch.tensor(float(node))


@pytest.mark.parametrize(("processes", "block"), [(1, 1), (2, 1), (3, 1), (2, 3), (4, 2)])
def test_a_batch_is_dealt_out_like_cards(processes: int, block: int) -> None:
    count = 2 * block
    dealt = []
    for rank in range(processes):
        with sharing(Share(rank=rank, processes=processes, block=block)):
            assert whole(count) == processes * count
            rows = own(torch.arange(100, 100 + whole(count)))
            assert rows.tolist() == list(positions(100, count))
            dealt.append(rows.unflatten(0, (-1, block)))
    assert torch.stack(dealt, 1).flatten().tolist() == list(range(100, 100 + processes * count))


def test_alone_nothing_is_added_to_what_one_process_computes() -> None:
    rows = torch.rand(4, 3, requires_grad=True)
    assert own(rows) is rows and gathered(rows) is rows and common_mean(rows) is rows and whole(4) == 4


def test_a_batch_that_cannot_be_dealt_out_is_refused() -> None:
    assert Crew(1, 2).share(8, 2) == Share(rank=1, processes=2, block=2)
    with pytest.raises(ConfigError, match="multiple of 6"):
        Crew(1, 2).share(8, 3)
    assert Crew().share(5, 3) == Share(block=3)


@pytest.mark.timeout(300)
def test_where_the_first_process_goes_back_all_do(photos: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.training.shared_course"]
    others = [
        subprocess.Popen([*command, str(rank), str(PROCESSES), str(tmp_path)], cwd=ROOT) for rank in range(PROCESSES)
    ]
    alone = json.loads(learn(tmp_path, Crew(), "alone"))
    assert [other.wait(120) for other in others] == [0] * PROCESSES
    assert alone["learners"] == 2 and alone["remedies"] == ["lower rate"] and alone["images_seen"] == 80
    for rank in range(PROCESSES):
        shared = json.loads((tmp_path / f"{rank}.json").read_text())
        assert shared["value"] == pytest.approx(alone["value"], rel=1e-4)
        assert {**shared, "value": 0} == {**alone, "value": 0}
    assert [(tmp_path / run / "best.safetensors").exists() for run in ("alone", "shared")] == [True, True]
