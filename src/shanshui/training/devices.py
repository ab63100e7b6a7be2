"""Where training computes, and in which precision."""

from typing import Literal

import torch
from lightning_fabric import Fabric

from shanshui.networks.precision import fast_dtype

PrecisionName = Literal["auto", "32-true", "bf16-mixed"]


def start_fabric(device: torch.device, precision: PrecisionName) -> Fabric:
    """A launched Fabric on one device; `auto` precision takes bf16 where the device computes it natively."""
    native = fast_dtype(device) == torch.bfloat16
    chosen = precision if precision != "auto" else ("bf16-mixed" if native else "32-true")
    index = [device.index or 0] if device.type == "cuda" else 1
    fabric = Fabric(accelerator=device.type, devices=index, precision=chosen)
    fabric.launch()
    return fabric
