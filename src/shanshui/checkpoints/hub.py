"""The Hugging Face hub: models fetched from it and given to it, and every failure as one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from huggingface_hub import CommitOperationAdd, HfApi, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
    RepositoryNotFoundError,
)

from shanshui.errors import ModelError

WEIGHTS, CARD = "model.safetensors", "README.md"
"""What a model is on the hub."""

LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"

# The client's own base of all errors, whichever library it makes its requests with, has no public name.
_TRANSPORT: type[Exception] = cast(type[Exception], HfHubHTTPError.__bases__[0])
_REFUSALS = (401, 403)


def fetched(repository: str, file: str) -> Path:
    """A file of a repository, from the cache where it is the newest, or where there is no connection.

    Raises:
        ModelError: the hub does not know it, does not give it, or cannot be reached.
    """
    with _sentences(repository, file):
        return Path(hf_hub_download(repository, file))


def kept(repository: str, file: str) -> Path | None:
    """The same from the cache alone; None where it is not there."""
    try:
        return Path(hf_hub_download(repository, file, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None


def given(repository: str, weights: Path, card: str, *, private: bool = False, message: str) -> str:
    """Put a model into a repository, which is made where there is none, in one commit.

    Args:
        repository: `owner/name`.
        weights: a snapshot.
        card: the README.
        private: of a repository that is made: show it to nobody else.
        message: of the commit.

    Returns:
        the address of the repository.

    Raises:
        ModelError: the hub does not take it, or cannot be reached.
    """
    hub = HfApi()
    with _sentences(repository, None):
        address = hub.create_repo(repository, private=private, exist_ok=True)
        hub.create_commit(
            repository,
            [
                CommitOperationAdd(WEIGHTS, weights),
                CommitOperationAdd(CARD, card.encode("utf-8")),
            ],
            commit_message=message,
        )
    return str(address)


@contextmanager
def _sentences(repository: str, file: str | None) -> Iterator[None]:
    """Errors of the client as sentences: about fetching `file`, or, for None, about giving."""
    try:
        yield
    except (HFValidationError, EntryNotFoundError, _TRANSPORT, OSError) as error:
        raise ModelError(_sentence(error, repository, file)) from error
    except RuntimeError as error:  # around what went wrong with a single file
        raise ModelError(_sentence(error.__cause__ or error, repository, file)) from error


def _sentence(error: BaseException, repository: str, file: str | None) -> str:
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    match error:
        case HFValidationError():
            return f"{repository!r} is no name of a model on the hub: write owner/name."
        case GatedRepoError():
            return f"The hub gives {repository} to those only who asked for it on its page: ask there, and {LOG_IN}."
        case LocalEntryNotFoundError():
            return f"{repository}/{file} was not fetched yet, and the hub cannot be reached: check the connection."
        case LocalTokenNotFoundError():
            return f"The hub wants to know who writes to {repository}: {LOG_IN}."
        case HfHubHTTPError() if file is None and status in _REFUSALS:
            return f"The hub does not let you write to {repository}: {LOG_IN} to a token that may."
        case RepositoryNotFoundError():
            return f"The hub has no model {repository}, or does not show it to you: check the name, or {LOG_IN}."
        case EntryNotFoundError():
            return f"{repository} on the hub holds no {file}: check the name."
        case HfHubHTTPError():
            return f"The hub did not do what was asked of it for {repository} (error {status}): try again later."
    return f"The hub cannot be reached for {repository}: check the connection."
