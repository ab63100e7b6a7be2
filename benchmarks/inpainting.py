"""Holes in held-out photographs filled, beside OpenCV's Telea and Navier-Stokes.

    python benchmarks/inpainting.py --data DATA --model inpainter --side 256 --masks 4 --out runs/inpainting

The network without any training, which leaves smooth colours with borrowed texture, says what training is worth; the
network alone, what the patches of the photo are worth that holes are made of after it has imagined something. DATA
holds the archives of the recipe `inpainter-128`. Every held-out photograph, at side x side pixels, gets several
free-form holes (`shanshui.scenes.masks`) that the recipe never draws, and once lacks an eighth on the left and on the
right, as if it had been made wider. Prints one row a maker and share of what is missing in markdown:

- PSNR of the holes alone, in dB, mean over pictures (high is good; who fills with averages does well);
- perceptual: LPIPS's arithmetic on VGG-19 (`perceptualvgg19`), or `--distance lpipsalex` where LPIPS is installed;
- Frechet: of VGG-19 relu4_4 means of all filled pictures to the photographs; biased, for all makers alike;
- variety: perceptual distance of fills with two seeds; 0 for those that have none.

`--out` gets a sheet for the first pictures: with the hole, each maker, and the photograph.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TypeAlias

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from shanshui.checkpoints.judges import open_distance
from shanshui.checkpoints.weights import load_snapshot
from shanshui.checkpoints.zoo import resolve
from shanshui.evaluation.gaussians import frechet
from shanshui.evaluation.stills import stills
from shanshui.images.files import write_picture
from shanshui.images.grids import grid
from shanshui.images.pixels import to_pixels, to_tensor
from shanshui.networks.encoders.pooled import PooledVGG19
from shanshui.networks.inpainter import Inpainter, InpainterConfig
from shanshui.pipelines.inpaint import SceneInpainter
from shanshui.scenes.masks import mask_at
from shanshui.scenes.sources import open_source

PHOTOS = ("photos-open-640.zip/heldout",)
SEED = 1_000_003
"""Of the masks: another one than any training has by default."""

SIDES = 8
"""One column in so many is missing on the left, and on the right, of a picture that is to be made wider."""

BUCKETS = ((0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.5))
RADIUS = 5
"""Pixels around a point that OpenCV's methods look at; 3 to 10 make little difference."""

SHOWN = 12
FEWEST = 3

Image: TypeAlias = NDArray[np.uint8]
Maker: TypeAlias = Callable[[Image, NDArray[np.float32]], Image]


@dataclass(frozen=True)
class Case:
    """A photograph with a hole."""

    photo: Image
    mask: NDArray[np.float32]

    @property
    def share(self) -> float:
        """What is missing of it."""
        return float(self.mask.mean())


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--photos", nargs="+", default=PHOTOS)
    parser.add_argument("--model", default="inpainter")
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--masks", type=int, default=4)
    parser.add_argument("--distance", default="perceptualvgg19")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()

    inpainter = SceneInpainter.from_pretrained(options.model)
    torch.manual_seed(0)
    untrained = SceneInpainter(Inpainter(InpainterConfig()))
    makers: Mapping[str, Maker] = {
        options.model: _seeded(inpainter, 0),
        "its network untrained": _seeded(untrained, 0),
        "its network alone": _alone(options.model),
        "Telea": _opencv(cv2.INPAINT_TELEA),
        "Navier-Stokes": _opencv(cv2.INPAINT_NS),
    }
    again = _seeded(inpainter, 1)
    print(f"| maker | missing | pictures | PSNR | {options.distance} | Frechet | variety |")
    print("|---|---|---|---|---|---|---|")
    holes = list(cases(options.data, options.photos, options.side, options.masks))
    for kind, work in {"holes": holes, "sides": [wider(case.photo) for case in holes[:: options.masks]]}.items():
        judge = Judge(options.distance, work)
        filled = {name: [make(case.photo, case.mask) for case in work] for name, make in makers.items()}
        twice = {options.model: [again(case.photo, case.mask) for case in work]}
        for name, pictures in filled.items():
            for row in judge.rows(f"{name}, {kind}", pictures, twice.get(name, pictures)):
                print(row, flush=True)
        if options.out is not None:
            write_sheet(options.out / f"{kind}.png", work, filled)


