"""`shanshui stylize --engine ray`: many photos, painted by a cluster of processes on this machine."""

import io
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shanshui.cli import main
from shanshui.commands.on_ray import BLOCK, paint_on_ray
from shanshui.commands.ray_workers import Job, Paint, PhotoWorker, ShardWorker
from shanshui.errors import ImageError
from shanshui.events import Event, ImageReady, ignore
from shanshui.images.files import Picture
from shanshui.scenes.shards import ShardSource, ShardWriter, read_shard
from shanshui.scenes.sources import open_source

ray = pytest.importorskip("ray", reason="Ray is not installed")
pytest.importorskip("ray.data", reason="Ray Data is not installed")


pytestmark = pytest.mark.timeout(400)  # a cluster takes its time to come up on a busy machine


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Two workers' worth of this machine, for all tests together."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        yield
        ray.shutdown()


@pytest.fixture
def photos(photo: Path, tmp_path: Path) -> Path:
    """Five photos, one in a deeper folder, and a text that calls itself one."""
    folder = tmp_path / "raw"
    (folder / "deep").mkdir(parents=True)
    for index, name in enumerate(("a", "b", "c", "d", "deep/e")):
        pixels = np.roll(np.asarray(Image.open(photo)), index, axis=0)
        Image.fromarray(pixels).save(folder / f"{name}.png")
    (folder / "text.jpg").write_text("no picture")
    return folder


def statuses(manifest: Path) -> dict[str, list[str]]:
    """Photo -> what became of it, each time."""
    found: dict[str, list[str]] = {}
    for line in map(json.loads, manifest.read_text().splitlines()):
        found.setdefault(line["photo"], []).append(line["status"])
    return found


