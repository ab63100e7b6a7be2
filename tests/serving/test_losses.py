"""Processes die, disks fill up, services are stopped: no job is lost, or its owner is told."""

import asyncio
import io
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from shanshui.errors import ConfigError, ImageError, StorageError
from shanshui.serving.jobs.catalogue import Catalogue
from shanshui.serving.jobs.job import Job, Result
from shanshui.serving.jobs.limits import Limits
from shanshui.serving.jobs.orders import GenerateOrder, StylizeOrder
from shanshui.serving.jobs.service import Service
from shanshui.serving.jobs.store import Store, outdated

LONG: dict[str, Any] = {"count": 16, "width": 1280}
"""An order that takes the tiny generator some seconds, of which each picture is told."""

linux = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")


@contextmanager
def busy(server: Any) -> Iterator[dict[str, Any]]:
    """A long job that has begun; given up afterwards."""
    job = server.order("/v1/generate", json=LONG)
    server.until(job, "running")
    yield job
    server.client.delete(f"/v1/jobs/{job['id']}")


@linux
def test_a_job_outlives_its_process(server: Any) -> None:
    with busy(server) as job:
        server.lose_workers()
        told = server.until(job)
    assert told["attempts"] == 2 and len(told["results"]) == 16
    assert "was lost" in server.log.read_text()


@linux
def test_a_job_that_kills_every_process_says_so(server: Any) -> None:
    with busy(server) as job:
        server.lose_workers()
        while server.job(job)["attempts"] < 2:
            time.sleep(0.02)
        time.sleep(0.1)
        server.lose_workers()
        told = server.until(job, "failed", seconds=30) if server.job(job)["state"] != "failed" else server.job(job)
    assert "lost twice" in told["error"]
    server.until(server.order("/v1/generate", json={}))


def test_a_job_is_given_up(server: Any) -> None:
    with busy(server) as job:
        behind = server.order("/v1/generate", json={})
        assert server.job(behind)["position"] == 1
        assert server.client.delete(f"/v1/jobs/{behind['id']}").status_code == 204
        assert server.job(behind)["state"] == "cancelled"
    assert server.job(job)["state"] == "cancelled" and server.job(job)["results"] == []
    server.until(server.order("/v1/generate", json={}))


@linux
def test_a_full_queue(server: Any) -> None:
    with busy(server), server.idle_workers():
        jobs = [server.order("/v1/generate", json={}) for _ in range(6)]
        assert [server.job(job)["position"] for job in jobs] == [1, 2, 3, 4, 5, 6]
        response = server.client.post("/v1/generate", json={})
        assert response.status_code == 429 and "Retry-After" in response.headers
        assert response.json()["detail"] == "The queue is full (6 jobs wait): try again later."
    for job in jobs:
        server.until(job)


@pytest.mark.timeout(400)  # three processes start twice
def test_the_queue_outlives_the_service(launch: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "service"
    first = launch(folder)
    jobs = [first.order("/v1/generate", json=order) for order in (LONG, {"seed": 1}, {"seed": 2})]
    first.until(jobs[0], "running")
    first.end(signal.SIGKILL)
    second = launch(folder)
    assert second.until(jobs[0])["attempts"] == 2
    begun = [second.until(job)["started"] for job in jobs]
    assert begun == sorted(begun)
    last = second.order("/v1/generate", json={"count": 8})
    with second.client.stream("GET", f"/v1/jobs/{last['id']}/events") as stream:
        second.process.send_signal(signal.SIGTERM)
        list(stream.iter_lines())  # whoever watches is let go, not waited for
    assert second.end() == 0
    record = Job.model_validate_json((folder / "jobs" / last["id"] / "job.json").read_bytes())
    assert record.state in ("done", "waiting")


def test_stopped_or_too_slow(models: Path, tmp_path: Path) -> None:
    """A job that takes too long is given up; one under way when an impatient service stops is kept for its next."""

    async def ask() -> tuple[Job, Job]:
        service = Service(tmp_path, Catalogue(models), Limits(seconds=0.1))
        await service.start()
        slow = await service.submit("generate", GenerateOrder(**LONG), {})
        slow = [now async for now in service.watch(slow)][-1]
        service.limits = Limits()
        kept = await service.submit("generate", GenerateOrder(**LONG), {})
        async for now in service.watch(kept):
            if now.done > 0:
                break
        await service.stop(0)
        return slow, service.find(kept.id) or kept

    slow, kept = asyncio.run(ask())
    assert slow.state == "failed" and slow.error is not None and "longer than 0.1 seconds" in slow.error
    assert (kept.state, kept.attempts, kept.done) == ("waiting", 0, 0)


def test_a_folder_is_for_one_service(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(StorageError, match="Another service"):
        Store(tmp_path)
    store.close()
    Store(tmp_path).close()


def a_job(number: int, **changes: Any) -> Job:
    return Job(id=f"{number:032x}", number=number, kind="generate", order={}, model="landscape", created=0, **changes)


def test_what_cannot_be_read_is_no_job(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in (2, 1):
        job = a_job(number)
        store.receive(job.id)
        store.accept(job)
    (tmp_path / "jobs" / a_job(2).id / "job.json").write_text("{")
    assert [job.number for job in store.load()] == [1]
    assert [path.name for path in (tmp_path / "jobs").iterdir()] == [a_job(1).id]
    store.close()


def test_a_full_disk_is_told(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask() -> None:
        service = Service(tmp_path, Catalogue(models), Limits())

        def full(*arguments: object) -> None:
            raise StorageError("No room.")

        monkeypatch.setattr(Store, "accept", full)
        with pytest.raises(StorageError):
            await service.submit("generate", GenerateOrder(), {})
        assert service.load == (0, 0) and not list((tmp_path / "incoming").iterdir())
        await service.stop(0)

    asyncio.run(ask())


def test_the_oldest_results_go_first() -> None:
    big = Result(file="result-0.png", width=1, height=1, bytes=400_000_000)
    jobs = [a_job(number, ended=1000.0 * number, state="done", results=(big,)) for number in (1, 2, 3)]
    jobs.append(a_job(4))
    assert outdated(jobs, Limits(), 4000) == []
    assert [job.number for job in outdated(jobs, Limits(keep_jobs=1), 4000)] == [2, 1]
    assert [job.number for job in outdated(jobs, Limits(keep_gigabytes=1), 4000)] == [1]
    assert [job.number for job in outdated(jobs, Limits(keep_hours=0.5), 4000)] == [2, 1]


@pytest.mark.parametrize("limits", [{"queue": 0}, {"megapixels": 200}, {"seconds": float("inf")}])
def test_limits_that_cannot_work(limits: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        Limits(**limits)  # type: ignore[arg-type]


def test_a_refused_upload_leaves_nothing_behind(models: Path, tmp_path: Path, picture: Callable[..., bytes]) -> None:
    async def ask() -> None:
        service = Service(tmp_path, Catalogue(models), Limits(megapixels=0.001))
        with pytest.raises(ImageError, match=r"above the limit of 0\.001 megapixels"):
            await service.submit("stylize", StylizeOrder(style=["ink"]), {"photo": io.BytesIO(picture())})
        await service.stop(0)
        assert not list((tmp_path / "incoming").iterdir())

    asyncio.run(ask())
