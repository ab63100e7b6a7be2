"""Photographs broken on purpose, each named by the verdict of `shanshui evaluate`.

    python benchmarks/broken_copies.py --photos photos.zip --out broken --count 300

`photos.zip` has the folders `train` and `heldout`. Every second photograph of `train` plays the training set; from the
others come all the broken sets, so that only the set of copies has anything to do with the training set. The command
that judges them is printed first; it leaves `broken/report.html` and `broken/report.json`.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from shanshui.cli import main as shanshui
from shanshui.evaluation.stills import stills
from shanshui.images.files import write_picture
from shanshui.scenes.sources import open_source

Picture = NDArray[np.uint8]

TILES = 4  # a side, of the shuffled photographs
KEPT = 12  # photographs of the collapsed set


def main() -> int:
    """Make the sets, judge them."""
    options = parse()
    random = np.random.default_rng(0)
    photos = stills(open_source(f"{options.photos}/train"), options.size, options.size, count=2 * options.count)
    train, fresh = (list(photos)[start::2] for start in (0, 1))
    real = list(stills(open_source(f"{options.photos}/heldout"), options.size, options.size))
    sets: dict[str, list[Picture]] = {
        "train": train,
        "untouched": fresh,
        "order-shuffled": [real[row] for row in random.permutation(len(real))],
        "blurred": [blurred(photo) for photo in fresh],
        "noisy": [noisy(photo, 15, random) for photo in fresh],
        "tiles-shuffled": [shuffled(photo, random) for photo in fresh],
        "collapsed": [noisy(fresh[row % KEPT], 3, random) for row in range(len(fresh))],
        "memorised": [noisy(photo[:, ::-1], 2, random) for photo in train],
    }
    for name, pictures in sets.items():
        for row, picture in enumerate(pictures):
            write_picture(options.out / name / f"{row:04d}.png", picture)
    judged = [word for name in sets if name != "train" for word in ("--fake", f"{options.out}/{name}")]
    command = ["evaluate", "--real", f"{options.photos}/heldout", "--train", f"{options.out}/train", *judged]
    command += ["--size", f"{options.size}x{options.size}", "--report", f"{options.out}/report.html"]
    print("shanshui", *command)
    return shanshui(command)


def blurred(photo: Picture) -> Picture:
    """Gaussian blur with a deviation of one pixel."""
    return np.asarray(Image.fromarray(photo).filter(ImageFilter.GaussianBlur(1)))


def noisy(photo: Picture, deviation: float, random: np.random.Generator) -> Picture:
    """Gaussian noise of `deviation` grey levels."""
    return (photo + random.normal(0, deviation, photo.shape)).clip(0, 255).astype(np.uint8)


def shuffled(photo: Picture, random: np.random.Generator) -> Picture:
    """The photo's tiles in another order: every pixel is right and nothing fits."""
    side = photo.shape[0] // TILES
    tiles = photo.reshape(TILES, side, TILES, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)
    mixed = tiles[random.permutation(len(tiles))].reshape(TILES, TILES, side, side, 3)
    return np.ascontiguousarray(mixed.swapaxes(1, 2).reshape(photo.shape))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", required=True, help="archive or folder with train and heldout")
    parser.add_argument("--out", type=Path, required=True, help="folder for the sets and the report")
    parser.add_argument("--count", type=int, default=300, help="images of each set")
    parser.add_argument("--size", type=int, default=128, help="side in pixels; a multiple of the tiles")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
