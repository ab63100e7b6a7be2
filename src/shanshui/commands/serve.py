"""`shanshui serve`: everything that makes pictures, over HTTP."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from shanshui.commands.options import Common, parse, require_positive, resolve_device
from shanshui.commands.outcome import Outcome
from shanshui.commands.terminal import terminal
from shanshui.errors import ConfigError
from shanshui.events import Emit
from shanshui.serving.jobs.limits import Limits

if TYPE_CHECKING:
    from shanshui.serving.jobs.service import Service

TOKEN = "SHANSHUI_TOKEN"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PORTS = 1 << 16
_MOST_CONNECTIONS = 512
_SECONDS_FOR_ANSWERS = 10


@dataclass(frozen=True, kw_only=True)
class Serve(Common):
    """Answer over HTTP: stylize, generate, compose and inpaint as jobs, described in /openapi.json.

    Jobs and their pictures lie in one folder and survive the end of the service, however sudden. With the environment
    variable SHANSHUI_TOKEN, requests must bear that token; without it, the service is for this machine only. For
    example:

        shanshui serve
        shanshui serve --port 9000 --models my-models --limits.megapixels 12
        SHANSHUI_TOKEN=... shanshui serve --host 0.0.0.0

        curl -F photo=@photo.jpg -F style=monet http://127.0.0.1:8000/v1/stylize
    """

    host: str = "127.0.0.1"
    """Address to listen on; others than this machine's own need a token."""
    port: int = 8000
    """0 takes any that is free."""
    folder: Path = Path("shanshui-service")
    """Where jobs and their pictures are kept; made when missing."""
    models: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """A folder of .safetensors files that may be named as well as the models that ship."""
    workers: int = 1
    """Processes that work side by side, each with models of its own; one uses all cores already."""
    patience: float = 30.0
    """Seconds that jobs under way may take to finish when the service is told to stop; then they wait for its next
    start."""
    limits: Limits = field(default_factory=Limits)
    """Beyond which requests are refused, or results go."""


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`."""
    options = parse(Serve, "serve", argv)
    with terminal() as emit:
        run(options, emit)
    return Outcome(data={"folder": str(options.folder)}, text="", as_json=options.json)


def run(options: Serve, emit: Emit) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises:
        ConfigError: a value that cannot work, or packages that are not installed.
        StorageError: the folder cannot be used.
    """
    require_positive(workers=options.workers)
    token = os.environ.get(TOKEN) or None
    if token is None and options.host not in LOOPBACK:
        raise ConfigError(f"--host {options.host} lets others in: set {TOKEN} to what their requests must bear.")
    listener = _listening(options.host, options.port)
    try:
        asyncio.run(_serve(options, token, listener, emit))
    finally:
        listener.close()


async def _serve(options: Serve, token: str | None, listener: socket.socket, emit: Emit) -> None:
    try:
        import uvicorn

        from shanshui.serving.http.app import create_app
        from shanshui.serving.http.metrics import Metrics
        from shanshui.serving.jobs.catalogue import Catalogue
        from shanshui.serving.jobs.service import Service
    except ModuleNotFoundError as error:
        raise ConfigError(
            f'The service needs {error.name}, which is not installed: run `pip install "shanshui[studio]"`.'
        ) from error
    metrics = Metrics()
    service = Service(
        options.folder,
        Catalogue(options.models),
        options.limits,
        device=str(resolve_device(options.device)),
        workers=options.workers,
        emit=emit,
        seen=metrics.seen,
    )
    config = uvicorn.Config(
        create_app(service, metrics, token=token, patience=options.patience),
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_SECONDS_FOR_ANSWERS,
    )
    server = uvicorn.Server(config)
    _tell_of_the_end(server, service)
    host, port = listener.getsockname()[:2]
    _say(f"Listening on http://{f'[{host}]' if ':' in host else host}:{port}; Ctrl-C ends it.")
    try:
        await server.serve(sockets=[listener])
    finally:  # a signal that comes while the service starts ends the server without its stopping the service
        service.kill()


def _tell_of_the_end(server: Any, service: "Service") -> None:
    """Let the service know of a signal at once: who watches a job would otherwise keep the server from ending."""
    loop, ending = asyncio.get_running_loop(), server.handle_exit

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(service.close)
        ending(number, frame)

    server.handle_exit = handle
    # The server raises the signal again once it has ended in good order, which is then no longer news.
    signal.signal(signal.SIGTERM, lambda number, frame: None)


def _listening(host: str, port: int) -> socket.socket:
    if not 0 <= port < _PORTS:
        raise ConfigError(f"--port is {port}: it must be from 0 (any that is free) to {_PORTS - 1}.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_MOST_CONNECTIONS)
    except OSError as error:
        raise ConfigError(f"Nothing can listen on {host} port {port} ({error}): choose another --port.") from error


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()
