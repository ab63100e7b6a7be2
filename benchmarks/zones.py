"""Trains the zone segmenter's head on the labels beside this file, and measures it on photographs that it never saw.

    python benchmarks/zones.py --photos photos-open-640.zip --write src/shanshui/zoo/zones.safetensors

PHOTOS holds the folders `train` and `heldout` that `zones-labels.json` names; only the labelled ones are read. The
frozen encoder looks once at every view (a crop, perhaps mirrored, with other light and colours), what it saw is kept,
and the head learns from that in minutes. Cross-validation over the training photographs (`--folds`) says how built
things fare, of which the held-out photographs show next to none.

A cell counts as right where the mask with the largest mean over it is that of its label. `row alone` is the control: it
answers with the commonest label of the cell's row in the training photographs and sees no photo.
"""

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from shanshui.checkpoints.weights import save_snapshot
from shanshui.images.files import read_picture, write_picture
from shanshui.images.pixels import to_pixels, to_tensor
from shanshui.networks.segmenters.zones import ZONES, ZonesConfig, ZoneSegmenter
from shanshui.scenes.sources import open_source

LABELS = Path(__file__).with_name("zones-labels.json")
ROWS, COLUMNS = 8, 12
UNLABELLED = len(ZONES)
VIEW = (256, 384)
STRIDE = 4
BATCH = 8
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 0.05
SMALLEST_SHARE = 0.4
"""Of a cell's pixels that a crop must keep for the cell to count."""

COLOURS = torch.tensor([[60, 140, 255], [0, 235, 215], [30, 180, 30], [200, 120, 40], [255, 0, 80]]) / 127.5 - 1


@dataclass(frozen=True)
class Photo:
    """A labelled photograph: (1, 3, H, W) in [-1, 1], and (ROWS, COLUMNS) numbers of zones or `UNLABELLED`."""

    name: str
    pixels: Tensor
    cells: Tensor


@dataclass(frozen=True)
class View:
    """What the encoder saw of a crop, and for each of its pixels at stride 4 the cell that it lies in."""

    maps: list[Tensor]
    place: Tensor
    cell_of_pixel: Tensor
    cells: Tensor


def main() -> None:
    """Train, measure, and write what was asked for."""
    options = parse()
    torch.manual_seed(options.seed)
    photos = list(labelled(options.photos))
    train = [photo for photo in photos if photo.name.startswith("train/")]
    held_out = [photo for photo in photos if not photo.name.startswith("train/")]
    print(f"{len(train)} photographs to learn from, {len(held_out)} held out")
    config = ZonesConfig()
    began = time.process_time()
    views = list(looked_at(train, ZoneSegmenter(config), options.views, options.seed))
    print(f"{sum(map(len, views))} views seen after {time.process_time() - began:.0f} s of processor time", flush=True)
    if options.folds > 1:
        cross_validate(train, views, config, options)
    network = learned(views, config, options)
    print(f"learned after {time.process_time() - began:.0f} s of processor time")
    table = confusion(held_out, network)
    print_table("held out", table)
    print(f"held out, row alone: {row_alone(train, held_out):.3f} of all cells")
    if options.write:
        save_snapshot(options.write, network, card(len(train), table, options))
    if options.overlays:
        draw(held_out, network, options.overlays)


def labelled(archive: Path) -> Iterator[Photo]:
    """The photographs that have labels."""
    source = open_source(archive)
    letters = {zone[0]: number for number, zone in enumerate(ZONES)} | {".": UNLABELLED}
    for name, rows in json.loads(LABELS.read_text(encoding="utf-8"))["photos"].items():
        cells = torch.tensor([[letters[letter] for letter in row] for row in rows])
        yield Photo(name, to_tensor(read_picture(source.read(name), name=name).pixels), cells)


def looked_at(photos: Sequence[Photo], network: ZoneSegmenter, views: int, seed: int) -> Iterator[list[View]]:
    """For each photograph its views: the first is the photograph as it is."""
    for number, photo in enumerate(photos):
        random = torch.Generator().manual_seed(seed * 1_000_003 + number)
        yield [view_of(photo, network, random, plain=count == 0) for count in range(views)]


