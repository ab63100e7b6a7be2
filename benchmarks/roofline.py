"""What a training step computes and moves, and how fast a GPU could be at it: a roofline on paper.

    python benchmarks/roofline.py --recipes projected-64 projected-256 stylegan2-256 fastgan-256 r3gan-256

Operations and bytes are counted, not estimated: whole steps of `SceneLearner` run here, on 2 and on 4 random images,
under a dispatcher that sees every operation of PyTorch, forward, backward and twice backward; the difference is what an
image costs, the rest (weights, optimisers) is shared by the images of the recipe's batch. Operations are those of
convolutions and matrix products (a product and a sum are two). Bytes are what each operation reads and writes, without
anything fused or cached, in float32; in bfloat16 they are half of that. All steps of one turn of the recipe's intervals
are counted, the lazy penalties where they fall.

The roof is an H200's: 989 Tflop/s of dense bfloat16 and 4.8 TB/s (NVIDIA's data sheet, 2024). A step is bound by what
takes longer. Real kernels reach a part of that: the table says what no tuning can exceed, and that all of these steps
are bound by memory, so what is worth doing is fusing (`torch.compile`), bfloat16, channels-last and sharing of passes.
"""

import argparse
from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from shanshui.commands.options import parse_size
from shanshui.recipes.scenes import SCENE_RECIPES
from shanshui.training.learners.scene import SceneLearner
from shanshui.training.learners.strategy import fitted

OPERATIONS, BYTES = 989e12, 4.8e12
FEW = 2, 4
_VIEWS = ("view", "_unsafe_view", "transpose", "permute", "expand", "slice", "select", "detach", "t", "as_strided")


@dataclass
class Counted:
    """Of one step."""

    operations: float = 0.0
    bytes: float = 0.0


class Counting(TorchDispatchMode):
    """Counts the arithmetic of all operations, and the bytes of all tensors that they take and give.

    `FlopCounterMode` knows the formulas, but its hooks do not allow gradients of leaves.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.counted = Counted()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result, kind = func(*args, **kwargs), func.overloadpacket
        if kind in flop_registry:
            self.counted.operations += flop_registry[kind](*args, **kwargs, out_val=result)
        if kind.__name__ not in _VIEWS:
            moved = [each for each in tree_leaves((args, kwargs, result)) if isinstance(each, Tensor)]
            self.counted.bytes += sum(each.numel() * each.element_size() for each in moved)
        return result


def main() -> None:
    """Count, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=list(SCENE_RECIPES))
    options = parser.parse_args()
    print("| recipe | Gflop an image | MB an image, bf16 | flop a byte | bound by | images/s at the roof |")
    print("|---|---|---|---|---|---|")
    for name in options.recipes:
        print(row(name), flush=True)


def row(name: str) -> str:
    """One recipe."""
    few, more = (mean_step(name, batch) for batch in FEW)
    batch = SCENE_RECIPES[name].settings.batch_size
    operations = per_image(few.operations, more.operations, batch)
    moved = per_image(few.bytes, more.bytes, batch) / 2
    seconds = {"arithmetic": operations / OPERATIONS, "memory": moved / BYTES}
    bound = max(seconds, key=lambda each: seconds[each])
    return (
        f"| `{name}` | {operations / 1e9:.1f} | {moved / 1e6:.0f} | {operations / moved:.0f} | {bound} "
        f"| {1 / seconds[bound]:,.0f} |"
    )


def per_image(few: float, more: float, batch: int) -> float:
    """Of a batch, from what the two small ones cost."""
    slope = (more - few) / (FEW[1] - FEW[0])
    return slope + (few - slope * FEW[0]) / batch


def mean_step(name: str, batch: int) -> Counted:
    """Of the steps of one turn of the longest interval, whose lazy penalties come at the intervals of the recipe."""
    recipe = SCENE_RECIPES[name]
    height, width = parse_size(recipe.size)
    learner = SceneLearner(
        fitted(recipe.learner, height, width), seed=0, fabric=Fabric(accelerator="cpu", devices=1, precision="32-true")
    )
    images = torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1
    penalties = recipe.learner.penalties
    turns = max(penalties.r1_every, penalties.r2_every, penalties.path_length_every, recipe.learner.critic_steps)
    lazy = penalties.r1 + penalties.r2 + penalties.path_length > 0 or recipe.learner.critic_steps > 1
    total = Counted()
    steps = turns if lazy else 1
    for turn in range(steps):
        with Counting() as counting:
            learner.step(images, turn * batch)
        one = counting.counted
        total = Counted(total.operations + one.operations / steps, total.bytes + one.bytes / steps)
    return total


if __name__ == "__main__":
    main()
