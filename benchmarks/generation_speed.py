"""Scenes a second, ours beside the peers' generators, on one processor thread.

In the environment that peers-scenes.md describes:

    python benchmarks/generation_speed.py --rounds 6

StyleGAN2 has the same channels, latents and mapping in ours and in stylegan2-pytorch 1.9.0 (see stylegan2_speed.py);
FastGAN-lite as the model `landscape` has it stands beside lightweight-gan 1.2.1 with its own defaults, which are
another network for the same purpose. All have random weights and draw --count scenes at once without gradients; they
take turns, and of each counts the least processor time of all rounds but the first. Prints one row each in markdown.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping

import torch
from scene_peers import NEVER, draw_lightweight, draw_stylegan2, keep_memory, open_peer
from torch import Tensor

from shanshui.networks.adversaries import fit_generator
from shanshui.networks.generators.fastgan import FastGAN, FastGANConfig
from shanshui.networks.generators.stylegan2 import StyleGAN2, StyleGAN2Config
from shanshui.networks.precision import fast_dtype

Draw = Callable[[], Tensor]


def main() -> None:
    """Draw, and print the table; a ratio is to the row above it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=6)
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_memory()
    print("| side | generator | scenes/s | ratio |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        for side in (64, 256):
            compare(side, pair(side, folder, options.count), options)
        compare(128, small_pair(128, folder, options.count), options)
        compare(256, small_pair(256, folder, options.count), options)


def compare(side: int, makers: Mapping[str, Draw], options: argparse.Namespace) -> None:
    """Rows of two makers at one size."""
    least: dict[str, float] = {}
    for number in range(options.rounds + 1):
        for name, draw in makers.items():
            start = time.process_time()
            scenes = draw()
            taken = time.process_time() - start
            assert scenes.shape == (options.count, 3, side, side)
            if number > 0:
                least[name] = min(taken, least.get(name, taken))
    first = next(iter(least.values()))
    for name, taken in least.items():
        print(f"| {side} | {name} | {options.count / taken:.2f} | {first / taken:.2f} |", flush=True)


def pair(side: int, folder: str, count: int) -> Mapping[str, Draw]:
    """StyleGAN2, theirs and ours."""
    module = open_peer("stylegan2_pytorch")
    trainer = module.Trainer(
        base_dir=folder, image_size=side, network_capacity=16, batch_size=2, save_every=NEVER, evaluate_every=NEVER
    )
    trainer.init_GAN()
    gan = trainer.GAN.eval()
    config = fit_generator(StyleGAN2Config(width=32), side, side)
    assert isinstance(config, StyleGAN2Config)
    return {
        "stylegan2-pytorch 1.9.0": lambda: draw_stylegan2(module, gan, "last", count),
        "shanshui, StyleGAN2": ours(StyleGAN2(config), count),
    }


def small_pair(side: int, folder: str, count: int) -> Mapping[str, Draw]:
    """FastGAN and its like."""
    module = open_peer("lightweight_gan")
    gan = module.LightweightGAN(image_size=side, optimizer="adam", latent_dim=128).eval()
    config = fit_generator(FastGANConfig(), side, side)
    assert isinstance(config, FastGANConfig)
    return {
        "lightweight-gan 1.2.1": lambda: draw_lightweight(module, gan, "last", count),
        "shanshui, as `landscape`": ours(FastGAN(config).plain(), count),
    }


def ours(network: StyleGAN2 | FastGAN, count: int) -> Draw:
    """As the pipelines draw: in the number format that is fastest here."""
    dtype = fast_dtype(torch.device("cpu"))
    ready = network.eval().to(dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return lambda: ready.sample(ready.draw_latents(count, torch.Generator().manual_seed(0)).to(dtype))


if __name__ == "__main__":
    main()
