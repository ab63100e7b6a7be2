"""Images a second of a whole StyleGAN2 training step, ours beside stylegan2-pytorch 1.9.0, on one processor thread.

In the environment that peers-scenes.md describes:

    python benchmarks/stylegan2_speed.py --rounds 4

Both learn at --size (64 px) from batches of 16, with the same channels in maps of the same size (those that the peer
computes from its `network_capacity`), latents and styles of 512 numbers and 8 mapping layers, in one process. A step is
each side's own: the peer's `Trainer.train`, and the `SceneLearner.step` that `shanshui train` calls. It covers both
players, both optimisers and the moving average; neither side augments images or reads files. Sides and kinds of step
take turns, so that a busy moment of the machine meets all of them; of each kind counts the least processor time of all
rounds but the first.

"plain" is a step without the lazy penalties. "scheduled" is the mean step with each side's own penalties at its own
intervals: ours are R1 and path length as in the recipe `stylegan2-64`; the peer's are a gradient penalty on reals and
fakes every 4 steps and, from step 5,000 on, path length every 32. The peer computes in float32, its only precision
without apex; ours is there in float32, and in bfloat16 where the processor has it. What the sides' steps do differently
is part of what is compared: ours teaches both players with the same scenes, the peer makes fresh ones for each. So is
what the networks do differently at the same width: ours are the paper's, while the peer has another convolution in each
size of its discriminator, one more size there (2 x 2), and two more convolutions at 4 x 4 in its generator. The table
says what that comes to, in parameters and in the operations of one forward pass on one image.

One thing is done in the peer's favour: the C library keeps freed memory (`scene_peers.keep_memory`), which spares it a
fifth of its time and ours nothing to speak of.
"""

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

import torch
from lightning_fabric import Fabric
from scene_peers import NEVER, draw_stylegan2, keep_memory, open_peer
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from shanshui.networks.adversaries import build_discriminator, build_generator
from shanshui.networks.discriminators.stylegan2 import StyleGAN2DiscriminatorConfig
from shanshui.networks.generators.stylegan2 import StyleGAN2Config
from shanshui.networks.precision import fast_dtype
from shanshui.recipes.scenes import STYLEGAN2_64
from shanshui.training.learners.scene import SceneLearner
from shanshui.training.learners.strategy import fitted

BATCH = 16


@dataclass(frozen=True)
class Kind:
    """A kind of step: the number of one in a training, and the share of all steps that are of this kind."""

    turn: int
    share: float


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side: a step by its number, its kinds of step, and the sizes of its generator and its discriminator."""

    step: Callable[[int], object]
    kinds: Mapping[str, Kind]
    generator: str
    discriminator: str


PEER_KINDS = {
    "plain": Kind(20_030, 3 / 4),
    "R1": Kind(20_020, 1 / 4 - 1 / 32),
    "R1 and path": Kind(20_160, 1 / 32),
}
"""Multiples of ten beyond 20,000: only there does the trainer move its average."""


def main() -> None:
    """Time all sides and print a table in markdown."""
    options = parse()
    torch.set_num_threads(1)
    keep_memory()
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        sides = {
            "stylegan2-pytorch 1.9.0, float32": their_side(options, folder),
            "shanshui, float32": our_side(options, "32-true"),
        }
        if fast_dtype(torch.device("cpu")) == torch.bfloat16:  # elsewhere it is emulated, which nobody would train with
            sides["shanshui, bfloat16"] = our_side(options, "bf16-mixed")
        report(sides, measure(sides, options.rounds))


def their_side(options: argparse.Namespace, folder: str) -> Side:
    """The peer's trainer on random images."""
    module = open_peer("stylegan2_pytorch")
    trainer = module.Trainer(
        base_dir=folder,
        image_size=options.size,
        network_capacity=options.capacity,
        batch_size=BATCH,
        save_every=NEVER,
        evaluate_every=NEVER,
    )
    trainer.init_GAN()
    trainer.loader = batches(options.size)

    def step(turn: int) -> object:
        trainer.steps = turn
        return trainer.train()

    gan = trainer.GAN
    generator = size_of(lambda: draw_stylegan2(module, gan, "last", 1), gan.S, gan.G)
    discriminator = size_of(lambda: gan.D(torch.rand(1, 3, options.size, options.size)), gan.D)
    return Side(step=step, kinds=PEER_KINDS, generator=generator, discriminator=discriminator)


