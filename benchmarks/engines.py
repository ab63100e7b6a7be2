"""PyTorch beside onnxruntime for every registered network that makes pictures: how alike, and how fast.

    python benchmarks/engines.py                      # all of them: minutes, most of which the exporter takes
    python benchmarks/engines.py --only dcgan fastgan

Each network is built as its configuration has it by default, with random weights, saved as a snapshot and exported as
`shanshui export` does it, which also compares the graph with PyTorch. Both engines then make the same picture on one
processor thread in float32: photos of 256 x 256, scenes and fills of the network's own size. PyTorch computes in
channels-last memory, as the pipelines have it. The engines take turns, so that a busy moment of the machine meets both;
of each counts the least processor time of all rounds but the first. PyTorch's pipelines are faster than this where the
processor has bf16, which graphs do not use.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from shanshui.checkpoints.registry import ARCHITECTURES, build
from shanshui.checkpoints.weights import load_snapshot, save_snapshot
from shanshui.networks.graphs import Graph, graph_of
from shanshui.serving.onnx import export, run, session_of

SIDE = 256
STYLES = {"styles": ["day", "night"]}
CONFIGS: Mapping[str, Mapping[str, Any]] = {
    "feedforward-stylizer": STYLES,
    "light-translator": {"style": "night"},
    "resnet-translator": {"style": "night"},
    "joint-pipeline": {"stylizer": STYLES, "composer": {}},
}
"""What has no default."""

PICTURES = [name for name, each in ARCHITECTURES.items() if each.role != "zone segmenter"]


def main() -> None:
    """Export and time the networks, and print a table in markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PICTURES, default=PICTURES)
    parser.add_argument("--rounds", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| network | parameters | graph | largest difference | PyTorch | onnxruntime | ratio |")
    print("|---|---|---|---|---|---|---|")
    for name in options.only:
        print(row(name, options.rounds), flush=True)


def row(name: str, rounds: int) -> str:
    """One network's line of the table."""
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        snapshot, path = Path(folder) / f"{name}.safetensors", Path(folder) / f"{name}.onnx"
        save_snapshot(snapshot, moved(build(name, CONFIGS.get(name, {}))), {})
        written = export(snapshot, path)
        session = session_of(path)
        network, _ = load_snapshot(snapshot)
    graph = graph_of(network)
    inputs = enlarged(graph)
    module = graph.module.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    with torch.inference_mode():
        ours, theirs = turns([lambda: module(*inputs), lambda: run(session, inputs)], rounds)
        apart = (module(*inputs) - run(session, inputs)).abs().max().item()
    count = sum(parameter.numel() for parameter in network.parameters())
    return (
        f"| {name} | {count / 1e6:.2f} M | {written.size / 1e6:.1f} MB | {max(apart, written.difference):.1e} | "
        f"{1e3 * ours:.0f} ms | {1e3 * theirs:.0f} ms | {ours / theirs:.2f} |"
    )


def moved(network: nn.Module) -> nn.Module:
    """The network with styles that differ and last layers that do something, which untrained ones leave at zero."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith(("gamma", "beta", "to_rgb.weight", "strokes.weight")):
                parameter.add_(0.1 * torch.randn_like(parameter))
    return network.eval()


def enlarged(graph: Graph) -> tuple[torch.Tensor, ...]:
    """The graph's example, with images of `SIDE` where sides may vary."""
    random = torch.Generator().manual_seed(1)
    return tuple(
        torch.rand(1, 3, SIDE, SIDE, generator=random) if index in graph.images else each
        for index, each in enumerate(graph.example)
    )


def turns(works: list[Callable[[], object]], rounds: int) -> list[float]:
    """Least processor seconds of each, which take turns."""
    least = [float("inf")] * len(works)
    for turn in range(rounds + 1):
        for index, work in enumerate(works):
            began = time.process_time()
            work()
            if turn > 0:
                least[index] = min(least[index], time.process_time() - began)
    return least


if __name__ == "__main__":
    main()
