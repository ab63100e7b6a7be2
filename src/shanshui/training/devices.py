"""Where training computes, and in which precision."""

from typing import Literal

import torch
from lightning_fabric import Fabric

PrecisionName = Literal["auto", "32-true", "bf16-mixed"]


def start_fabric(device: torch.device, precision: PrecisionName) -> Fabric:
    """A launched Fabric on one device; `auto` precision takes bf16 where the device computes it natively."""
    chosen = precision if precision != "auto" else ("bf16-mixed" if has_fast_bf16(device) else "32-true")
    index = [device.index or 0] if device.type == "cuda" else 1
    fabric = Fabric(accelerator=device.type, devices=index, precision=chosen)
    fabric.launch()
    return fabric


def has_fast_bf16(device: torch.device) -> bool:
    """True where bf16 arithmetic is in hardware: elsewhere it is emulated and slower than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        abilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        return bool(abilities.get("avx512_bf16") or abilities.get("amx_bf16") or abilities.get("bf16"))
    return False
