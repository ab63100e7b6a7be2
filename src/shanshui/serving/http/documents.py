"""What the API answers with."""

from pydantic import BaseModel, ConfigDict

from shanshui.serving.jobs.catalogue import Model
from shanshui.serving.jobs.job import Job, State
from shanshui.serving.jobs.orders import Kind

MEDIA_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".tif": "image/tiff",
}


class Document(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class ResultDocument(Document):
    """A picture that was made."""

    url: str
    """Where to get it."""
    width: int
    height: int
    bytes: int


class JobDocument(Document):
    """How a job is getting on."""

    id: str
    kind: Kind
    state: State
    model: str
    position: int | None
    """1 is next; null unless it waits."""
    done: int
    """Pictures that are finished ..."""
    total: int
    """... of so many."""
    attempts: int
    """How often it was begun; more than 1 after the loss of a process."""
    created: float
    """Seconds since 1970."""
    started: float | None
    ended: float | None
    error: str | None
    """Why it failed."""
    results: list[ResultDocument]


class ModelDocument(Document):
    """A model that may be named."""

    name: str
    role: str
    architecture: str
    styles: list[str]
    """The styles that it knows by name."""
    takes_paintings: bool
    licence: str
    card: str
    """The model card, in Markdown."""


class ModelsDocument(Document):
    """All models."""

    models: list[ModelDocument]


class HealthDocument(Document):
    """That the service lives."""

    status: str


def job_document(job: Job, position: int | None) -> JobDocument:
    """What is told of a job: nothing of its folder."""
    results = [
        ResultDocument(
            url=f"/v1/jobs/{job.id}/results/{number}", width=result.width, height=result.height, bytes=result.bytes
        )
        for number, result in enumerate(job.results)
    ]
    known = job.model_dump(include=set(JobDocument.model_fields) - {"results", "position"})
    return JobDocument(**known, position=position, results=results)


def model_document(model: Model) -> ModelDocument:
    """What is told of a model: not where it lies."""
    return ModelDocument(
        name=model.name,
        role=model.header.role,
        architecture=model.header.architecture,
        styles=list(model.styles),
        takes_paintings=model.takes_paintings,
        licence=str(model.header.card.get("licence", "unknown")),
        card=model.card,
    )
