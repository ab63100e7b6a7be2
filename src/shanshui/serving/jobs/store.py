"""The folder of a service: every job with its files, written whole or not at all, and locked against a second service.

jobs/ID/job.json, photo, mask, painting-1, ..., result-0.png, ...
incoming/ID/     what is being uploaded; thrown away at the next start
measured/        what was measured of a model once, so that scenes can be changed by name
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from shanshui.atomic import atomic_write, atomic_write_text, storage_errors
from shanshui.errors import StorageError
from shanshui.serving.jobs.job import Job
from shanshui.serving.jobs.limits import Limits

_RECORD = "job.json"


class Store:
    """Keeps jobs. One process at a time may have the folder open."""

    def __init__(self, folder: Path) -> None:
        """Open `folder`, which is made when missing.

        Raises:
            StorageError: it cannot be written to, or another service has it open.
        """
        self._jobs, self._incoming = folder / "jobs", folder / "incoming"
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = _locked(folder)
            shutil.rmtree(self._incoming, ignore_errors=True)
            self._incoming.mkdir()
            self._jobs.mkdir(exist_ok=True)

    def close(self) -> None:
        """Let another service open the folder."""
        self._lock.close()

    def receive(self, job_id: str) -> Path:
        """A folder for the files of a job that is being uploaded."""
        folder = self._incoming / job_id
        with storage_errors(folder):
            folder.mkdir()
        return folder

    def keep(self, path: Path, content: BinaryIO) -> None:
        """Keep an uploaded file."""
        with atomic_write(path) as file:
            shutil.copyfileobj(content, file)

    def accept(self, job: Job) -> None:
        """Take on a job with all files that were received for it."""
        folder = self._incoming / job.id
        atomic_write_text(folder / _RECORD, job.model_dump_json())
        with storage_errors(folder):
            folder.rename(self._jobs / job.id)

    def refuse(self, job_id: str) -> None:
        """Throw away what was received."""
        shutil.rmtree(self._incoming / job_id, ignore_errors=True)

    def folder(self, job: Job) -> Path:
        """Where the files of a job lie."""
        return self._jobs / job.id

    def write(self, job: Job) -> None:
        """Keep the state of a job that was accepted.

        It is not forced onto the disk, which would take longer than many a job: it survives the end of every process,
        and where a failing machine loses it, the job is done again.
        """
        path = self.folder(job) / _RECORD
        with storage_errors(path):
            new = path.with_suffix(".new")
            new.write_text(job.model_dump_json(), encoding="utf-8")
            new.replace(path)

    def remove(self, job: Job) -> None:
        """Forget a job and its files."""
        shutil.rmtree(self.folder(job), ignore_errors=True)

    def load(self) -> list[Job]:
        """All jobs by number; folders without a readable record are no jobs, and go."""
        jobs = []
        for folder in self._jobs.iterdir():
            try:
                jobs.append(Job.model_validate_json((folder / _RECORD).read_bytes()))
            except (OSError, ValidationError):
                shutil.rmtree(folder, ignore_errors=True)
        return sorted(jobs, key=lambda job: job.number)


def outdated(jobs: Sequence[Job], limits: Limits, now: float) -> list[Job]:
    """Those of the ended jobs that are to be forgotten: the oldest, until the others are within the limits."""
    ended = sorted((job for job in jobs if job.ended is not None), key=lambda job: job.ended or 0, reverse=True)
    kept, size = 0, 0
    for job in ended:
        size += sum(result.bytes for result in job.results)
        recent = (job.ended or 0) > now - limits.keep_hours * 3600
        if not recent or kept == limits.keep_jobs or size > limits.keep_gigabytes * 1e9:
            break
        kept += 1
    return ended[kept:]


def _locked(folder: Path) -> BinaryIO:
    """A file of the folder that this process alone may hold open."""
    file = (folder / "lock").open("wb")
    if os.name == "posix":
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise StorageError(f"Another service works in {folder}: stop it, or choose another --folder.") from error
    return file
