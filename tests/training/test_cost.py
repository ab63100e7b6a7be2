"""Cost adds up over resumed trainings, each kind of hardware for itself."""

from pathlib import Path

import pytest
import torch

from shanshui.training.cost import Hardware, Meter, hardware_of
from shanshui.training.run import RunFolder


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds, to be changed."""
    now = [1000.0]
    monkeypatch.setattr("shanshui.training.cost.time.monotonic", lambda: now[0])
    return now


def test_hours_add_up_over_resumes_and_hardware(clock: list[float], tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, {})
    slow, fast = Hardware(name="slow", watts=10), Hardware(name="fast", watts=350)
    for hardware, seconds in ((slow, 3600), (fast, 1800), (slow, 7200)):
        meter = Meter(hardware, run.spent())
        clock[0] += seconds
        run.save_spent(meter.read())
    assert run.spent() == [
        {"hardware": "slow", "watts": 10.0, "hours": 3.0},
        {"hardware": "fast", "watts": 350.0, "hours": 0.5},
    ]


def test_reading_twice_counts_once(clock: list[float]) -> None:
    meter = Meter(Hardware(name="slow", watts=10), [])
    clock[0] += 1800
    assert meter.read() == meter.read() == [{"hardware": "slow", "watts": 10, "hours": 0.5}]


@pytest.mark.parametrize("content", ["", "[1]", '[{"hardware": "x"}]', '{"a": 1}', "null"])
def test_a_damaged_account_stops_no_training(content: str, tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, {})
    (tmp_path / "cost.json").write_text(content)
    assert run.spent() == []


def test_watts_are_assumed_for_each_thread_unless_known() -> None:
    hardware = hardware_of(torch.device("cpu"))
    assert hardware.watts == 10 * torch.get_num_threads()
    assert f"{torch.get_num_threads()} thread" in hardware.name
    assert hardware_of(torch.device("cpu"), 65.0).watts == 65
    four = hardware_of(torch.device("cpu"), processes=4)
    assert four.watts == 4 * hardware.watts and four.name == f"4 processes on {hardware.name} each"
