"""The service itself: takes orders, has them done one after the other, and can be asked how each is getting on.

Everything here runs on one event loop, so that a job changes in one place at a time. A job's new state is on the disk
before anybody hears of it. Jobs are done by processes of their own; one that crashes takes no other job with it, and
its own job is begun once more.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from shanshui.errors import ShanshuiError, StorageError
from shanshui.events import Emit, Warned, ignore
from shanshui.serving.jobs import work
from shanshui.serving.jobs.catalogue import Catalogue
from shanshui.serving.jobs.hand import BugError, Hand, LostError, Message, TooSlowError
from shanshui.serving.jobs.job import Job, Result
from shanshui.serving.jobs.limits import Limits
from shanshui.serving.jobs.orders import ORDERS, Kind, Order
from shanshui.serving.jobs.reception import QueueFullError, Reception, StoppingError
from shanshui.serving.jobs.requirements import models_for
from shanshui.serving.jobs.store import Store, outdated

MOST_ATTEMPTS = 2
_SECONDS_BETWEEN_SWEEPS = 60
TASK = "serve"

_LOST = (
    "The process that worked at this job was lost twice, perhaps for want of memory: make the picture smaller, or tell "
    "whoever runs the service."
)
_BUG = "The service made a mistake at this job, and has written down which: tell whoever runs it."


class Service:
    """Jobs in one folder, and the processes that do them."""

    def __init__(
        self,
        folder: Path,
        catalogue: Catalogue,
        limits: Limits,
        *,
        device: str = "cpu",
        workers: int = 1,
        version: str = "unknown",
        emit: Emit = ignore,
        seen: Callable[[Job], None] = lambda job: None,
    ) -> None:
        """Open the folder; jobs that were waiting or under way in it when it was last used wait again.

        Args:
            folder: nothing outside it is ever written.
            catalogue: the models that may be used.
            limits: beyond which orders are refused.
            device: where to compute.
            workers: processes that work side by side, each with models of its own.
            version: of the program, as pictures tell of their making.
            emit: hears of losses.
            seen: is called with each job whose state has changed.

        Raises:
            StorageError: the folder cannot be used.
        """
        self.catalogue, self.limits, self.version = catalogue, limits, version
        self._emit, self._seen = emit, seen
        self._store = Store(folder)
        self._reception = Reception(self._store, limits.pixels)
        self._workers = [Hand(work.prepared, device, version) for _ in range(workers)]
        self._jobs: dict[str, Job] = {}
        self._waiting: list[str] = []
        self._running: dict[str, Hand] = {}
        self._coming = 0
        self._stopping = False
        self._bell = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.lost = 0
        for job in self._store.load():
            self._jobs[job.id] = job
            if not job.over:
                self._again(job)
        self._next_number = 1 + max((job.number for job in self._jobs.values()), default=0)

    async def start(self) -> None:
        """Begin to work.

        Raises:
            LostError, TooSlowError: a process cannot be started.
        """
        await asyncio.gather(*(hand.start() for hand in [self._reception.inspector, *self._workers]))
        self._tasks = [asyncio.create_task(task) for task in [self._sweep(), *map(self._work, self._workers)]]

    def close(self) -> None:
        """Take no more orders, begin no more jobs, and let whoever watches go."""
        self._stopping = True
        self._ring()

    async def stop(self, patience: float) -> None:
        """End: jobs under way may take so many seconds more, then they wait for the next start."""
        self.close()
        deadline = time.monotonic() + patience
        while self._running and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        self.kill()
        while self._running:  # each notes that its job waits again
            await asyncio.sleep(0.01)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._store.close()

    def kill(self) -> None:
        """End all processes at once, whatever they do."""
        for hand in [self._reception.inspector, *self._workers]:
            hand.stop()

    @property
    def stopping(self) -> bool:
        """Whether it is about to end."""
        return self._stopping

    @property
    def load(self) -> tuple[int, int]:
        """Jobs that wait, and jobs under way."""
        return len(self._waiting), len(self._running)

    def require_place(self) -> None:
        """Pass if an order can be taken.

        Raises:
            QueueFullError, StoppingError: it cannot.
        """
        if self._stopping:
            raise StoppingError("The service is about to stop: try again in a moment.")
        if len(self._waiting) + self._coming >= self.limits.queue:
            raise QueueFullError(f"The queue is full ({self.limits.queue} jobs wait): try again later.")

    async def submit(self, kind: Kind, order: Order, uploads: Mapping[str, BinaryIO]) -> Job:
        """Take on an order; its job is on the disk when this returns.

        Args:
            kind: one of `ORDERS`.
            order: of that kind's class.
            uploads: contents of picture files: photo, mask, painting-1, ...

        Raises:
            QueueFullError, StoppingError: not now.
            ModelError: there is no such model.
            ConfigError: something is missing, or does not fit together.
            ImageError: a picture cannot be used.
            StorageError: the disk is full.
        """
        with self._place():
            models = models_for(order, list(uploads), self.catalogue)
            job_id = secrets.token_hex(16)
            try:
                await self._reception.receive(job_id, order, uploads)
                job = Job(
                    id=job_id,
                    number=self._next_number,
                    kind=kind,
                    order=order.model_dump(mode="json"),
                    model=models["model"].name,
                    uploads=tuple(uploads),
                    created=time.time(),
                    total=getattr(order, "count", 1),
                )
                self._next_number += 1
                await asyncio.to_thread(self._store.accept, job)
            except BaseException:
                self._store.refuse(job_id)
                raise
            self._jobs[job.id] = job
            self._waiting.append(job.id)
        self._seen(job)
        self._ring()
        return job

    def find(self, job_id: str) -> Job | None:
        """The job of that id."""
        return self._jobs.get(job_id)

    def position(self, job: Job) -> int | None:
        """How many jobs will be begun before and with this one; None when it does not wait."""
        return self._waiting.index(job.id) + 1 if job.id in self._waiting else None

    def file(self, job: Job, result: Result) -> Path:
        """Where a result lies."""
        return self._store.folder(job) / result.file

    async def watch(self, job: Job, *, every: float | None = None) -> AsyncGenerator[Job, None]:
        """The job now and after each change of it or of its place, until it is over, forgotten, or the service stops.

        Args:
            job: of this service.
            every: seconds after which it is given again though nothing has changed.
        """
        told: tuple[Job, int | None] | None = None
        while True:
            bell = self._bell
            now = self._jobs.get(job.id)
            if now is None:
                return
            state = (now, self.position(now))
            if state != told:
                told = state
                yield now
            if now.over or self._stopping:
                return
            try:
                await asyncio.wait_for(bell.wait(), every)
            except TimeoutError:
                told = None

    def cancel(self, job: Job) -> None:
        """Give up a job that waits or runs; forget one that is over, with its pictures."""
        if job.over:
            self._forget(job)
            return
        if job.id in self._waiting:
            self._waiting.remove(job.id)
        self._change(job, state="cancelled", ended=time.time())
        if job.id in self._running:
            self._running[job.id].stop()

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        """A place in the queue, kept while its job comes in."""
        self.require_place()
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1

    async def _work(self, hand: Hand) -> None:
        while True:
            while self._stopping or not self._waiting:
                await self._bell.wait()
            job = self._jobs[self._waiting.pop(0)]
            self._running[job.id] = hand
            job = self._change(job, state="running", started=time.time(), attempts=job.attempts + 1)
            try:
                await self._do(job, hand)
            except Exception as error:  # noqa: BLE001 - a bug in one job must not end the queue
                self._emit(Warned(task=TASK, message=f"job {job.id} failed with {type(error).__name__}: {error}"))
                self._end(job, state="failed", error=_BUG)
            finally:
                self._running.pop(job.id, None)
                self._ring()

    async def _do(self, job: Job, hand: Hand) -> None:
        try:
            answer = await hand.ask(
                self._question(job), seconds=self.limits.seconds, hear=lambda told: self._hear(job, told)
            )
        except LostError:
            self._lost(job)
        except TooSlowError:
            sentence = f"The job took longer than {self.limits.seconds:g} seconds: make the picture smaller."
            self._end(job, state="failed", error=sentence)
        except BugError as error:
            self._emit(Warned(task=TASK, message=f"job {job.id} failed with {error}; the traceback is above"))
            self._end(job, state="failed", error=_BUG)
        except ShanshuiError as error:
            self._end(job, state="failed", error=str(error))
        else:
            results = tuple(Result.model_validate(result) for result in answer["results"])
            self._end(job, state="done", done=len(results), results=results)

    def _hear(self, job: Job, told: Message) -> None:
        if self._under_way(job):
            self._jobs[job.id] = job.having(done=told["done"])
            self._ring()

    def _question(self, job: Job) -> Message:
        order = ORDERS[job.kind].model_validate(job.order)
        models = models_for(order, job.uploads, self.catalogue)
        return {
            "folder": str(self._store.folder(job)),
            "kind": job.kind,
            "order": job.order,
            "models": {part: (model.name, str(model.path)) for part, model in models.items()},
            "uploads": list(job.uploads),
        }

    def _lost(self, job: Job) -> None:
        """The process is gone: because the job was cancelled, because we stop, or because it crashed."""
        if not self._under_way(job):
            return
        if self._stopping:
            job = job.having(attempts=job.attempts - 1)
        else:
            self.lost += 1
            self._emit(Warned(task=TASK, message=f"the process that worked at job {job.id} was lost"))
        self._again(job)

    def _again(self, job: Job) -> None:
        """Let a job wait again where it was, but not for ever."""
        if job.attempts >= MOST_ATTEMPTS:
            self._end(job, state="failed", error=_LOST)
            return
        self._change(job, state="waiting", started=None, done=0)
        self._waiting.append(job.id)
        self._waiting.sort(key=lambda waiting: self._jobs[waiting].number)

    def _under_way(self, job: Job) -> bool:
        """Whether the job was neither given up nor forgotten in the meantime."""
        now = self._jobs.get(job.id)
        return now is not None and not now.over

    def _end(self, job: Job, **changes: object) -> None:
        if self._under_way(job):
            self._change(job, ended=time.time(), **changes)

    def _change(self, job: Job, **changes: object) -> Job:
        job = job.having(**changes)
        try:
            self._store.write(job)
        except StorageError as error:  # the disk is full: those who watch are told all the same
            self._emit(Warned(task=TASK, message=str(error)))
        self._jobs[job.id] = job
        self._seen(job)
        self._ring()
        return job

    def _ring(self) -> None:
        """Wake whoever waits for a change."""
        self._bell.set()
        self._bell = asyncio.Event()

    def _forget(self, job: Job) -> None:
        self._store.remove(job)
        self._jobs.pop(job.id, None)
        self._ring()

    async def _sweep(self) -> None:
        """Forget the oldest of the ended jobs, again and again, until the others are within the limits."""
        while True:
            for job in outdated(list(self._jobs.values()), self.limits, time.time()):
                self._forget(job)
            await asyncio.sleep(_SECONDS_BETWEEN_SWEEPS)
