"""The frame of the command line: help, exit codes, sentences."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from types import SimpleNamespace

import pytest

from shanshui import cli
from shanshui.commands.outcome import Outcome
from shanshui.errors import DataError


def command_that(monkeypatch: pytest.MonkeyPatch, function: Callable[[Sequence[str]], Outcome]) -> None:
    """Put `function` into the table as the command `work`."""
    monkeypatch.setattr(cli, "COMMANDS", {"work": ("a.module:main", "does it")})
    monkeypatch.setattr(cli, "import_module", lambda name: SimpleNamespace(main=function))


def test_help_lists_every_command_without_importing_torch() -> None:
    program = (
        "import sys; from shanshui.cli import main; code = main(['--help']); "
        "assert 'torch' not in sys.modules, 'help waits for torch'; sys.exit(code)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert all(f"\n  {name} " in ran.stdout for name in cli.COMMANDS)


def test_no_command_shows_help_as_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "usage:" in capsys.readouterr().err


def test_a_mistyped_command_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["stylise"]) == 2
    assert capsys.readouterr().err == "There is no command 'stylise': did you mean 'stylize'?\n"


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"usage: shanshui {name}" in shown
    if name != "train":  # whose options are those of its learners
        assert "--device" in shown and "--json" in shown


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_an_unknown_option_is_a_usage_error(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([name, "--no-such-option", "1"]) == 2
    captured = capsys.readouterr()
    assert captured.err and not captured.out and "Traceback" not in captured.err


def test_a_users_error_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(argv: Sequence[str]) -> Outcome:
        raise DataError("photos holds no images:\n  give another folder.")

    command_that(monkeypatch, fail)
    assert cli.main(["work"]) == 2
    assert capsys.readouterr().err == "photos holds no images: give another folder.\n"


def test_a_bug_is_shown_whole(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(argv: Sequence[str]) -> Outcome:
        raise ZeroDivisionError("a bug")

    command_that(monkeypatch, fail)
    assert cli.main(["work"]) == 1
    assert "ZeroDivisionError: a bug" in capsys.readouterr().err


def test_ctrl_c_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(argv: Sequence[str]) -> Outcome:
        raise KeyboardInterrupt

    command_that(monkeypatch, interrupt)
    assert cli.main(["work"]) == 130
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(("as_json", "interrupted"), [(True, False), (False, True)])
def test_a_result_is_for_people_or_for_programs(
    as_json: bool, interrupted: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = Outcome(data={"山": [1]}, text="one mountain", as_json=as_json, interrupted=interrupted)
    command_that(monkeypatch, lambda argv: outcome)
    assert cli.main(["work", "--x"]) == (130 if interrupted else 0)
    shown = capsys.readouterr().out
    assert json.loads(shown) == {"山": [1]} if as_json else shown == "one mountain\n"


def test_output_that_nobody_reads_any_more_is_no_bug() -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "shanshui", "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, errors = process.communicate()
    assert process.returncode == 141
    assert errors == b""
