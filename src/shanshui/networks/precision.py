"""Which number format is fastest where the result stays good."""

import functools
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch


def fast_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the hardware computes in it, float32 elsewhere.

    A processor that merely emulates bfloat16 is slower with it than with float32.
    """
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = device.type == "cpu" and _processor_has_bfloat16()
    return torch.bfloat16 if native else torch.float32


def fast_arithmetic(device: torch.device) -> AbstractContextManager[object]:
    """Autocast to `fast_dtype` where that is not float32, in which nothing has to be cast."""
    dtype = fast_dtype(device)
    return nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype=dtype)


@functools.cache
def _processor_has_bfloat16() -> bool:
    """Whether Linux lists the instructions; other systems do not tell and count as not having them."""
    try:
        description = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(description.split())
