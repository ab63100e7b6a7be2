"""A process of our own that answers one question at a time, and whose end, however sudden, is only an error here.

Questions and answers are JSON: nothing that such a process says is ever executed.
"""

import asyncio
import json
import multiprocessing
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, TypeAlias

from shanshui.errors import ImageError, ModelError, ShanshuiError, StorageError
from shanshui.images.picture import DamagedImageError, NotAnImageError

Message: TypeAlias = Mapping[str, Any]
Tell: TypeAlias = Callable[[Message], None]
Answer: TypeAlias = Callable[[Message, Tell], Message]
"""What a process does with a question; it may tell how far it is."""

_SECONDS_TO_START = 300
_REFUSALS: Mapping[str, type[ShanshuiError]] = {
    kind.__name__: kind for kind in (NotAnImageError, DamagedImageError, ImageError, ModelError, StorageError)
}
"""Those that are told apart."""


class LostError(Exception):
    """The process ended before it answered."""


class TooSlowError(Exception):
    """There was no answer in time; the process was ended."""


class BugError(Exception):
    """The process raised what no user can cause; it has written its traceback to stderr."""


class Hand:
    """Starts its process when it is first asked, and anew after each loss."""

    def __init__(self, prepare: Callable[..., Answer], *arguments: Any) -> None:
        """Ask what `prepare(*arguments)` returns in the new process; `prepare` is a function of a module."""
        self._prepare, self._arguments = prepare, arguments
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._threads = ThreadPoolExecutor(2, thread_name_prefix=f"hand-{prepare.__name__}")

    async def start(self) -> None:
        """Be ready for questions.

        Raises:
            LostError: the process ended while it started.
            TooSlowError: it did not start in time.
        """
        if self._process is not None and self._process.is_alive():
            return
        context = multiprocessing.get_context("spawn")
        self._pipe, far = context.Pipe()
        self._process = context.Process(target=_live, args=(far, self._prepare, self._arguments), daemon=True)
        self._process.start()
        far.close()  # its end of the pipe is now the only one: when it dies, we hear of it
        await self._heard(_SECONDS_TO_START, lambda message: None)

    async def ask(self, question: Message, *, seconds: float, hear: Tell = lambda message: None) -> Message:
        """The answer to `question`.

        Args:
            question: JSON values.
            seconds: after which the process is ended.
            hear: is called with whatever is told before the answer.

        Raises:
            LostError, TooSlowError, BugError: there is no answer.
            ShanshuiError: the answer is a refusal.
        """
        await self.start()
        assert self._pipe is not None
        try:
            self._pipe.send_bytes(json.dumps(question).encode())
        except OSError as error:
            self.stop()
            raise LostError from error
        return await self._heard(seconds, hear)

    def stop(self) -> None:
        """End the process at once, whatever it does; who waits for an answer gets LostError."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._process = self._pipe = None

    async def _heard(self, seconds: float, hear: Tell) -> Message:
        """The next answer; what is told before it goes to `hear`."""
        loop, pipe = asyncio.get_running_loop(), self._pipe
        assert pipe is not None
        try:
            async with asyncio.timeout(seconds):
                while True:
                    message = json.loads(await loop.run_in_executor(self._threads, pipe.recv_bytes))
                    if "told" not in message:
                        return _answered(message)
                    hear(message["told"])
        except TimeoutError as error:
            self.stop()
            raise TooSlowError from error
        except (EOFError, OSError) as error:
            self.stop()
            raise LostError from error
        except asyncio.CancelledError:  # what is answered now is for nobody, and must not be taken for another answer
            self.stop()
            raise


def _answered(message: Message) -> Message:
    if "refused" in message:
        raise _REFUSALS.get(message["kind"], ShanshuiError)(message["refused"])
    if "bug" in message:
        raise BugError(message["bug"])
    answer: Message = message["answer"]
    return answer


def _live(pipe: Connection, prepare: Callable[..., Answer], arguments: tuple[Any, ...]) -> None:
    """The life of the process: it ends when nobody is left to ask."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the service decides when a job is given up, not the terminal
        signal.signal(number, signal.SIG_IGN)

    def send(message: Message) -> None:
        pipe.send_bytes(json.dumps(message).encode())

    try:
        answer = prepare(*arguments)
        send({"answer": {}})
        while True:
            send(_reply(answer, json.loads(pipe.recv_bytes()), lambda told: send({"told": told})))
    except (EOFError, OSError):
        return


def _reply(answer: Answer, question: Message, tell: Tell) -> Message:
    try:
        return {"answer": answer(question, tell)}
    except ShanshuiError as error:
        return {"refused": " ".join(str(error).split()), "kind": type(error).__name__}
    except MemoryError:
        return {"refused": "This needs more memory than there is: make the picture smaller.", "kind": "ConfigError"}
    except (EOFError, BrokenPipeError):  # nobody listens
        raise
    except Exception as error:  # noqa: BLE001 - a bug in one job must not end the others
        traceback.print_exc(file=sys.stderr)
        return {"bug": type(error).__name__}
