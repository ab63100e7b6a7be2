"""`shanshui serve`: everything that makes pictures, over HTTP."""

import asyncio
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from shanshui import __version__
from shanshui.commands.answering import answer, listening
from shanshui.commands.options import Common, parse, require_positive, resolve_device
from shanshui.commands.outcome import Outcome
from shanshui.commands.terminal import terminal
from shanshui.errors import ConfigError
from shanshui.events import Emit
from shanshui.serving.jobs.limits import Limits

TOKEN = "SHANSHUI_TOKEN"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


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
    listener = listening(options.host, options.port)
    try:
        asyncio.run(_serve(options, token, listener, emit))
    finally:
        listener.close()


async def _serve(options: Serve, token: str | None, listener: socket.socket, emit: Emit) -> None:
    try:
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
        version=__version__,
        seen=metrics.seen,
    )
    await answer(create_app(service, metrics, token=token, patience=options.patience), service, listener)
