"""What every request passes before it is read: a token, a host, room in the queue, limits of size and time."""

import asyncio
import secrets
import time
from collections.abc import Callable
from http import HTTPStatus

from fastapi.responses import Response
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shanshui.errors import ShanshuiError
from shanshui.serving.http.problems import of_error, problem
from shanshui.serving.jobs.service import Service

OPEN_PATHS = frozenset({"/healthz"})
"""Anybody may ask whether the service lives."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_SMALL = 1 << 16
"""Bytes of a body that is no order."""


class Gate:
    """Lets requests through to `app`, or answers itself."""

    def __init__(
        self, app: ASGIApp, *, service: Service, token: str | None, answered: Callable[[Scope, int], None]
    ) -> None:
        """Guard `app`.

        Args:
            app: what is behind.
            service: whose limits hold.
            token: what a request must bear; without one, only requests to names of this machine pass, so that no page
                of another site can have a browser on it ask.
            answered: hears of every response.
        """
        self._app, self._service, self._answered = app, service, answered
        self._token = None if token is None else token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._answered(scope, message["status"])
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, self._limited(scope, receive), noted)
        else:
            await refusal(scope, receive, noted)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if scope["path"] in OPEN_PATHS:
            return None
        if self._token is None:
            if _name(headers.get("host", "")) not in _LOOPBACK:
                return problem(HTTPStatus.FORBIDDEN, "Without a token this service answers on its own machine only.")
        elif not secrets.compare_digest(headers.get("authorization", "").encode(), b"Bearer " + self._token):
            sentence = "This service wants a token: send it as 'Authorization: Bearer TOKEN'."
            return problem(HTTPStatus.UNAUTHORIZED, sentence, {"WWW-Authenticate": "Bearer"})
        if scope["method"] == "POST":
            try:
                self._service.require_place()
            except ShanshuiError as error:
                return of_error(error)
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            return problem(HTTPStatus.BAD_REQUEST, "The header Content-Length is no number: correct it.")
        if int(length) > self._most(scope):
            return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._too_large(scope))
        return None

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """`receive` until the body is too large or too slow."""
        deadline = time.monotonic() + self._service.limits.upload_seconds
        taken, whole = 0, False

        async def limited() -> Message:
            nonlocal taken, whole
            if whole:  # what may still come is that the client leaves, whenever it likes
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), deadline - time.monotonic())
            except TimeoutError as error:
                sentence = "The request took too long to arrive: send less, or over a faster line."
                raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, sentence) from error
            taken += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if taken > self._most(scope):
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._too_large(scope))
            return message

        return limited

    def _most(self, scope: Scope) -> int:
        return self._service.limits.bytes if scope["method"] == "POST" else _SMALL

    def _too_large(self, scope: Scope) -> str:
        return f"The request is larger than {self._most(scope) / 1e6:g} megabytes: send smaller pictures."


def _name(host: str) -> str:
    """A host without its port."""
    return host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host
