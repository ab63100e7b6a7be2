"""Whatever happens to a training: nothing is lost, and what is resumed equals what was never interrupted."""

import errno
import json
import os
import resource
import shutil
import signal
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from tests.faults.conftest import LAST, Training, kill_until_done

from shanshui.events import Progress
from shanshui.training.journal import read_journal

pytestmark = pytest.mark.timeout(600)


def require_equal(training: Training, run: str, uninterrupted: Training) -> None:
    """The run is complete and the same, and no litter is left."""
    assert training.result(run) == uninterrupted.result("whole")
    assert not list((training.folder / run).rglob(".*.part"))
    assert read_journal(training.folder / run / "events.jsonl").unreadable == 0


def kill_again_and_again(training: Training, uninterrupted: Training, moments: int) -> None:
    """SIGKILL at random moments of trainings, each of which is resumed until it is complete."""
    kills, seconds = 0, 1.0
    while kills < moments:
        more, seconds = kill_until_done(lambda: training.begin("run"), seconds)
        kills += more
        require_equal(training, "run", uninterrupted)
        shutil.rmtree(training.folder / "run")


def test_killed_at_random_moments(training: Training, uninterrupted: Training) -> None:
    kill_again_and_again(training, uninterrupted, 3)


@pytest.mark.faults
def test_killed_at_fifty_random_moments(training: Training, uninterrupted: Training) -> None:
    kill_again_and_again(training, uninterrupted, 50)


def test_a_file_that_cannot_grow_ends_it_in_one_sentence(training: Training, uninterrupted: Training) -> None:
    """As on a full disk, the state does not fit any more; smaller files do."""

    def starve() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, resource.RLIM_INFINITY))

    size = (uninterrupted.folder / f"whole/checkpoints/{LAST}.state").stat().st_size
    training.begin("run", "--images", "16").wait()
    kept = sorted((training.folder / "run/checkpoints").iterdir())
    starved = training.begin("run", prepare=starve)
    assert starved.wait() == 2
    assert "cannot be written" in starved.said and "Traceback" not in starved.said
    assert set(kept) <= set((training.folder / "run/checkpoints").iterdir())
    training.finish("run")
    require_equal(training, "run", uninterrupted)


@pytest.mark.faults
def test_a_full_disk_at_any_moment(training: Training, uninterrupted: Training, tmp_path: Path) -> None:
    """No byte more, after more and more writes: config, log, TensorBoard, samples, snapshot, state, page."""
    stops = 0
    for writes in range(0, 60, 3):
        run = f"run{writes}"

        def fill(writes: int = writes) -> None:
            left = iter(range(writes))
            real = tempfile.mkstemp

            def mkstemp(*arguments: object, **rest: object) -> object:
                if next(left, None) is None:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return real(*arguments, **rest)  # type: ignore[call-overload]

            tempfile.mkstemp = mkstemp  # type: ignore[assignment]

        child = training.begin(run, prepare=fill)
        stops += child.wait() == 2
        assert "Traceback" not in child.said, child.said
        training.finish(run)
        require_equal(training, run, uninterrupted)
    assert stops > 3


@pytest.mark.faults
def test_a_small_disk_that_is_really_full(training: Training, uninterrupted: Training, tmp_path: Path) -> None:
    """A tmpfs with room for a state and a half."""
    disk = tmp_path / "disk"
    disk.mkdir()
    size = (uninterrupted.folder / f"whole/checkpoints/{LAST}.state").stat().st_size * 4
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size={size} tmpfs {disk} 2>/dev/null") != 0:
        pytest.skip("nobody may mount a disk here")
    try:
        small = Training(training.photos, disk)
        child = small.begin("run")
        assert child.wait() == 2, child.said
        assert "No space left" in child.said and "Traceback" not in child.said
        os.system(f"mount -o remount,size={100 * size} {disk}")
        small.finish("run")
        require_equal(small, "run", uninterrupted)
    finally:
        os.system(f"umount {disk}")


@pytest.mark.faults
def test_a_disk_that_became_read_only(training: Training, uninterrupted: Training) -> None:
    def protect() -> None:
        def refuse(*arguments: object, **rest: object) -> object:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

        tempfile.mkstemp = refuse  # type: ignore[assignment]

    training.begin("run", "--images", "16").wait()
    before = {path.name: path.read_bytes() for path in (training.folder / "run/checkpoints").iterdir()}
    child = training.begin("run", prepare=protect)
    assert child.wait() == 2
    assert "Read-only file system" in child.said and "Traceback" not in child.said
    assert {path.name: path.read_bytes() for path in (training.folder / "run/checkpoints").iterdir()} == before
    training.finish("run")
    require_equal(training, "run", uninterrupted)


@pytest.mark.faults
def test_a_clock_that_goes_back(training: Training, uninterrupted: Training) -> None:
    def turn_back() -> None:
        start, real = time.time(), time.time
        time.time = lambda: start - 3600 - 60 * (real() - start)

    training.begin("run", "--images", "16").wait()
    child = training.begin("run", prepare=turn_back)
    assert child.wait() == 0, child.said
    require_equal(training, "run", uninterrupted)
    assert "Finished" in (training.folder / "run/report.html").read_text()


