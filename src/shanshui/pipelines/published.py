"""Pipelines whose model can be given to others."""

from pathlib import Path
from typing import Self

from shanshui.checkpoints.sharing import share
from shanshui.errors import ModelError


class Published:
    """A pipeline that remembers which file its network came from.

    Attributes:
        snapshot: the file; None for a network that was made in memory.
    """

    snapshot: Path | None = None

    def push_to_hub(self, repository: str, *, private: bool = False) -> str:
        """Put the model, with its card as the README, into a repository of the Hugging Face hub.

        Args:
            repository: `owner/name`; it is made where there is none.
            private: show a repository that is made to nobody else.

        Returns:
            the address of the repository, whose name `from_pretrained` takes.

        Raises:
            ModelError: the network was not loaded from a snapshot, or the hub does not take it.
        """
        if self.snapshot is None:
            raise ModelError(
                "This pipeline was made of a network in memory, which has no card: save a snapshot of it and load that."
            )
        return share(repository, self.snapshot, private=private)

    def _from(self, snapshot: Path | None) -> Self:
        self.snapshot = snapshot
        return self
