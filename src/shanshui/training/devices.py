"""Where training computes, in which precision, and in how many processes."""

import os
from datetime import timedelta
from typing import Any, Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import distributed, nn
from torch.distributed import is_torchelastic_launched
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from shanshui.errors import ConfigError
from shanshui.networks.precision import fast_dtype

PrecisionName = Literal["auto", "32-true", "bf16-mixed"]

_PATIENCE = timedelta(hours=2)
"""How long the others wait while the first process judges and writes."""


class Replicas(DDPStrategy):
    """Processes that Fabric launches and connects as for DDP, with networks as they are: `Crew` says why."""

    def setup_environment(self) -> None:
        """Connect the processes.

        Under torchrun in the name of the attempt: its usual rendezvous still knows the addresses of the one before.
        """
        if is_torchelastic_launched() and not distributed.is_initialized():
            store, rank, processes = next(rendezvous("env://"))
            distributed.init_process_group(
                distributed.get_default_backend_for_device(self.root_device),
                store=PrefixStore(f"attempt {os.environ['TORCHELASTIC_RESTART_COUNT']}", store),
                rank=rank,
                world_size=processes,
                timeout=_PATIENCE,
            )
        super().setup_environment()

    def setup_module(self, module: nn.Module) -> Any:
        """`module`, not wrapped."""
        return module


def start_fabric(device: torch.device, precision: PrecisionName) -> Fabric:
    """A launched Fabric on one device for each process of torchrun or SLURM, or on `device` for a single one.

    `auto` precision takes bf16 where the device computes it natively.

    Raises:
        ConfigError: there are more processes on this machine than devices.
    """
    native = fast_dtype(device) == torch.bfloat16
    chosen = precision if precision != "auto" else ("bf16-mixed" if native else "32-true")
    here, machines = _processes()
    if here * machines == 1:
        index = [device.index or 0] if device.type == "cuda" else 1
        fabric = Fabric(accelerator=device.type, devices=index, precision=chosen)
    else:
        if device.type == "cuda" and here > torch.cuda.device_count():
            raise ConfigError(
                f"{here} processes on a machine with {torch.cuda.device_count()} GPUs cannot have one each: start "
                "fewer, or add --device cpu."
            )
        fabric = Fabric(
            accelerator=device.type,
            devices=here,
            num_nodes=machines,
            strategy=Replicas(timeout=_PATIENCE),
            precision=chosen,
        )
    fabric.launch()
    return fabric


def launched() -> bool:
    """Whether a launcher started this process, which repeats its command after a fault."""
    return is_torchelastic_launched() or "SLURM_STEP_NUM_TASKS" in os.environ


def _processes() -> tuple[int, int]:
    """How many processes of this training there are on each machine, and how many machines."""
    if is_torchelastic_launched():
        here, everywhere = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["WORLD_SIZE"])
    else:
        everywhere = int(os.environ.get("SLURM_STEP_NUM_TASKS", "1"))  # of `srun` alone, not of a script around it
        here = everywhere // int(os.environ.get("SLURM_STEP_NUM_NODES", "1"))
    return here, everywhere // here
