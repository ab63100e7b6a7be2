"""Training states: what goes in comes out, exactly, or one sentence."""

from pathlib import Path
from typing import Any

import pytest
import torch

from shanshui.checkpoints.state import load_state, save_state
from shanshui.errors import ModelError


def optimizer_after_a_step() -> torch.optim.Adam:
    parameter = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.Adam([parameter], fused=True)
    parameter.sum().backward()
    optimizer.step()
    return optimizer


def test_an_optimizer_state_comes_back_bit_for_bit(tmp_path: Path) -> None:
    state: dict[str, Any] = {
        "adam": optimizer_after_a_step().state_dict(),
        "seen": 7,
        "best": float("inf"),
        "none": None,
    }
    save_state(tmp_path / "a.state", state)
    loaded = load_state(tmp_path / "a.state")
    assert loaded["seen"] == 7 and loaded["best"] == float("inf") and loaded["none"] is None
    assert loaded["adam"]["param_groups"] == [
        {key: list(value) if isinstance(value, tuple) else value for key, value in group.items()}
        for group in state["adam"]["param_groups"]
    ]
    for name, value in state["adam"]["state"][0].items():
        assert torch.equal(loaded["adam"]["state"][0][name], value)


def test_views_and_shared_memory_are_stored_as_the_values_they_show(tmp_path: Path) -> None:
    base = torch.arange(12.0).view(3, 4)
    save_state(tmp_path / "a.state", {"turned": base.T, "part": base[1], "whole": base})
    loaded = load_state(tmp_path / "a.state")
    assert torch.equal(loaded["turned"], base.T) and torch.equal(loaded["part"], base[1])


@pytest.mark.parametrize("content", [b"", b"hello", b"\x80\x04cposix\nsystem\n"])
def test_a_damaged_state_is_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.state").write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        load_state(tmp_path / "a.state")


def test_a_truncated_state_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.state"
    save_state(path, {"weight": torch.ones(100)})
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ModelError, match="damaged"):
        load_state(path)


def test_objects_with_code_cannot_be_stored(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        save_state(tmp_path / "a.state", {"object": object()})
    assert list(tmp_path.iterdir()) == []
