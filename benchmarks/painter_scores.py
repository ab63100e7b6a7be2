"""Scores of a painter snapshot on photographs that it was not trained on, beside the photos left as they are.

    python benchmarks/painter_scores.py --data DATA --model painter --count 12

DATA holds the archives that the recipe `painter` names. The control matters: a stylizer that does nothing has a
perfect content score. EfficientNet-Lite1 is a second opinion on style: training looked through VGG-19 alone.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

from shanshui.checkpoints.weights import load_snapshot
from shanshui.checkpoints.zoo import resolve
from shanshui.images.pixels import to_tensor
from shanshui.networks.encoders.efficientnet_lite import EfficientNetLite1
from shanshui.networks.encoders.vgg19 import VGG19
from shanshui.objectives.style import StyleObjective, content_distance, gram, palette, relative_distance, tone_distance
from shanshui.recipes.painter import PAINTER
from shanshui.scenes.dataset import SceneDataset
from shanshui.scenes.sources import open_source
from shanshui.training.learners.exemplars import Encode, style_targets

HEIGHT, WIDTH = 256, 384
CONTENT_LAYER = "relu3_3"


def main() -> None:
    """Print one JSON object: the mean over all styles of each measure, painted and unchanged."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="painter")
    parser.add_argument("--count", type=int, default=12)
    options = parser.parse_args()
    network, _ = load_snapshot(resolve(options.model))
    photos = held_out(options.data, options.count)
    judges = (Judge(VGG19(), options.data, PAINTER.learner.style), Judge(look_closely, options.data, STRIDES))
    painted, unchanged = [], []
    with torch.inference_mode():
        for number in range(len(PAINTER.learner.styles)):
            weights = torch.eye(len(PAINTER.learner.styles))[[number] * len(photos)]
            painted.append(measure(network(photos, weights), photos, number, *judges))
            unchanged.append(measure(photos, photos, number, *judges))
    print(json.dumps({"painted": mean(painted), "unchanged": mean(unchanged)}, indent=1))


def held_out(data: Path, count: int) -> Tensor:
    """The first photographs of the recipe's held-out set, (count, 3, HEIGHT, WIDTH)."""
    dataset = SceneDataset(open_source(data / PAINTER.shown), HEIGHT, WIDTH, flip=False, min_scale=1.0)
    return torch.cat([to_tensor(dataset.still(index)) for index in range(count)])


_CLOSE = EfficientNetLite1()
STRIDES = {"4": 1.0, "8": 1.0, "16": 1.0}


def look_closely(images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """EfficientNet-Lite1's first three maps by stride, in the form that VGG-19 has its layers."""
    return dict(zip(STRIDES, _CLOSE(images), strict=False))


class Judge:
    """An encoder with the Gram matrices of the recipe's paintings on its layers."""

    def __init__(self, encode: Encode, data: Path, layers: Mapping[str, float]) -> None:
        self.encode, self.layers = encode, tuple(layers)
        objective = StyleObjective(content={}, style=layers, moments={}, tone=1, palette=1, smoothness=0)
        self.targets = style_targets(
            PAINTER.learner.styles,
            data,
            objective=objective,
            encode=encode,
            side=PAINTER.learner.painting_side,
            margin=PAINTER.learner.painting_margin,
            device=torch.device("cpu"),
        )

    def style(self, images: Tensor, number: int) -> float:
        """Relative distance of Gram matrices to those of style `number`, mean over images and layers."""
        features = self.encode(images, self.layers)
        rows = {layer: self.targets.grams[layer][number : number + 1] for layer in self.layers}
        return fmean(relative_distance(gram(features[layer]), rows[layer]).item() for layer in self.layers)


def measure(images: Tensor, photos: Tensor, number: int, trained_on: Judge, other: Judge) -> dict[str, float]:
    """All measures of `images` in style `number`."""
    here, there = (trained_on.encode(x, (CONTENT_LAYER,))[CONTENT_LAYER] for x in (images, photos))
    return {
        "content": content_distance(here, there).item(),
        "tone": tone_distance(images, photos).item(),
        "style": trained_on.style(images, number),
        "palette": (palette(images) - trained_on.targets.palettes[number : number + 1]).square().mean().item(),
        "style_effnetlite1": other.style(images, number),
    }


def mean(rows: list[dict[str, float]]) -> dict[str, float]:
    """The mean of each measure over the styles."""
    return {name: round(fmean(row[name] for row in rows), 3) for name in rows[0]}


if __name__ == "__main__":
    main()
