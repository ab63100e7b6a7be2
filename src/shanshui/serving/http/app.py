"""The addresses of the service, described by themselves in /openapi.json."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated, BinaryIO

from fastapi import FastAPI, Form, UploadFile
from fastapi import Path as InPath
from fastapi.responses import FileResponse, Response, StreamingResponse
from pydantic import Field
from starlette.exceptions import HTTPException

from shanshui.serving.http import problems
from shanshui.serving.http.documents import (
    MEDIA_TYPES,
    HealthDocument,
    JobDocument,
    ModelsDocument,
    job_document,
    model_document,
)
from shanshui.serving.http.gate import Gate
from shanshui.serving.http.metrics import MEDIA_TYPE, Metrics
from shanshui.serving.http.problems import Problem, described
from shanshui.serving.jobs.inspection import MASK, PHOTO
from shanshui.serving.jobs.job import Job
from shanshui.serving.jobs.orders import (
    PAINTING,
    ComposeOrder,
    GenerateOrder,
    InpaintOrder,
    Kind,
    Order,
    StylizeOrder,
)
from shanshui.serving.jobs.service import Service

# It reports odd requests through logging, which by default ends on the terminal.
logging.getLogger("python_multipart").addHandler(logging.NullHandler())

MOST_PAINTINGS = 4
_SECONDS_BETWEEN_SIGNS = 15.0
"""Of life, on a stream of events on which nothing happens: what lies between would close it."""
_FORM = Form(media_type="multipart/form-data")

JobId = Annotated[str, InPath(pattern="^[0-9a-f]{32}$", description="As the answer to an order gave it.")]
Paintings = Annotated[list[UploadFile], Field(max_length=MOST_PAINTINGS)]


class StylizeForm(StylizeOrder):
    """A photo and how to paint it."""

    photo: UploadFile
    """JPEG, PNG, WebP, AVIF, TIFF, GIF, BMP or EXR."""
    mask: UploadFile | None = None
    """A picture of the photo's proportions, white where to paint."""
    painting: Paintings = Field(default_factory=list)
    """Paintings to paint after, for a model that takes them."""


class ComposeForm(ComposeOrder):
    """A photo, if any, and how to compose."""

    photo: UploadFile | None = None
    """A scene out of noise when left out."""
    mask: UploadFile | None = None
    """A picture of the photo's proportions, white where to paint."""
    painting: Paintings = Field(default_factory=list)
    """Paintings to paint after."""


class InpaintForm(InpaintOrder):
    """A photo and what to fill."""

    photo: UploadFile
    """JPEG, PNG, WebP, AVIF, TIFF, GIF, BMP or EXR."""
    mask: UploadFile | None = None
    """A picture of the photo's proportions, white where to fill."""