@pytest.mark.usefixtures("cluster")
def test_a_cluster_paints_what_one_process_paints(
    photos: Path, zoo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    there, here, log = tmp_path / "there", tmp_path / "here", tmp_path / "log.jsonl"
    flags = ["stylize", str(photos), "--style", "ink", "--model", str(zoo / "painter.safetensors"), "--no-credentials"]
    on_ray = [*flags, "--engine", "ray", "--manifest", str(log), "--out"]
    assert main([*on_ray, str(there)]) == 2
    assert "could not be painted: 1" in capfd.readouterr().err
    assert main([*flags, "--out", str(here)]) == 2
    results = {path.relative_to(here): path.read_bytes() for path in here.rglob("*.png")}
    assert {path.relative_to(there): path.read_bytes() for path in there.rglob("*.png")} == results
    assert len(results) == 5
    expected = {f"{name}.png": ["done"] for name in ("a", "b", "c", "d", "deep/e")}
    assert statuses(log) == expected | {"text.jpg": ["failed"]}

    # What is done stays as it is, and is not told again.
    shutil.rmtree(photos / "deep")
    (photos / "text.jpg").unlink()
    shutil.copy(photos / "a.png", photos / "new.png")
    assert main([*on_ray, str(there)]) == 0
    assert statuses(log) == expected | {"text.jpg": ["failed"], "new.png": ["done"]}
    assert (there / "new-ink.png").read_bytes() == results[Path("a-ink.png")]


def slowly(started: Path) -> Paint:
    """A brush that takes its time, and writes down who paints."""

    def paint(picture: Picture) -> Picture:
        (started / f"{time.time_ns()}-{os.getpid()}").touch()
        time.sleep(0.2)
        return picture

    return paint


@pytest.mark.faults
@pytest.mark.usefixtures("cluster")
def test_a_lost_worker_loses_nothing_and_nothing_is_told_twice(tmp_path: Path) -> None:
    folder, out, log, started = (tmp_path / name for name in ("raw", "out", "log.jsonl", "started"))
    folder.mkdir()
    started.mkdir()
    for index in range(40):
        Image.fromarray(np.full((8, 8, 3), index, np.uint8)).save(folder / f"{index:02d}.png")
    killed: list[int] = []

    def emit(event: Event) -> None:
        if isinstance(event, ImageReady) and len(killed) < 2 and event.done >= 8 * (len(killed) + 1):
            newest = max(started.iterdir(), key=lambda path: path.name)
            killed.append(int(newest.name.rpartition("-")[2]))
            os.kill(killed[-1], signal.SIGKILL)

    batch = paint_on_ray([folder], out, "slow", partial(slowly, started), emit, task="test", manifest=log)
    assert len(killed) == 2
    assert len(batch.written) == 40 and len(list(out.iterdir())) == 40
    assert statuses(log) == {f"{index:02d}.png": ["done"] for index in range(40)}
    painted = [path.name for path in started.iterdir()]
    assert 40 < len(painted) <= 40 + 2 * BLOCK  # blocks of the dead were painted again, and no others
    assert {int(np.asarray(Image.open(out / f"{index:02d}-slow.png"))[0, 0, 0]) for index in range(40)} == {*range(40)}


def test_results_go_to_a_store_by_its_url(photo: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    job = Job(str(photo.parent), "photo.png", f"{store.as_uri()}/photo-same.png")
    assert [told["status"] for told in PhotoWorker(lambda: lambda picture: picture)(vars(job))] == ["done"]
    assert np.array_equal(np.asarray(Image.open(store / "photo-same.png")), np.asarray(Image.open(photo)))


def brightened() -> Paint:
    return lambda picture: replace(picture, pixels=255 - picture.pixels)


@pytest.mark.usefixtures("cluster")
def test_shards_become_shards(photos: Path, tmp_path: Path) -> None:
    packed, out, log = tmp_path / "packed", tmp_path / "out", tmp_path / "log.jsonl"
    writer = ShardWriter(packed, 2)
    packed.mkdir()
    for name in ("a.png", "b.png", "text.jpg", "c.png"):
        writer.add(name, (photos / name).read_bytes(), {"licence": f"that of {name}"})
    writer.close({})
    # The second time there is nothing left to do but the index, and what failed.
    for failed in (["failed"], ["failed", "failed"]):
        with pytest.raises(ImageError, match="could not be painted: 1"):
            paint_on_ray([packed], out, "bright", brightened, ignore, task="test", manifest=log)
        painted = open_source(out)
        assert isinstance(painted, ShardSource) and painted.names == ("a.png", "b.png", "c.png")
        for name in painted.names:
            before = np.asarray(Image.open(photos / name))
            assert np.array_equal(255 - np.asarray(Image.open(io.BytesIO(painted.read(name)))), before)
        abouts = [about for shard in painted.shards for _, _, about in read_shard(io.BytesIO(painted.shard(shard)))]
        assert [json.loads(about)["licence"] for about in abouts] == [f"that of {name}" for name in painted.names]
        assert statuses(log) == {"000000.tar": ["done"], "000001.tar": ["done"], "text.jpg": failed}


def test_what_failed_in_a_shard_is_tried_again_alone(photo: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    packed.mkdir()
    writer = ShardWriter(packed, 3)
    for index in range(3):
        image = io.BytesIO()
        Image.fromarray(np.full((8, 8, 3), index, np.uint8)).save(image, "png")
        writer.add(f"{index}.png", image.getvalue(), {})
    writer.close({})
    refused, painted = {1}, []

    def paint(picture: Picture) -> Picture:
        painted.append(int(picture.pixels[0, 0, 0]))
        if painted[-1] in refused:
            raise ImageError("not today")
        return picture

    worker = ShardWorker(lambda: paint)
    job = Job(str(packed), "000000.tar", str(tmp_path / "0.tar"), photos=3, reuse=True)
    assert [told["status"] for told in worker(vars(job))] == ["failed", "done"] and painted == [0, 1, 2]
    refused.clear()
    assert [told["status"] for told in worker(vars(job))] == ["done"] and painted == [0, 1, 2, 1]
    assert [name for name, _, _ in read_shard(io.BytesIO((tmp_path / "0.tar").read_bytes()))] == [
        "0.png",
        "1.png",
        "2.png",
    ]
    assert [told["status"] for told in worker(vars(job))] == ["done"] and painted == [0, 1, 2, 1]


def test_a_damaged_shard_fails_alone(photo: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    packed.mkdir()
    writer = ShardWriter(packed, 1)
    for name in ("a.png", "b.png"):
        writer.add(name, photo.read_bytes(), {})
    writer.close({})
    (packed / "000000.tar").write_bytes((packed / "000000.tar").read_bytes()[:700])
    worker = ShardWorker(lambda: lambda picture: picture)
    told = [worker(vars(Job(str(packed), f"00000{n}.tar", str(tmp_path / f"{n}.tar")))) for n in range(2)]
    assert [(each[0]["status"], each[0]["fatal"]) for each in told] == [("failed", False), ("done", False)]
    assert "damaged" in told[0][0]["reason"] or "cut short" in told[0][0]["reason"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["-", "--engine", "ray"], "no standard input"),
        (["--engine", "ray", "--pbr"], "leave --engine ray out"),
        (["clip.mp4", "--engine", "ray"], "leave --engine ray out"),
    ],
)
def test_what_a_cluster_cannot_do_is_one_sentence(
    flags: list[str], message: str, photo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    places = [] if any(flag in flags for flag in ("-", "clip.mp4")) else [str(photo)]
    assert main(["stylize", *places, *flags, "--style", "ink"]) == 2
    assert message in capfd.readouterr().err


def test_a_manifest_of_something_else_is_refused(
    photo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"anything": 1}\n')
    assert main(["stylize", str(photo), "--style", "ink", "--engine", "ray", "--manifest", str(log)]) == 2
    assert "is no manifest of an earlier batch" in capfd.readouterr().err
