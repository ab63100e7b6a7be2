"""What `serve` and `studio` have in common: an application that answers until it is told to stop."""

import asyncio
import signal
import socket
import sys
from types import FrameType
from typing import TYPE_CHECKING, Any

from shanshui.errors import ConfigError

if TYPE_CHECKING:
    from shanshui.serving.jobs.service import Service

_PORTS = 1 << 16
_MOST_CONNECTIONS = 512
_SECONDS_FOR_ANSWERS = 10


async def answer(app: Any, service: "Service", listener: socket.socket) -> None:
    """Have the ASGI application `app`, which starts and stops `service`, answer until SIGTERM or Ctrl-C."""
    import uvicorn

    config = uvicorn.Config(
        app,
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


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes any that is free.

    Raises:
        ConfigError: nothing can listen there.
    """
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
