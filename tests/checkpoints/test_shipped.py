"""What ships is what was meant to ship: whole, carded, working."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from shanshui.checkpoints import zoo
from shanshui.cli import main


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two of the models that ship, to be spoilt."""
    folder = tmp_path / "zoo"
    folder.mkdir()
    for name in ("painter", "zones"):
        for suffix in (".md", ".safetensors"):
            shutil.copy(zoo.ZOO / f"{name}{suffix}", folder)
    sums = (zoo.ZOO / "SHA256SUMS").read_text(encoding="ascii").splitlines(keepends=True)
    (folder / "SHA256SUMS").write_text("".join(line for line in sums if "painter." in line or "zones." in line))
    monkeypatch.setattr(zoo, "ZOO", folder)
    return folder


def test_every_model_that_ships_is_in_order(capfd: pytest.CaptureFixture[str]) -> None:
    """After a model or a card was changed, `make zoo` writes the sums anew."""
    assert main(["models", "--verify", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told == {"good": list(zoo.shipped()), "wrong": {}}


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "weights": (lambda z: flipped(z / "zones.safetensors"), "zones.safetensors is not the file that SHA256SUMS names"),
    "card": (lambda z: (z / "zones.md").write_text("# zones\n"), "The card of zones does not tell: role, licence"),
    "no card": (lambda z: (z / "zones.md").unlink(), "The model zones ships without a card"),
    "lost card": (lambda z: (z / "zones.md").unlink(), "SHA256SUMS names zones.md, which is not there"),
    "lost": (
        lambda z: (z / "painter.safetensors").unlink(),
        "SHA256SUMS names painter.safetensors, which is not",
    ),
    "cut": (lambda z: (z / "zones.safetensors").write_bytes(b"x" * 99), "zones.safetensors is damaged"),
    "new": (
        lambda z: shutil.copy(z / "zones.safetensors", z / "new.safetensors"),
        "new.safetensors ships, but SHA256SUMS does not name it",
    ),
    "no sums": (lambda z: (z / "SHA256SUMS").unlink(), "SHA256SUMS is missing or damaged"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_each_fault_is_a_sentence_and_the_exit_code_tells(
    what: str, copy: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    spoil, words = SPOILT[what]
    spoil(copy)
    assert main(["models", "--verify"]) == 2
    captured = capfd.readouterr()
    lines = captured.out.strip().splitlines()
    assert any(words in line for line in lines)
    assert all(line.endswith(".") for line in lines)
    assert "Traceback" not in captured.err


def test_the_sums_are_those_of_the_usual_tool() -> None:
    """`sha256sum -c SHA256SUMS` reads the list: two spaces, names without folders."""
    for line in (zoo.ZOO / "SHA256SUMS").read_text(encoding="ascii").splitlines():
        digest, name = line.split("  ")
        assert len(digest) == 64 and "/" not in name
