"""Errors as problem documents (RFC 9457): the status says whose fault it is, one sentence what to do."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from shanshui.errors import ModelError, ShanshuiError, StorageError
from shanshui.images.picture import NotAnImageError
from shanshui.serving.jobs.reception import QueueFullError, StoppingError

MEDIA_TYPE = "application/problem+json"
_SECONDS_TO_RETRY = 5

# The first class that fits decides; everything else that a user can cause is unprocessable.
_STATUSES: Mapping[type[ShanshuiError], HTTPStatus] = {
    NotAnImageError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    ModelError: HTTPStatus.NOT_FOUND,
    QueueFullError: HTTPStatus.TOO_MANY_REQUESTS,
    StoppingError: HTTPStatus.SERVICE_UNAVAILABLE,
    StorageError: HTTPStatus.INSUFFICIENT_STORAGE,
}
_WORDS = {
    HTTPStatus.NOT_FOUND: "There is nothing at this address: see /openapi.json.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take this method: see /openapi.json.",
    HTTPStatus.BAD_REQUEST: "The body of the request cannot be read: send what /openapi.json describes.",
}


class Problem(BaseModel):
    """What is wrong, in one sentence."""

    title: str
    status: int
    detail: str


def problem(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """A problem document."""
    content = Problem(title=HTTPStatus(status).phrase, status=status, detail=sentence)
    return JSONResponse(content.model_dump(), status, headers, MEDIA_TYPE)


def of_error(error: ShanshuiError) -> Response:
    """The problem document of an error that a user can cause."""
    status = next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), None)
    headers = {"Retry-After": str(_SECONDS_TO_RETRY)} if isinstance(error, QueueFullError | StoppingError) else None
    # What a full disk is called on this machine is not for everybody.
    sentence = "There is no room for this on the disk." if isinstance(error, StorageError) else str(error)
    return problem(status or HTTPStatus.UNPROCESSABLE_ENTITY, " ".join(sentence.split()), headers)


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the API's document says of these statuses."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def install(app: FastAPI) -> None:
    """Turn every error of `app` into a problem document."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, ShanshuiError)
        return of_error(error)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, _sentence(error))

    async def other(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        given = error.detail if error.detail.endswith(".") else None
        sentence = given or _WORDS.get(HTTPStatus(error.status_code), f"{error.detail}.")
        return problem(error.status_code, sentence, error.headers)

    async def bug(request: Request, error: Exception) -> Response:
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "The service made a mistake: tell whoever runs it.")

    app.add_exception_handler(ShanshuiError, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, other)
    app.add_exception_handler(Exception, bug)


def _sentence(error: RequestValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    message = str(first["msg"]).rstrip(".")
    return f"{place[:100] or 'The body'}: {message[:200]}."
