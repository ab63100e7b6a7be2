"""The processes of one training: the first one writes, judges and decides, and all of them learn the same.

Fabric finds out who they are (torchrun, SLURM) and connects them. Networks are not wrapped for it: gradients are
averaged once, before an optimiser's step (`update`), which is as exact for penalties that are differentiated twice and
for networks that are called several times as for anything else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import torch
from lightning_fabric import Fabric
from torch import Tensor, distributed

from shanshui.errors import ConfigError
from shanshui.together import Share, lost_processes

News = TypeVar("News")


@dataclass(frozen=True)
class Crew:
    """Who learns together; a single process unless told otherwise.

    Attributes:
        rank: of this process.
        processes: how many there are.
        device: of this process.
    """

    rank: int = 0
    processes: int = 1
    device: torch.device = torch.device("cpu")  # noqa: RUF009 - a device is immutable

    @classmethod
    def of(cls, fabric: Fabric) -> "Crew":
        """Those that `fabric` has connected."""
        return cls(fabric.global_rank, fabric.world_size, fabric.device)

    @property
    def leads(self) -> bool:
        """Whether this process writes, judges and prints."""
        return self.rank == 0

    def share(self, batch_size: int, block: int) -> Share:
        """This process's part of each batch of `batch_size` images, of which `block` at a time stay together.

        Raises:
            ConfigError: the batch cannot be divided among the processes.
        """
        if self.processes > 1 and batch_size % (self.processes * block):
            raise ConfigError(
                f"A batch of {batch_size} images cannot be divided among {self.processes} processes: give a "
                f"--batch-size that is a multiple of {self.processes * block}."
            )
        return Share(rank=self.rank, processes=self.processes, block=block)

    def agreed(self, reason: str | None) -> str | None:
        """The first reason that a process has to end, for all; every process asks at the same time."""
        if self.processes == 1:
            return reason
        with lost_processes():
            any_reason = torch.tensor(float(reason is not None), device=self.device)
            distributed.all_reduce(any_reason)  # cheap: this is asked at every step
            if not any_reason:
                return None
            reasons: list[str | None] = [None] * self.processes
            distributed.all_gather_object(reasons, reason)
        return next(filter(None, reasons))

    def heard(self, news: News) -> News:
        """What the first process says; every process comes here at the same time."""
        if self.processes == 1:
            return news
        told = [news]
        with lost_processes():
            distributed.broadcast_object_list(told, device=self.device)
        return told[0]

    def part(self) -> None:
        """Disconnect; every process comes here at the end, when all is written."""
        if self.processes == 1:
            return
        with lost_processes():
            distributed.barrier()
            distributed.destroy_process_group()

    def means(self, terms: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Each term's mean over all processes."""
        if self.processes == 1:
            return terms
        values = torch.stack([term.detach().float().to(self.device) for term in terms.values()])
        with lost_processes():
            distributed.all_reduce(values)
        return dict(zip(terms, values / self.processes, strict=True))