def batches(size: int) -> Iterator[Tensor]:
    """The same images again and again, as tensors of their own, of which the peer asks gradients."""
    return (images.clone() for images in repeat(torch.rand(BATCH, 3, size, size)))


def our_side(options: argparse.Namespace, precision: Any) -> Side:
    """Our learner on random images, with the peer's channels."""
    config = replace(
        STYLEGAN2_64.learner,
        generator=StyleGAN2Config(width=2 * options.capacity),
        discriminator=StyleGAN2DiscriminatorConfig(channels=4 * options.capacity),
        augmentation="none",
    )
    config = fitted(config, options.size, options.size)
    fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
    learner = SceneLearner(config, seed=0, fabric=fabric)
    images = (2 * torch.rand(BATCH, 3, options.size, options.size) - 1).contiguous(memory_format=torch.channels_last)
    # Every turn with R1 is one with path length.
    path, slope = config.penalties.path_length_every, config.penalties.r1_every
    assert slope % path == 0
    kinds = {
        "plain": Kind(1, 1 - 1 / path),
        "path": Kind(path, 1 / path - 1 / slope),
        "R1 and path": Kind(slope, 1 / slope),
    }
    generator, discriminator = build_generator(config.generator), build_discriminator(config.discriminator)
    return Side(
        step=lambda turn: learner.step(images, turn * BATCH),
        kinds=kinds,
        generator=size_of(lambda: generator(torch.randn(1, config.generator.latent)), generator),
        discriminator=size_of(lambda: discriminator(images[:1]), discriminator),
    )


def size_of(forward: Callable[[], object], *networks: nn.Module) -> str:
    """Parameters of some networks together, and operations of `forward`."""
    parameters = sum(each.numel() for network in networks for each in network.parameters())
    with FlopCounterMode(display=False) as counter:
        forward()
    return f"{parameters / 1e6:.1f} M, {counter.get_total_flops() / 1e9:.2f} GFLOP"


def measure(sides: Mapping[str, Side], rounds: int) -> dict[str, dict[str, float]]:
    """Side -> kind -> least processor seconds of a step; the first round does not count."""
    least: dict[str, dict[str, float]] = {name: {} for name in sides}
    for number in range(rounds + 1):
        for place in range(3):
            for name, side in sides.items():
                kind, what = list(side.kinds.items())[place]
                start = time.process_time()
                side.step(what.turn)
                taken = time.process_time() - start
                if number > 0:
                    least[name][kind] = min(taken, least[name].get(kind, taken))
        print(f"round {number} of {rounds}", file=sys.stderr, flush=True)
    return least


def report(sides: Mapping[str, Side], least: Mapping[str, Mapping[str, float]]) -> None:
    """One row a side; ratios are to the first."""
    print("| side | generator | discriminator | plain images/s | ratio | scheduled images/s | ratio | seconds a step |")
    print("|---|---|---|---|---|---|---|---|")
    first: tuple[float, float] | None = None
    for name, side in sides.items():
        seconds = least[name]
        plain = BATCH / seconds["plain"]
        scheduled = BATCH / sum(kind.share * seconds[label] for label, kind in side.kinds.items())
        first = first or (plain, scheduled)
        each_kind = ", ".join(f"{label} {taken:.2f}" for label, taken in seconds.items())
        print(
            f"| {name} | {side.generator} | {side.discriminator} | {plain:.2f} | {plain / first[0]:.2f} "
            f"| {scheduled:.2f} | {scheduled / first[1]:.2f} | {each_kind} |"
        )


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=64, help="side of the scenes in pixels")
    parser.add_argument("--capacity", type=int, default=16, help="the peer's network_capacity; ours follows")
    parser.add_argument("--rounds", type=int, default=4)
    return parser.parse_args()


if __name__ == "__main__":
    main()
