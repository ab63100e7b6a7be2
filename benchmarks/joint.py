"""What each part of the joint objective does, and what the slider does: naturalness, style and content of compositions.

    python benchmarks/joint.py --data DATA --out runs/joint \
        --models both=composer game=game.safetensors style=style.safetensors

Models are snapshots of `shanshui train composer`: the recipe as it is, and with a part of the objective taken away
(`--styling 0`, `--adversarial 0`). DATA holds the photographs of `photos-research-256` and the
paintings of the recipe. Every second held-out photograph is composed at SIZE x SIZE, each in the next style, at five
settings of the slider; the others say what nature looks like. Controls: photographs as they are, and the style-transfer
module alone, whose paintings nothing has taken back. Prints one row a maker in markdown:

- KID, Frechet: of VGG-19 relu5_4 means, scaled to unit rms, to the other photographs (0: as photographs are);
- Gram: relative distance of relu1_1 to relu4_1 to the statistics of the style's painting (0: the painting's);
- content: squared distance of relu4_2 to the photo, over the energy of the photo's features (0: unchanged).
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from numpy.typing import NDArray
from stylizers import CONTENT, STYLE, encoder, first, style_distance
from torch import Tensor

from shanshui.checkpoints.weights import load_snapshot
from shanshui.checkpoints.zoo import resolve
from shanshui.evaluation.estimates import unit_rms_scale
from shanshui.evaluation.gaussians import frechet
from shanshui.evaluation.kernels import kid
from shanshui.images.files import from_any, read_picture, write_picture
from shanshui.images.grids import grid
from shanshui.images.pixels import to_tensor
from shanshui.images.resize import fit_crop
from shanshui.networks.joint import JointPipeline
from shanshui.objectives.style import gram, relative_distance
from shanshui.pipelines.compose import SceneComposer
from shanshui.pipelines.painters import NamedPainter
from shanshui.pipelines.stylize import Stylizer
from shanshui.pipelines.treatment import Treatment
from shanshui.recipes.painter import PAINTER

PHOTOS = "photos-research-256.zip/heldout"
SLIDER = (0.0, 0.25, 0.5, 0.75, 1.0)
NATURE = "relu5_4"
SHOWN = 8

Pixels = NDArray[np.uint8]
Maker = Callable[[Pixels, str], Pixels]


def main() -> None:
    """Compose, look and tell."""
    options = parse()
    options.out.mkdir(parents=True, exist_ok=True)
    pictures = [square(content, options.size) for content in first(options.data, [PHOTOS], 2 * options.count)]
    photos, others = pictures[0::2], pictures[1::2]
    nature = np.concatenate([look(picture)[NATURE].mean((2, 3)).numpy() for picture in others])
    styles = tuple(PAINTER.learner.styles)
    paintings = {style: grams(look(painting_of(style, options))) for style in styles}
    seen = [look(photo) for photo in photos]
    print("| maker | naturalness | KID | Frechet | Gram | content |\n|---|---|---|---|---|---|")
    for name, slider, make in makers(options.models):
        made = [make(photo, styles[index % len(styles)]) for index, photo in enumerate(photos)]
        show(options.out / f"{name}-{slider}.png".replace(" ", "-"), photos, made)
        looks = [look(picture) for picture in made]
        means = np.concatenate([each[NATURE].mean((2, 3)).numpy() for each in looks])
        scale = np.float32(unit_rms_scale(nature))
        distance, frechets = kid(nature * scale, means * scale), frechet(nature * scale, means * scale)
        style = fmean(
            style_distance(grams(each), paintings[styles[index % len(styles)]], "gram")
            for index, each in enumerate(looks)
        )
        content = fmean(
            relative_distance(each[CONTENT], photo[CONTENT]).item() for each, photo in zip(looks, seen, strict=True)
        )
        shown = f"{distance.value:.3f} ± {1.96 * (distance.standard_error or 0):.3f} | {frechets.value:.0f}"
        print(f"| {name} | {slider} | {shown} | {style:.3f} | {content:.3f} |", flush=True)


def makers(models: list[str]) -> Iterator[tuple[str, str, Maker]]:
    """Name, setting of the slider and function of every row."""
    yield "photographs", "", lambda photo, style: photo
    for number, model in enumerate(models):
        name, _, place = model.partition("=")
        network, _ = load_snapshot(resolve(place))
        if not isinstance(network, JointPipeline):
            raise SystemExit(f"{place} is not a composer.")
        if number == 0:
            yield "style module alone", "", painting_with(Stylizer(NamedPainter(network.stylizer)))
        composer = SceneComposer(network)
        for naturalness in SLIDER:
            yield name, str(naturalness), painting_with(composer.at(naturalness))


def painting_with(stylizer: Stylizer) -> Maker:
    """Without the protection of flat skies, which is no part of the networks."""
    treatment = Treatment(flat_skies=False)

    def make(photo: Pixels, style: str) -> Pixels:
        return np.asarray(stylizer.paint(from_any(photo), style, treatment).pixels, np.uint8)

    return make


def square(content: bytes, size: int) -> Pixels:
    """A picture of size x size."""
    return fit_crop(read_picture(content, name="picture").over_white(), size, size)


def painting_of(style: str, options: argparse.Namespace) -> Pixels:
    """The painting that a style was learned from, or the first of them."""
    return square(next(first(options.data, PAINTER.learner.styles[style][:1], 1)), options.size)


def look(picture: Pixels) -> dict[str, Tensor]:
    """Features of a picture."""
    with torch.inference_mode():
        features: dict[str, Tensor] = encoder()(to_tensor(picture), (*STYLE, CONTENT, NATURE))
    return features


def grams(features: dict[str, Tensor]) -> dict[str, Tensor]:
    """Statistics of the layers of style."""
    return {f"gram {layer}": gram(features[layer]) for layer in STYLE}


def show(path: Path, photos: list[Pixels], made: list[Pixels]) -> None:
    """A sheet of photos and what was made of them."""
    pairs = [image for pair in zip(photos[:SHOWN], made[:SHOWN], strict=True) for image in pair]
    write_picture(path, grid(pairs, columns=4))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder for the sheets")
    parser.add_argument("--models", nargs="+", required=True, help="NAME=MODEL of each composer")
    parser.add_argument("--count", type=int, default=200, help="photographs composed")
    parser.add_argument("--size", type=int, default=128)
    return parser.parse_args()


if __name__ == "__main__":
    main()