def create_app(service: Service, metrics: Metrics, *, token: str | None = None, patience: float = 30.0) -> Gate:
    """The service as an ASGI application, which starts and stops it.

    Args:
        service: does the jobs.
        metrics: hears of everything.
        token: what requests must bear, if anything.
        patience: seconds that jobs under way may take to finish when the service stops.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await service.start()
        yield
        await service.stop(patience)

    app = FastAPI(
        title="Shanshui",
        version=service.version,
        summary="Natural scenes and painting styles.",
        lifespan=lifespan,
        docs_url=None,  # both would load scripts from other hosts
        redoc_url=None,
        responses=described(400, 401, 403, 408, 413),
    )
    metrics.watch(service)
    problems.install(app)
    _orders(app, service)
    _jobs(app, service)
    _state(app, service, metrics)
    _describe(app)
    return Gate(app, service=service, token=token, answered=metrics.answered)


def _orders(app: FastAPI, service: Service) -> None:
    async def accepted(kind: Kind, order: Order, uploads: dict[str, BinaryIO], response: Response) -> JobDocument:
        job = await service.submit(kind, order, uploads)
        response.headers["Location"] = f"/v1/jobs/{job.id}"
        return _document(service, job)

    refusals = described(404, 415, 422, 429, 503, 507)

    @app.post("/v1/stylize", status_code=HTTPStatus.ACCEPTED, responses=refusals)
    async def stylize(form: Annotated[StylizeForm, _FORM], response: Response) -> JobDocument:
        """Paint a photo."""
        order = StylizeOrder.model_validate(_values(form, StylizeOrder))
        return await accepted("stylize", order, _uploads(form.photo, form.mask, form.painting), response)

    @app.post("/v1/compose", status_code=HTTPStatus.ACCEPTED, responses=refusals)
    async def compose(form: Annotated[ComposeForm, _FORM], response: Response) -> JobDocument:
        """Paint a photo, or a scene out of noise, and take the painting back to nature."""
        order = ComposeOrder.model_validate(_values(form, ComposeOrder))
        return await accepted("compose", order, _uploads(form.photo, form.mask, form.painting), response)

    @app.post("/v1/inpaint", status_code=HTTPStatus.ACCEPTED, responses=refusals)
    async def inpaint(form: Annotated[InpaintForm, _FORM], response: Response) -> JobDocument:
        """Fill a photo where a mask is white, or extend it."""
        order = InpaintOrder.model_validate(_values(form, InpaintOrder))
        return await accepted("inpaint", order, _uploads(form.photo, form.mask), response)

    @app.post("/v1/generate", status_code=HTTPStatus.ACCEPTED, responses=refusals)
    async def generate(order: GenerateOrder, response: Response) -> JobDocument:
        """Make scenes out of a seed."""
        return await accepted("generate", order, {}, response)


def _jobs(app: FastAPI, service: Service) -> None:
    def known(job_id: str) -> Job:
        job = service.find(job_id)
        if job is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such job: it never was, or was forgotten.")
        return job

    @app.get("/v1/jobs/{job_id}", responses=described(404, 422))
    async def job(job_id: JobId) -> JobDocument:
        """How a job is getting on."""
        return _document(service, known(job_id))

    @app.get(
        "/v1/jobs/{job_id}/events",
        responses={200: {"content": {"text/event-stream": {}}}, **described(404, 422)},
        response_class=StreamingResponse,
    )
    async def events(job_id: JobId) -> StreamingResponse:
        """The same as server-sent events of the type `job`, whenever something changes, until the job is over."""
        watched = service.watch(known(job_id), every=_SECONDS_BETWEEN_SIGNS)

        async def stream() -> AsyncIterator[str]:
            async for now in watched:
                yield f"event: job\ndata: {_document(service, now).model_dump_json()}\n\n"

        return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    @app.get(
        "/v1/jobs/{job_id}/results/{number}",
        responses={200: {"content": {kind: {} for kind in MEDIA_TYPES.values()}}, **described(404, 422)},
        response_class=FileResponse,
    )
    async def result(job_id: JobId, number: Annotated[int, InPath(ge=0, le=1000)]) -> FileResponse:
        """A picture that was made."""
        found = known(job_id)
        if number >= len(found.results):
            raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such result: ask the job what is there.")
        path = service.file(found, found.results[number])
        return FileResponse(
            path,
            media_type=MEDIA_TYPES[path.suffix],
            filename=f"{found.kind}-{found.id[:8]}-{number}{path.suffix}",
            headers={"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"},
        )

    @app.delete("/v1/jobs/{job_id}", status_code=HTTPStatus.NO_CONTENT, responses=described(404, 422))
    async def cancel(job_id: JobId) -> None:
        """Give up a job that waits or runs; forget one that is over, with its pictures."""
        service.cancel(known(job_id))


def _state(app: FastAPI, service: Service, metrics: Metrics) -> None:
    @app.get("/v1/models")
    async def models() -> ModelsDocument:
        """The models that may be named."""
        return ModelsDocument(models=[model_document(model) for model in service.catalogue])

    @app.get("/healthz", responses=described(503))
    async def health() -> HealthDocument:
        """Whether the service lives; needs no token."""
        if service.stopping:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, "The service is about to stop.")
        return HealthDocument(status="ok")

    @app.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def figures() -> Response:
        """Figures for Prometheus."""
        return Response(metrics.text(), media_type=MEDIA_TYPE)


def _describe(app: FastAPI) -> None:
    """Add problem documents and the token to what the API says of itself."""
    document = app.openapi()
    parts = document["components"]
    parts["schemas"]["Problem"] = Problem.model_json_schema()
    parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{}, {"token": []}]
    for path in document["paths"].values():
        for operation in path.values():
            # FastAPI describes its own form of a 422, which is never sent.
            if "422" in operation["responses"]:
                operation["responses"]["422"] = described(422)[422]


def _document(service: Service, job: Job) -> JobDocument:
    return job_document(job, service.position(job))


def _values(form: Order, kind: type[Order]) -> dict[str, object]:
    return {name: getattr(form, name) for name in kind.model_fields}


def _uploads(
    photo: UploadFile | None, mask: UploadFile | None, paintings: Sequence[UploadFile] = ()
) -> dict[str, BinaryIO]:
    given = {PHOTO: photo, MASK: mask}
    given |= {f"{PAINTING}{number}": painting for number, painting in enumerate(paintings, 1)}
    return {name: upload.file for name, upload in given.items() if upload is not None}
