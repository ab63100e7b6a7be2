"""Train lightweight-gan 1.2.1 or stylegan2-pytorch 1.9.0 on a processor, and write what it makes: peers of recipes.py.

In the environment that peers-scenes.md describes:

    python benchmarks/scene_peers.py --peer lightweight-gan --photos photos.zip/train --out runs/peers/lightweight-gan \
        --minutes 20

The peer learns with its own `Trainer`, network by network and step by step as published, on one thread, until its steps
have used so many minutes of processor time; only its steps count, and neither imports nor the preparation of the
photographs, which are brought to --size before (largest centred crop, antialiased). Then 598 scenes of the averaged
generator go to OUT/average and as many of the generator as it is to OUT/last, PNG both, for `shanshui evaluate` to
judge; OUT/peer.json says how many images were seen and how many parameters learned. A call that was stopped goes on
where it last kept its state (every --keep-every seconds); a later call with more --minutes goes on, too.

What is done for the peers, from outside and without a change to their files:

- Both refuse to start without CUDA. While they are imported, CUDA is said to be there; `.cuda()` then does nothing, and
  `torch.device("cuda:0")` in lightweight-gan's trainer is the processor.
- Where torchvision's compiled part does not load, `metric_peers.admit_torchvision` lets its Python be imported.
  stylegan2-pytorch imports the experiment tracker aim and uses it only when told to: an empty module takes its place.
- Both begin to average the generator after 20,000 steps, which no processor reaches in minutes, and would judge a copy
  from step 2. Here their own `EMA()` is called after each step, with their decay of 0.995 (200 steps) and a start
  that forgets its first steps; their trainers' resets of the average are left out.
- Nothing is saved or drawn by their trainers while the clock runs.

What is chosen, in the peers' favour. At their default widths a step of 16 images took some 10 s of processor time
(stylegan2-pytorch), and the first one a minute (lightweight-gan): 20 minutes would be a hundred steps. Therefore

- stylegan2-pytorch has maps of 128 channels at the most, as our `stylegan2-64`, and in its discriminator 16 at 64 px,
  as ours (`network_capacity` 4); its program builds the average without that bound, so the bound becomes the default of
  its `Generator`. Batches of 16, as ours.
- lightweight-gan has a quarter of its channels (`fmap_inverse_coef` 10), latents of 128 numbers and its own batch of 4:
  what is left is mostly the attention in its discriminator, which has no setting, and a bigger batch would leave a
  hundred steps.
- Both take no gradient accumulation (their command lines have 4 and 6 batches a step), their own DiffAugment with the
  probability that they find for the size of the data set, and every other setting as their `Trainer` has it.
- The C library keeps memory that is freed (`keep_memory`).
"""

import argparse
import ctypes
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import torch
from metric_peers import admit_torchvision
from PIL import Image
from torch import Tensor, nn

from shanshui.evaluation.stills import stills
from shanshui.images.pixels import to_pixels
from shanshui.scenes.sources import open_source

NEVER = 1_000_000_000
DECAY = 0.995
"""Of the averages of both peers, each step."""

WIDEST = 128
"""Channels of a map in stylegan2-pytorch at the most, as in our stylegan2-64."""

SCENES_AT_ONCE = 16


class ProcessorTorch(ModuleType):
    """`torch`, but every device is the processor."""

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)

    @staticmethod
    def device(_: str) -> torch.device:
        """The processor, whatever was asked for."""
        return torch.device("cpu")


def open_peer(package: str) -> ModuleType:
    """The module of a peer that holds its networks and its trainer, ready for a processor.

    Args:
        package: "lightweight_gan" or "stylegan2_pytorch".
    """
    admit_torchvision()
    sys.modules.setdefault("aim", ModuleType("aim"))
    for kind in (Tensor, nn.Module):
        kind.cuda = lambda self, *_: self  # type: ignore[method-assign]
    with patch.object(torch.cuda, "is_available", return_value=True):
        module = import_module(f"{package}.{package}")
    module.torch = ProcessorTorch("torch")  # type: ignore[attr-defined]
    return module


def keep_memory() -> None:
    """Tell the C library to keep freed memory: giving it back and asking again is half of lightweight-gan's time."""
    most_mapped, trim_threshold = -4, -1  # M_MMAP_MAX, M_TRIM_THRESHOLD of malloc.h
    library = ctypes.CDLL(None)
    library.mallopt(most_mapped, 0)
    library.mallopt(trim_threshold, -1)


def draw_lightweight(module: ModuleType, gan: Any, generator: str, count: int) -> Tensor:
    """`count` scenes in [0, 1] of lightweight-gan's generator: `average` or `last`."""
    network = {"average": gan.GE, "last": gan.G}[generator]
    scenes: Tensor = network(torch.randn(count, gan.latent_dim))
    return scenes


