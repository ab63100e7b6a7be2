"""The run folder and the settings: refusals in one sentence, nothing overwritten."""

import json
from pathlib import Path

import pytest

from shanshui.errors import ConfigError, StorageError
from shanshui.training.run import RunFolder
from shanshui.training.settings import StopCondition, TrainSettings


def test_a_folder_that_holds_a_run_is_not_begun_again(tmp_path: Path) -> None:
    RunFolder.create(tmp_path / "run", {"seed": 1})
    with pytest.raises(ConfigError, match="--resume"):
        RunFolder.create(tmp_path / "run", {"seed": 1})


def test_only_a_run_can_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no run to resume"):
        RunFolder.reopen(tmp_path, {}, may_differ=frozenset())


def test_a_resume_may_be_longer_but_not_another_training(tmp_path: Path) -> None:
    RunFolder.create(tmp_path / "run", {"seed": 1, "images": 10})
    free = frozenset({"images"})
    with pytest.raises(ConfigError, match="another seed"):
        RunFolder.reopen(tmp_path / "run", {"seed": 2, "images": 10}, may_differ=free)
    RunFolder.reopen(tmp_path / "run", {"seed": 1, "images": 20}, may_differ=free)
    assert json.loads((tmp_path / "run/config.json").read_text())["images"] == 20


def test_a_run_cannot_begin_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        RunFolder.create(tmp_path / "file" / "run", {})


@pytest.mark.parametrize("wrong", [{"images": 0}, {"batch_size": 0}, {"keep": 0}, {"seed": -1}, {"workers": -2}])
def test_settings_that_cannot_work_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="must be"):
        TrainSettings(**{"images": 10, **wrong})


def test_conditions_are_read_and_other_texts_refused() -> None:
    assert StopCondition.parse(" kid_vgg19 < 1e-2 ") == StopCondition("kid_vgg19", 0.01)
    for text in ("kid", "kid>1", "kid<", "<1", "kid<1.2.3", "kid<e"):
        with pytest.raises(ConfigError, match="METRIC<VALUE"):
            StopCondition.parse(text)


NAMES = ("kid_vgg19_relu5_4_64px_9", "kid_vgg19_relu4_4_64px_9", "frechet_vgg19_relu5_4_64px_9", "mmd_effnetlite1_9")


@pytest.mark.parametrize(
    ("short", "choosing", "meant"),
    [
        ("kid", NAMES[0], NAMES[0]),
        ("kid_vgg19", NAMES[1], NAMES[1]),
        ("kid_vgg19_relu4_4", NAMES[0], NAMES[1]),
        ("frechet", NAMES[0], NAMES[2]),
        (NAMES[3], NAMES[0], NAMES[3]),
    ],
)
def test_the_first_words_of_a_figure_name_it(short: str, choosing: str, meant: str) -> None:
    assert StopCondition(short, 0.1).among(NAMES, choosing) == StopCondition(meant, 0.1)


@pytest.mark.parametrize(
    ("short", "said"), [("kid", "could mean kid"), ("ki", "not measured"), ("fid", "not measured")]
)
def test_a_name_that_means_several_figures_or_none_is_refused(short: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        StopCondition(short, 0.1).among(NAMES, NAMES[2])
