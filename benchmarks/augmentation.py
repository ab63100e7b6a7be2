"""Does painting photos help whoever learns from few of them? A small scene classifier, with and without.

    python benchmarks/augmentation.py --photos photos-research-256.zip

A small convolutional network learns five kinds of scenes from scratch, from ten photos of each, and is asked about
held-out photos. `scene-kinds.json` beside this file has the labels: photographs were clustered by EfficientNet-Lite1
(k-means, eight clusters of 64 principal components), five clusters show one kind of scene each, those of their photos
that lie clearly nearer to their own centre than to any other were looked at, and what did not belong was taken out.
Each seed draws other photos and other initial weights; all ways of learning make equally many steps on the same photos.

`painted` asks about the held-out photos painted at full strength in styles that no variant was painted in: whether a
classifier that has seen paintings knows a scene by its shapes. Beside the mean stands the standard deviation over
seeds, and beside the difference to flips and crops the standard error of its mean: seeds are paired.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from shanshui.images.files import read_picture
from shanshui.images.picture import Picture
from shanshui.images.pixels import to_eight_bits, to_tensor
from shanshui.images.resize import fit_crop
from shanshui.pipelines.augment import Augmenter, Painted
from shanshui.pipelines.stylize import Stylizer
from shanshui.scenes.base import Source
from shanshui.scenes.sources import open_source

KINDS = Path(__file__).with_name("scene-kinds.json")
PAINTED_SIDE, SEEN_SIDE = 128, 64
"""Pixels at which photos are painted, and at which the classifier sees them."""
UNSEEN_STYLES = ("ink", "gold-leaf", "scream")
BATCH = 32
LEARNING_RATE, WEIGHT_DECAY = 3e-3, 0.05
SMALLEST_CROP = 0.6
JITTER = 0.4

Image = NDArray[np.uint8]
Change = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True)
class Photo:
    """A labelled photo: its name, its kind by number, and its pixels (HWC, PAINTED_SIDE)."""

    name: str
    kind: int
    pixels: Image


@dataclass(frozen=True)
class Way:
    """One way of learning: with variants or without, and what happens to each image at each step."""

    name: str
    variants: bool
    change: Change


def main() -> None:
    """Print one table."""
    options = parse()
    torch.set_num_threads(1)
    began = time.process_time()
    kinds = json.loads(KINDS.read_text(encoding="utf-8"))
    train, test = (photos(open_source(options.photos / split), kinds[split]) for split in ("train", "heldout"))
    stylizer = Stylizer.from_pretrained(options.painter)
    seen = tuple(style for style in stylizer.styles if style not in UNSEEN_STYLES)
    painted = Painted(painter=stylizer, model=options.painter, styles=seen, strengths=tuple(options.strength))
    questions = {
        "photos": test,
        "painted": [
            Photo(
                photo.name, photo.kind, np.asarray(stylizer(photo.pixels, UNSEEN_STYLES[number % len(UNSEEN_STYLES)]))
            )
            for number, photo in enumerate(test)
        ],
    }
    print(f"{options.labels} photos of each of {len(kinds['train'])} kinds, {len(test)} held out", flush=True)
    scores: dict[str, dict[str, list[float]]] = {way.name: {question: [] for question in questions} for way in WAYS}
    for seed in range(options.seeds):
        chosen = drawn(train, options.labels, seed)
        augmenter = Augmenter([painted], seed=seed)
        variants = [made for photo in chosen for made in variants_of(photo, augmenter, options.times - 1)]
        for way in WAYS:
            network = learned(chosen + variants if way.variants else chosen, way.change, options.steps, seed)
            for question, asked in questions.items():
                scores[way.name][question].append(right(network, asked))
        print(f"seed {seed}: {time.process_time() - began:.0f} s of processor time", flush=True)
    table(scores, list(questions))


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--painter", default="painter")
    parser.add_argument("--labels", type=int, default=10, help="photos of each kind to learn from")
    parser.add_argument("--times", type=int, default=8, help="as `shanshui augment --times`")
    parser.add_argument("--strength", type=float, nargs=2, default=(0.3, 0.8))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=400)
    return parser.parse_args()


def photos(source: Source, kinds: Mapping[str, Sequence[str]]) -> list[Photo]:
    """All labelled photos of a split."""
    return [
        Photo(name, number, fit_crop(to_eight_bits(read_picture(source.read(name)).pixels), PAINTED_SIDE, PAINTED_SIDE))
        for number, names in enumerate(kinds.values())
        for name in names
    ]


def drawn(train: Sequence[Photo], count: int, seed: int) -> list[Photo]:
    """So many photos of each kind."""
    random = np.random.default_rng(seed)
    kinds = sorted({photo.kind for photo in train})
    groups = [[photo for photo in train if photo.kind == kind] for kind in kinds]
    return [group[index] for group in groups for index in random.permutation(len(group))[:count]]


def variants_of(photo: Photo, augmenter: Augmenter, count: int) -> list[Photo]:
    """What `shanshui augment` makes of a photo."""
    made = (augmenter.make(variant, Picture(photo.pixels), None) for variant in augmenter.variants(photo.name, count))
    return [Photo(photo.name, photo.kind, to_eight_bits(picture.pixels)) for picture in made]


def as_they_are(images: Tensor, random: torch.Generator) -> Tensor:
    """No change."""
    return images


def mirrored_and_cropped(images: Tensor, random: torch.Generator) -> Tensor:
    """Each image mirrored at random, and a random part of it."""
    count = len(images)
    scale = SMALLEST_CROP + (1 - SMALLEST_CROP) * torch.rand(count, generator=random)
    across, down = (2 * torch.rand(2, count, generator=random) - 1) * (1 - scale)
    mirror = torch.randint(0, 2, (count,), generator=random) * 2 - 1
    zero = torch.zeros(count)
    frames = torch.stack([torch.stack([scale * mirror, zero, across], 1), torch.stack([zero, scale, down], 1)], 1)
    return F.grid_sample(images, F.affine_grid(frames, list(images.shape), False), "bilinear", "border", False)


def recoloured_too(images: Tensor, random: torch.Generator) -> Tensor:
    """Mirrored and cropped, with other brightness, contrast and saturation: what is usual."""
    images = mirrored_and_cropped(images, random)
    light, contrast, colour = (1 + JITTER * (2 * torch.rand(3, len(images), 1, 1, 1, generator=random) - 1)).unbind(0)
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * colour
    mean = images.mean((1, 2, 3), keepdim=True)
    return (mean + (images - mean) * contrast + light - 1).clamp(-1, 1)


WAYS = (
    Way("nothing", False, as_they_are),
    Way("flips and crops", False, mirrored_and_cropped),
    Way("flips, crops, colours", False, recoloured_too),
    Way("variants", True, as_they_are),
    Way("flips, crops, variants", True, mirrored_and_cropped),
    Way("flips, crops, colours, variants", True, recoloured_too),
)
USUAL = "flips and crops"


def classifier(kinds: int) -> nn.Module:
    """64 x 64 pixels to logits: a small network of four halvings."""
    widths = (3, 24, 48, 96, 128)
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(widths[-1], kinds))


def seen(photos: Sequence[Photo]) -> Tensor:
    """What the classifier sees, (N, 3, SEEN_SIDE, SEEN_SIDE)."""
    return to_tensor(np.stack([fit_crop(photo.pixels, SEEN_SIDE, SEEN_SIDE) for photo in photos]))


def learned(photos: Sequence[Photo], change: Change, steps: int, seed: int) -> nn.Module:
    """A classifier after `steps` steps on `photos`."""
    torch.manual_seed(seed)
    random = torch.Generator().manual_seed(seed)
    images, labels = seen(photos), torch.tensor([photo.kind for photo in photos])
    network = classifier(int(labels.max()) + 1).train()
    adam = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    for _ in range(steps):
        rows = torch.randint(0, len(images), (BATCH,), generator=random)
        loss = F.cross_entropy(network(change(images[rows], random)), labels[rows])
        adam.zero_grad()
        loss.backward()
        adam.step()
        schedule.step()
    return network.eval()


@torch.no_grad()
def right(network: nn.Module, photos: Sequence[Photo]) -> float:
    """Share of `photos` that the classifier knows, the mean over kinds."""
    answers, labels = network(seen(photos)).argmax(1), torch.tensor([photo.kind for photo in photos])
    return float(np.mean([(answers[labels == kind] == kind).float().mean() for kind in labels.unique()]))


def table(scores: Mapping[str, Mapping[str, Sequence[float]]], questions: Sequence[str]) -> None:
    """One row a way: mean and deviation over seeds, and the difference to what is usual with its standard error."""
    print(f"{'':<34}" + "".join(f"{question:<17}{'over usual':<18}" for question in questions))
    for name, row in scores.items():
        cells = []
        for question in questions:
            values, usual = np.array(row[question]), np.array(scores[USUAL][question])
            gain = values - usual
            error = gain.std(ddof=1) / np.sqrt(len(gain))
            cells.append(f"{values.mean():.3f} +- {values.std(ddof=1):.3f}   {gain.mean():+.3f} +- {error:.3f}   ")
        print(f"{name:<34}" + "".join(cells))


if __name__ == "__main__":
    main()
