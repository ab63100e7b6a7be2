"""`shanshui studio`: everything at hand in a page."""

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
from shanshui.commands.options import Common, parse, resolve_device
from shanshui.commands.outcome import Outcome
from shanshui.commands.terminal import terminal
from shanshui.errors import ConfigError
from shanshui.events import Emit
from shanshui.recipes import RECIPES
from shanshui.serving.jobs.limits import Limits

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Studio(Common):
    """A page to paint photos and make scenes in, in English or Chinese, for this machine's browsers alone.

    What is made stays in a folder, and a later studio goes on with what was waiting. For example:

        shanshui studio
        shanshui studio --port 9000 --models my-models
    """

    port: int = 7860
    """0 takes any that is free."""
    folder: Path = Path("shanshui-studio")
    """Where jobs and their pictures are kept; made when missing."""
    models: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """A folder of .safetensors files that may be named as well as the models that ship."""
    limits: Limits = field(default_factory=Limits)
    """Beyond which orders are refused, or results go."""


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`."""
    options = parse(Studio, "studio", argv)
    with terminal() as emit:
        run(options, emit)
    return Outcome(data={"folder": str(options.folder)}, text="", as_json=options.json)


def run(options: Studio, emit: Emit) -> None:
    """Show the page until SIGTERM or Ctrl-C.

    Raises:
        ConfigError: a value that cannot work, or packages that are not installed.
        StorageError: the folder cannot be used.
    """
    listener = listening(LOOPBACK, options.port)
    try:
        asyncio.run(_show(options, listener, emit))
    finally:
        listener.close()


async def _show(options: Studio, listener: socket.socket, emit: Emit) -> None:
    # Read when Gradio is imported: it asks nobody for news, and keeps uploads in our folder.
    os.environ |= {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_TEMP_DIR": str(options.folder.absolute() / "uploads"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    try:
        from shanshui.serving.jobs.catalogue import Catalogue
        from shanshui.serving.jobs.service import Service
        from shanshui.serving.studio.app import create_studio
    except ModuleNotFoundError as error:
        raise ConfigError(
            f'The studio needs {error.name}, which is not installed: run `pip install "shanshui[studio]"`.'
        ) from error
    service = Service(
        options.folder,
        Catalogue(options.models),
        options.limits,
        device=str(resolve_device(options.device)),
        emit=emit,
        version=__version__,
    )
    await answer(
        create_studio(service, options.folder, {subject: list(known) for subject, known in RECIPES.items()}),
        service,
        listener,
    )
