"""Does `torch.compile` pay? Whole training steps with compiled networks against the same steps without.

    python benchmarks/compile_speed.py --recipes dcgan-64 projected-64 stylegan2-64

Each recipe's generator is compiled (and its discriminator, where no penalty differentiates it twice, which a compiled
network does not allow); then steps are timed in turn, in processor time on one thread, and the best of some rounds
counts. Prints seconds until the first steps are done and the ratio of images a second, in markdown.
"""

import argparse
import logging
import time

import torch
from lightning_fabric import Fabric

from shanshui.networks.discriminators.projected import ProjectedConfig
from shanshui.recipes.scenes import SCENE_RECIPES
from shanshui.training.learners.scene import SceneLearner
from shanshui.training.learners.strategy import SceneConfig, fitted

ROUNDS = 5


def main() -> None:
    """One row a recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=["dcgan-64", "projected-64", "stylegan2-64"])
    parser.add_argument("--precision", default="bf16-mixed", choices=["32-true", "bf16-mixed"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    print("| recipe | compiled | eager images/s | compiled images/s | ratio | start, s |\n|---|---|---|---|---|---|")
    for name in options.recipes:
        print(row(name, options.precision), flush=True)


def row(name: str, precision: str) -> str:
    """One line of the table."""
    recipe = SCENE_RECIPES[name]
    side = int(recipe.size)
    config = fitted(recipe.learner, side, side)
    eager, compiled = learner(config, precision), learner(config, precision)
    what = ["generator"]
    compiled._bare_generator.compile()
    # A compiled spectral norm overwrites what the gradient of an earlier pass through it needs.
    if not config.penalties.of_slopes and not isinstance(config.discriminator, ProjectedConfig):
        compiled._bare_discriminator.compile()
        what.append("discriminator")
    began = time.perf_counter()
    steps = max(config.penalties.r1_every, 4)
    batch = torch.rand(recipe.settings.batch_size, 3, side, side) * 2 - 1
    rates = {eager: 0.0, compiled: 0.0}
    rate(eager, batch, 1)
    rate(compiled, batch, steps)
    start = time.perf_counter() - began
    for _ in range(ROUNDS):
        for one in rates:
            rates[one] = max(rates[one], rate(one, batch, steps))
    before, after = rates.values()
    return f"| {name} | {' and '.join(what)} | {before:.1f} | {after:.1f} | {after / before:.2f} | {start:.0f} |"


def learner(config: SceneConfig, precision: str) -> SceneLearner:
    """A learner on one core."""
    fabric = Fabric(accelerator="cpu", devices=1, precision=precision)  # type: ignore[arg-type]
    return SceneLearner(config, seed=0, fabric=fabric)


def rate(one: SceneLearner, batch: torch.Tensor, steps: int) -> float:
    """Images per second of processor time."""
    began = time.process_time()
    for step in range(steps):
        one.step(batch, step * len(batch))
    return steps * len(batch) / (time.process_time() - began)


if __name__ == "__main__":
    main()
