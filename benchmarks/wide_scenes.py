"""How far a wide scene can be told from one picture: the steps at its joins over the steps elsewhere.

    python benchmarks/wide_scenes.py --model landscape --count 100 --out wide

A step is the mean absolute difference of two neighbouring columns. Compared at the same columns, over the same number
of scenes: scenes side by side, places from edge to edge (`generate --size`) and places in a ring (`--wrap`). Seams are
the columns where one trained scene ends and the next begins; the join is where the right edge meets the left one. A
ratio of 1 says that nothing is there. `wide/rings.png` has the first eight rings, each twice in a row.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shanshui.images.files import write_picture
from shanshui.pipelines.generate import SceneGenerator

Pictures = NDArray[np.float32]


def main() -> int:
    """Make the scenes, print the ratios."""
    options = parse()
    generator = SceneGenerator.from_pretrained(options.model)
    height, width = generator.size
    size = (height, options.widths * width)
    separate = stacked(generator.generate(options.count * options.widths, 1))
    kinds = {
        "side by side": np.concatenate(np.split(separate, options.widths), axis=2),
        "edge to edge": stacked(generator.generate(options.count, 1, size=size)),
        "in a ring": stacked(generator.panoramas(options.count, 1, size=size)),
    }
    print(f"{options.count} scenes of {size[1]}x{size[0]} by {options.model}")
    print(f"{'':14}{'seams':>8}{'join':>8}")
    for name, pictures in kinds.items():
        seams, join = ratios(pictures, width)
        print(f"{name:14}{seams:8.2f}{join:8.2f}")
    rings = kinds["in a ring"][:8]
    twice = np.concatenate(list(np.concatenate([rings, rings], axis=2)))
    write_picture(options.out / "rings.png", twice.astype(np.uint8))
    return 0


def parse() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="landscape", help="a model that ships, or a .safetensors file")
    parser.add_argument("--count", type=int, default=100, help="scenes of each kind")
    parser.add_argument("--widths", type=int, default=4, help="width of a scene in trained widths")
    parser.add_argument("--out", type=Path, required=True, help="folder for rings.png")
    return parser.parse_args()


def stacked(scenes: Iterable[Image.Image]) -> Pictures:
    """(N, H, W, 3) with values from 0 to 255."""
    return np.stack([np.asarray(scene, dtype=np.float32) for scene in scenes])


def ratios(pictures: Pictures, width: int) -> tuple[float, float]:
    """Mean step at every `width` columns inside, and at the join, over the mean of all other steps."""
    steps = np.abs(np.roll(pictures, -1, axis=2) - pictures).mean(axis=(0, 1, 3))
    at_seams, join = steps[width - 1 : -1 : width], steps[-1]
    others = np.delete(steps, np.arange(width - 1, len(steps), width)).mean()
    return float(at_seams.mean() / others), float(join / others)


if __name__ == "__main__":
    sys.exit(main())