def cases(data: Path, places: tuple[str, ...], side: int, masks: int) -> Iterator[Case]:
    """Every photograph of every place with so many holes."""
    position = 0
    for place in places:
        for photo in stills(open_source(data / place), side, side):
            for _ in range(masks):
                yield Case(photo, mask_at(SEED, position, side, side))
                position += 1


def wider(photo: Image) -> Case:
    """A photograph that lacks its sides."""
    mask = np.zeros(photo.shape[:2], np.float32)
    side = photo.shape[1] // SIDES
    mask[:, :side] = mask[:, -side:] = 1
    return Case(photo, mask)


class Judge:
    """What pictures are measured with; each is looked at once."""

    def __init__(self, distance: str, work: list[Case]) -> None:
        self._distance, self._pooled, self._work = open_distance(distance), PooledVGG19(), work
        self._photos = self._features([case.photo for case in work])

    @torch.inference_mode()
    def rows(self, name: str, pictures: list[Image], twice: list[Image]) -> Iterator[str]:
        """Lines of the table for the pictures of one maker: one for each share, and one for all."""
        features = self._features(pictures)
        psnr = [hole_psnr(picture, case) for picture, case in zip(pictures, self._work, strict=True)]
        near = [self._apart(picture, case.photo) for picture, case in zip(pictures, self._work, strict=True)]
        variety = [self._apart(*pair) for pair in zip(pictures, twice, strict=True)]
        everything = (BUCKETS[0][0], BUCKETS[-1][1])
        for low, high in (*BUCKETS, everything):
            here = [number for number, case in enumerate(self._work) if low <= case.share <= high]
            if len(here) < FEWEST or (len(here) == len(self._work) and (low, high) != everything):
                continue
            figures = [fmean(values[number] for number in here) for values in (psnr, near, variety)]
            distance = frechet(self._photos[here], features[here]).value
            yield (
                f"| {name} | {low:.0%} to {high:.0%} | {len(here)} | {figures[0]:.2f} | {figures[1]:.4f} | "
                f"{distance:.0f} | {figures[2]:.4f} |"
            )

    def _apart(self, first: Image, second: Image) -> float:
        if first is second:
            return 0.0
        return float(self._distance(to_tensor(first), to_tensor(second)).item())

    @torch.inference_mode()
    def _features(self, images: list[Image]) -> NDArray[np.float32]:
        rows = [self._pooled(to_tensor(image))["vgg19_relu4_4"].numpy() for image in images]
        features: NDArray[np.float32] = np.concatenate(rows)
        return features


def hole_psnr(picture: Image, case: Case) -> float:
    """Peak signal-to-noise ratio in dB of what was missing."""
    missing = case.mask > 0
    error = (picture[missing].astype(float) - case.photo[missing].astype(float)) ** 2
    return float(10 * np.log10(255**2 / max(error.mean(), 1e-3)))


def write_sheet(out: Path, work: list[Case], filled: Mapping[str, list[Image]]) -> None:
    """Rows of hole, each maker, photograph, of pictures spread over all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    cells = []
    for row in range(0, len(work), max(1, len(work) // SHOWN)):
        case = work[row]
        holed = np.where(case.mask[:, :, None] > 0, 128, case.photo).astype(np.uint8)
        cells += [holed, *(pictures[row] for pictures in filled.values()), case.photo]
    write_picture(out, grid(cells, columns=2 + len(filled)))


def _opencv(method: int) -> Maker:
    def make(photo: Image, mask: NDArray[np.float32]) -> Image:
        return cv2.inpaint(photo, (mask > 0).astype(np.uint8), RADIUS, method).astype(np.uint8, copy=False)

    return make


def _alone(model: str) -> Maker:
    """What the network of an inpainter makes of the whole picture."""
    network, _ = load_snapshot(resolve(model))
    assert isinstance(network, Inpainter)

    def make(photo: Image, mask: NDArray[np.float32]) -> Image:
        random = torch.Generator().manual_seed(0)
        missing = torch.from_numpy(mask > 0)[None, None].float()
        noise = torch.randn(missing.shape, generator=random)
        with torch.inference_mode():
            made = network(to_tensor(photo), missing, network.draw_latents(1, random), noise)
        filled: Image = np.where(mask[:, :, None] > 0, to_pixels(made)[0], photo)
        return filled

    return make


def _seeded(inpainter: SceneInpainter, seed: int) -> Maker:
    def make(photo: Image, mask: NDArray[np.float32]) -> Image:
        return inpainter.inpaint(photo, mask, seed=seed).pixels.astype(np.uint8, copy=False)

    return make


if __name__ == "__main__":
    main()