def view_of(photo: Photo, network: ZoneSegmenter, random: torch.Generator, *, plain: bool) -> View:
    """One view of a photograph, of the size `VIEW`."""
    height, width = photo.pixels.shape[2:]
    keep, down, right, mirrored = (1.0, 0.0, 0.0, False)
    if not plain:
        draws = torch.rand(4, generator=random).tolist()
        keep, down, right, mirrored = 0.6 + 0.4 * draws[0], draws[1], draws[2], draws[3] < 0.5
    # The crop has the proportions of VIEW where the photo has room for it.
    rows = keep * min(height, width * VIEW[0] / VIEW[1] * 1.15)
    columns = keep * min(width, height * VIEW[1] / VIEW[0] * 1.15)
    top, left = down * (height - rows), right * (width - columns)
    cut = photo.pixels[:, :, round(top) : round(top + rows), round(left) : round(left + columns)]
    seen = F.interpolate(cut, VIEW, mode="bilinear", align_corners=False, antialias=True)
    ys = (top + (torch.arange(VIEW[0] // STRIDE) + 0.5) * rows * STRIDE / VIEW[0]) * ROWS / height
    xs = (left + (torch.arange(VIEW[1] // STRIDE) + 0.5) * columns * STRIDE / VIEW[1]) * COLUMNS / width
    cell_of_pixel = ys.long()[:, None] * COLUMNS + xs.long()
    if mirrored:
        seen, cell_of_pixel = seen.flip(3), cell_of_pixel.flip(1)
    maps, place = network.eval().features(seen if plain else relit(seen, random))
    return View([x.half() for x in maps], place.half(), cell_of_pixel, counted(photo.cells.flatten(), cell_of_pixel))


def counted(cells: Tensor, cell_of_pixel: Tensor) -> Tensor:
    """The labels without those of cells that the crop has cut off."""
    pixels = cell_of_pixel.flatten().bincount(minlength=ROWS * COLUMNS)
    return torch.where(pixels >= SMALLEST_SHARE * pixels.max(), cells, UNLABELLED)


def relit(photo: Tensor, random: torch.Generator) -> Tensor:
    """Another exposure, contrast, saturation and tint."""
    exposure, contrast, saturation, *tint = torch.rand(6, generator=random).tolist()
    light = ((photo + 1) / 2).clamp(0, 1) ** (2 ** (1.6 * (exposure - 0.5)))
    light = (light - light.mean()) * (0.75 + 0.5 * contrast) + light.mean()
    grey = light.mean(dim=1, keepdim=True)
    light = grey + (light - grey) * max(0.0, 1.6 * saturation - 0.1)
    light = light * (0.85 + 0.3 * torch.tensor(tint)[:, None, None])
    return light.clamp(0, 1) * 2 - 1


def learned(views: Sequence[Sequence[View]], config: ZonesConfig, options: argparse.Namespace) -> ZoneSegmenter:
    """A segmenter whose head has learned from the views."""
    torch.manual_seed(options.seed)
    network = ZoneSegmenter(config).train()
    everything = [view for each in views for view in each]
    adam = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps = options.epochs * (len(everything) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, LEARNING_RATE, total_steps=steps)
    weights = balance(everything)
    random = torch.Generator().manual_seed(options.seed)
    for _ in range(options.epochs):
        order = torch.randperm(len(everything), generator=random)[: len(everything) // BATCH * BATCH]
        for batch in order.view(-1, BATCH).tolist():
            loss = distance(network, [everything[index] for index in batch], weights, options.dropout)
            adam.zero_grad()
            loss.backward()
            adam.step()
            schedule.step()
    return network.eval()


def balance(views: Sequence[View]) -> Tensor:
    """A weight for each zone, the larger the rarer: one over the root of its share, 1 on average over the cells."""
    counts = torch.stack([view.cells.bincount(minlength=UNLABELLED + 1) for view in views]).sum(dim=0)[:UNLABELLED]
    weights = counts.float().rsqrt()
    return weights * counts.sum() / (weights * counts).sum()


def distance(network: ZoneSegmenter, views: Sequence[View], weights: Tensor, dropout: float) -> Tensor:
    """Minus the logarithm of the mean probability that a cell's pixels give its label, weighted, over labelled cells.

    The mean stands inside the logarithm because a label speaks of most of a cell: some pixels may be something else.
    """
    maps = [torch.cat(levels).float() for levels in zip(*(view.maps for view in views), strict=True)]
    maps = [F.dropout2d(x, dropout) for x in maps]
    probabilities = network.classify(maps, torch.cat([view.place for view in views]).float()).softmax(dim=1)
    means = torch.stack(
        [cell_means(each, view.cell_of_pixel) for each, view in zip(probabilities, views, strict=True)]
    ).flatten(0, 1)
    cells = torch.cat([view.cells for view in views])
    known = cells < UNLABELLED
    return F.nll_loss(means[known].clamp(min=1e-4).log(), cells[known], weights)


def cell_means(masks: Tensor, cell_of_pixel: Tensor) -> Tensor:
    """Masks (5, h, w) -> their means over the cells, (ROWS * COLUMNS, 5); 0 for cells without a pixel."""
    place = cell_of_pixel.flatten()
    sums = torch.zeros(ROWS * COLUMNS, len(masks)).index_add(0, place, masks.flatten(1).T)
    return sums / place.bincount(minlength=ROWS * COLUMNS).clamp(min=1)[:, None]


def cross_validate(
    photos: Sequence[Photo], views: Sequence[Sequence[View]], config: ZonesConfig, options: argparse.Namespace
) -> None:
    """Print how well each part of the training photographs is told by a head that learned from the others."""
    order = torch.randperm(len(photos), generator=torch.Generator().manual_seed(options.seed)).tolist()
    total = torch.zeros(len(ZONES), len(ZONES), dtype=torch.int64)
    for fold in range(options.folds):
        out = set(order[fold :: options.folds])
        network = learned([each for index, each in enumerate(views) if index not in out], config, options)
        total += confusion([photos[index] for index in sorted(out)], network)
    print_table(f"{options.folds}-fold cross-validation over the training photographs", total)


def confusion(photos: Sequence[Photo], network: ZoneSegmenter) -> Tensor:
    """Numbers of cells, (label, answer)."""
    table = torch.zeros(len(ZONES), len(ZONES), dtype=torch.int64)
    for photo in photos:
        with torch.inference_mode():
            masks = network(photo.pixels)[0]
        ys = torch.arange(masks.shape[1]) * ROWS // masks.shape[1]
        xs = torch.arange(masks.shape[2]) * COLUMNS // masks.shape[2]
        answers = cell_means(masks, ys[:, None] * COLUMNS + xs).argmax(dim=1)
        for label, answer in zip(photo.cells.flatten().tolist(), answers.tolist(), strict=True):
            if label != UNLABELLED:
                table[label, answer] += 1
    return table


def scores(table: Tensor) -> Mapping[str, float]:
    """Accuracy over all cells and per zone, and the zones' intersection over union."""
    right, labels, answers = table.diagonal(), table.sum(dim=1), table.sum(dim=0)
    figures = {"all": float(right.sum() / labels.sum())}
    for number, zone in enumerate(ZONES):
        figures[f"{zone} accuracy"] = float(right[number] / labels[number].clamp(min=1))
        figures[f"{zone} IoU"] = float(right[number] / (labels + answers - right)[number].clamp(min=1))
    return figures


def print_table(title: str, table: Tensor) -> None:
    """In markdown: a row for each label, how many of its cells got which answer, accuracy and IoU."""
    figures = scores(table)
    print(f"\n{title}: {int(table.sum())} cells, {figures['all']:.3f} right\n")
    print(f"| label \\ answer | {' | '.join(ZONES)} | cells | accuracy | IoU |")
    print("|---" * (len(ZONES) + 4) + "|")
    for zone, row in zip(ZONES, table.tolist(), strict=True):
        accuracy, iou = figures[f"{zone} accuracy"], figures[f"{zone} IoU"]
        print(f"| {zone} | {' | '.join(map(str, row))} | {sum(row)} | {accuracy:.3f} | {iou:.3f} |")
    print(flush=True)


def row_alone(train: Sequence[Photo], photos: Sequence[Photo]) -> float:
    """The share of cells that have the commonest label of their row in the training photographs."""
    rows = torch.stack([photo.cells for photo in train]).transpose(0, 1).flatten(1)
    guesses = torch.stack([row[row < UNLABELLED].mode().values for row in rows])[:, None]
    right = sum(int((photo.cells == guesses).sum()) for photo in photos)
    return right / sum(int((photo.cells < UNLABELLED).sum()) for photo in photos)


def draw(photos: Sequence[Photo], network: ZoneSegmenter, folder: Path) -> None:
    """Each photograph beside itself with the masks painted over."""
    for photo in photos:
        with torch.inference_mode():
            masks = network(photo.pixels)
        paint = torch.einsum("nkhw,kc->nchw", masks, COLOURS)
        pair = torch.cat([photo.pixels, 0.45 * photo.pixels + 0.55 * paint], dim=3)
        pixels: NDArray[np.uint8] = to_pixels(pair)[0]
        write_picture(folder / Path(photo.name).parent / f"{Path(photo.name).stem}.png", pixels)


def card(photos: int, table: Tensor, options: argparse.Namespace) -> dict[str, object]:
    """What the snapshot says of itself."""
    return {
        "task": "soft masks of the zones of a landscape",
        "zones": list(ZONES),
        "data": f"{photos} photographs of photos-open-640/train, labelled by eye on a grid of 12 x 8 cells",
        "licence": "Apache-2.0",
        "recipe": f"python benchmarks/zones.py --photos PHOTOS --seed {options.seed} --views {options.views} "
        f"--epochs {options.epochs} --dropout {options.dropout}",
        "held_out_cells": int(table.sum()),
        "scores": {name: round(value, 4) for name, value in scores(table).items()},
    }


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="archive or folder with train and heldout")
    parser.add_argument("--write", type=Path, help="where to save the snapshot")
    parser.add_argument("--overlays", type=Path, help="folder for pictures of the masks of the held-out photographs")
    parser.add_argument("--folds", type=int, default=0, help="of the cross-validation; 0 for none")
    parser.add_argument("--views", type=int, default=6, help="of each photograph")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument(
        "--dropout", type=float, default=0.1, help="share of the encoder's channels left out in training"
    )
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