@pytest.mark.parametrize(
    "fault", ["one bit", *(pytest.param(name, marks=pytest.mark.faults) for name in ("truncated", "empty", "zeros"))]
)
def test_a_damaged_checkpoint_is_passed_over_and_that_is_said(
    fault: str, training: Training, uninterrupted: Training
) -> None:
    training.begin("run", "--images", "24").wait()
    newest = training.folder / "run/checkpoints/0000000024.state"
    content = bytearray(newest.read_bytes())
    match fault:
        case "truncated":
            content = content[: len(content) // 2]
        case "one bit":
            content[len(content) * 3 // 4] ^= 1
        case "empty":
            content = bytearray()
        case _:
            content[-4096:] = bytes(4096)
    newest.write_bytes(content)
    said = training.finish("run")
    assert "0000000024.state is damaged" in said and "The checkpoint before it, 0000000016.state, is tried" in said
    require_equal(training, "run", uninterrupted)


def test_two_trainings_in_one_run(training: Training, uninterrupted: Training) -> None:
    first = training.begin("run")
    training.await_state("run")
    os.kill(first.pid, signal.SIGSTOP)  # so that it does not end too soon
    config = (training.folder / "run/config.json").read_bytes()
    second = training.begin("run", "--keep", "1")
    assert second.wait() == 2
    assert "Another training is at work" in second.said and "Traceback" not in second.said
    assert (training.folder / "run/config.json").read_bytes() == config
    os.kill(first.pid, signal.SIGCONT)
    assert first.wait() == 0, first.said
    require_equal(training, "run", uninterrupted)


@pytest.mark.faults
def test_photographs_that_go_away_and_come_back(training: Training, uninterrupted: Training, tmp_path: Path) -> None:
    """Nothing is learned without them: they come back, and all is as if they had never been away."""
    photos = tmp_path / "lent"
    shutil.copytree(uninterrupted.photos, photos)
    lent = Training(photos, tmp_path)
    first = lent.begin("run", "--images", "16")
    assert first.wait() == 0, first.said
    (photos / "4.png").rename(tmp_path / "4.png")
    child = lent.begin("run")
    assert child.wait() == 2
    assert "another set of images" in child.said

    def lose() -> None:
        from shanshui.scenes.dataset import SceneDataset

        real = SceneDataset.item

        def item(self: SceneDataset, seed: int, position: int) -> object:
            if (photos / "7.png").exists():
                (photos / "7.png").rename(tmp_path / "7.png")
            return real(self, seed, position)

        SceneDataset.item = item  # type: ignore[assignment, method-assign]

    (tmp_path / "4.png").rename(photos / "4.png")
    child = lent.begin("run", prepare=lose)
    assert child.wait() == 2
    assert "it has gone since its folder was listed" in child.said and "Traceback" not in child.said
    (tmp_path / "7.png").rename(photos / "7.png")
    lent.finish("run")
    require_equal_but_for_the_place(lent, uninterrupted)


def require_equal_but_for_the_place(training: Training, uninterrupted: Training) -> None:
    """The state is the same; the snapshot's card names the folder of the photographs."""
    assert training.result("run")[0] == uninterrupted.result("whole")[0]


@pytest.mark.faults
def test_a_photograph_that_is_not_a_number(training: Training, uninterrupted: Training, tmp_path: Path) -> None:
    """A float TIFF with NaN among the photographs is passed over like any damaged one; the training is finite."""
    import tifffile

    photos = tmp_path / "some"
    shutil.copytree(uninterrupted.photos, photos)
    pixels = np.full((48, 40, 3), np.nan, np.float32)
    tifffile.imwrite(photos / "3.tif", pixels, photometric="rgb")
    child = Training(photos, tmp_path)
    said = child.finish("run", "--images", "16")
    assert "3.tif" in said
    values = [
        e.event.values for e in read_journal(tmp_path / "run/events.jsonl").entries if isinstance(e.event, Progress)
    ]
    assert all(np.isfinite(list(each.values())).all() for each in values)


def test_numbers_that_are_not_finite_leave_the_last_checkpoint(training: Training, uninterrupted: Training) -> None:
    def poison() -> None:
        from shanshui.images.pixels import to_tensor
        from shanshui.scenes import batches

        real, count = to_tensor, iter(range(8))

        def poisoned(pixels: object) -> object:
            batch = real(pixels)  # type: ignore[arg-type]
            if next(count, None) is None:
                batch[1] = float("nan")
            return batch

        batches.__dict__["to_tensor"] = poisoned

    child = training.begin("run", prepare=poison)
    assert child.wait() == 2
    assert "is not finite; the last checkpoint is untouched" in child.said and "Traceback" not in child.said
    training.finish("run")
    require_equal(training, "run", uninterrupted)


@pytest.mark.faults
def test_a_device_that_is_gone(training: Training, uninterrupted: Training) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    training.begin("run", "--images", "16").wait()
    before = sorted(path.name for path in (training.folder / "run").rglob("*"))
    child = training.begin("run", "--device", "cuda")
    assert child.wait() == 2
    assert "no cuda device" in child.said
    assert sorted(path.name for path in (training.folder / "run").rglob("*")) == before
    training.finish("run")
    require_equal(training, "run", uninterrupted)


def test_a_folder_with_checkpoints_and_no_config_is_not_begun(training: Training, uninterrupted: Training) -> None:
    training.begin("run", "--images", "16").wait()
    config = training.folder / "run/config.json"
    kept = config.read_text()
    config.unlink()
    child = training.begin("run")
    assert child.wait() == 2
    assert "config.json is missing" in child.said
    config.write_text(json.dumps(json.loads(kept)))
    training.finish("run")
    require_equal(training, "run", uninterrupted)