def draw_stylegan2(module: ModuleType, gan: Any, generator: str, count: int) -> Tensor:
    """`count` scenes in [0, 1] of stylegan2-pytorch's generator, without truncation."""
    mapping, network = {"average": (gan.SE, gan.GE), "last": (gan.S, gan.G)}[generator]
    latents = module.noise_list(count, network.num_layers, network.latent_dim, device=0)
    styles = module.styles_def_to_tensor(module.latent_to_w(mapping, latents))
    scenes: Tensor = network(styles, module.image_noise(count, network.image_size, device=0))
    return scenes


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One peer: where it is, what its trainer is told, and how it draws."""

    package: str
    draw: Callable[[ModuleType, Any, str, int], Tensor]
    settings: Mapping[str, Any]


PEERS = {
    "lightweight-gan": Peer(
        package="lightweight_gan",
        draw=draw_lightweight,
        settings={"batch_size": 4, "latent_dim": 128, "fmap_max": 256, "fmap_inverse_coef": 10, "use_aim": False},
    ),
    "stylegan2-pytorch": Peer(
        package="stylegan2_pytorch",
        draw=draw_stylegan2,
        settings={"batch_size": 16, "network_capacity": 4, "fmap_max": WIDEST},
    ),
}


class Training:
    """A peer's trainer, the average that it would begin too late, and the processor time of its steps."""

    def __init__(self, trainer: Any, folder: Path) -> None:
        """Networks as the peer initialises them, or as they were when `folder` was last written to."""
        self.trainer, self._file = trainer, folder / "state.pt"
        self.seconds = 0.0
        trainer.init_GAN()
        self.gan = trainer.GAN
        # What the trainer does at its own pace is done here, or not at all while the clock runs.
        trainer.save = trainer.evaluate = lambda *_, **__: None
        self._average = self.gan.EMA
        self.gan.reset_parameter_averaging = lambda: None
        if self._file.exists():
            self._load()

    @property
    def images_seen(self) -> int:
        """Photographs that the discriminator has seen."""
        return int(self.trainer.steps * self.trainer.batch_size)

    def run(self, budget: float, keep_every: float) -> None:
        """Learn until `budget` processor seconds are used, those of earlier calls included."""
        kept = self.seconds
        while self.seconds < budget:
            start = time.process_time()
            self.trainer.train()
            self.gan.ema_updater.beta = min(DECAY, (1 + self.trainer.steps) / (10 + self.trainer.steps))
            self._average()
            self.seconds += time.process_time() - start
            if self.seconds - kept >= keep_every or self.seconds >= budget:
                self._save()
                kept = self.seconds
                print(f"{self.images_seen} images, {self.seconds:.0f} s", flush=True)

    def _save(self) -> None:
        state = {
            "networks": self.gan.state_dict(),
            "optimizers": [self.gan.G_opt.state_dict(), self.gan.D_opt.state_dict()],
            "steps": self.trainer.steps,
            "seconds": self.seconds,
        }
        fresh = self._file.with_suffix(".new")
        torch.save(state, fresh)
        fresh.replace(self._file)

    def _load(self) -> None:
        state = torch.load(self._file, weights_only=True)
        self.gan.load_state_dict(state["networks"])
        for optimizer, kept in zip((self.gan.G_opt, self.gan.D_opt), state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.trainer.steps, self.seconds = state["steps"], state["seconds"]


def main() -> None:
    """Prepare, learn, draw."""
    options = parse()
    torch.set_num_threads(1)
    keep_memory()
    random.seed(options.seed)
    torch.manual_seed(options.seed)
    peer = PEERS[options.peer]
    module = open_peer(peer.package)
    photos = prepare(options.photos, options.out / "photos", options.size)
    if peer.package == "stylegan2_pytorch":
        # Its average is built without `fmap_max`, so that only the default width would work.
        module.Generator = partial(module.Generator, fmap_max=WIDEST)  # type: ignore[attr-defined]
    trainer = module.Trainer(
        **peer.settings,
        aug_prob=None,
        base_dir=options.out,
        image_size=options.size,
        num_workers=0,
        save_every=NEVER,
        evaluate_every=NEVER,
    )
    trainer.set_data_src(str(photos))
    training = Training(trainer, options.out)
    training.run(60 * options.minutes, options.keep_every)
    training.gan.eval()
    for generator in ("average", "last"):
        torch.manual_seed(options.seed)
        draw = lambda count, name=generator: peer.draw(module, training.gan, name, count)  # noqa: E731
        write(draw, options.out / generator, options.count)
    described = {
        "peer": options.peer,
        "images_seen": training.images_seen,
        "seconds": round(training.seconds, 1),
        "parameters": {name: learned(training.gan, name) for name in ("G", "S", "D") if hasattr(training.gan, name)},
    }
    (options.out / "peer.json").write_text(json.dumps(described, indent=1))
    print(json.dumps(described))


def prepare(place: str, folder: Path, size: int) -> Path:
    """The photographs as PNG of `size` x `size` in a folder: made once."""
    if folder.exists():
        return folder
    unfinished = folder.with_name("photos-unfinished")
    unfinished.mkdir(parents=True, exist_ok=True)
    for index, photo in enumerate(stills(open_source(place), size, size)):
        Image.fromarray(photo).save(unfinished / f"{index:06}.png")
    return unfinished.rename(folder)


@torch.no_grad()
def write(draw: Callable[[int], Tensor], folder: Path, count: int) -> None:
    """`count` scenes as PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, scene in enumerate(scenes(draw, count)):
        Image.fromarray(scene).save(folder / f"{index:06}.png")


def scenes(draw: Callable[[int], Tensor], count: int) -> Iterator[Any]:
    """`count` scenes as pixels, a batch at a time; the peers' [0, 1] is our [-1, 1]."""
    for first in range(0, count, SCENES_AT_ONCE):
        yield from to_pixels(2 * draw(min(SCENES_AT_ONCE, count - first)).clamp(0, 1) - 1)


def learned(gan: Any, name: str) -> int:
    """Parameters of one of a peer's networks."""
    return sum(each.numel() for each in getattr(gan, name).parameters())


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", choices=PEERS, required=True)
    parser.add_argument("--photos", required=True, help="archive or folder of photographs to learn from")
    parser.add_argument("--out", type=Path, required=True, help="folder for the state and the scenes")
    parser.add_argument("--minutes", type=float, default=20.0, help="of processor time")
    parser.add_argument("--keep-every", type=float, default=120.0, help="processor seconds between states")
    parser.add_argument("--size", type=int, default=64, help="side of the scenes in pixels")
    parser.add_argument("--count", type=int, default=598, help="scenes to write of each generator")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
