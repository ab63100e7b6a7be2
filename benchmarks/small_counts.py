"""How KID and the Frechet distance of real photographs against real photographs depend on how many there are.

    python benchmarks/small_counts.py --photos photos.zip/train --counts 50 100 200 400 800 1300

For every count, disjoint random halves of the photographs are compared: the right answer is always 0. Prints a table in
markdown: mean and spread over the draws, and the mean standard error that each figure gives of itself.
"""

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from shanshui.evaluation.estimates import Estimate, unit_rms_scale
from shanshui.evaluation.gaussians import frechet, frechet_at_infinity
from shanshui.evaluation.kernels import kid
from shanshui.evaluation.references import reference_features
from shanshui.evaluation.stills import stills
from shanshui.networks.encoders.pooled import PooledVGG19
from shanshui.scenes.sources import open_source

Features = NDArray[np.float32]
FEATURE = "vgg19_relu4_4"
MEASURES: dict[str, Callable[[Features, Features], Estimate]] = {
    "KID": kid,
    "Frechet distance": frechet,
    "Frechet distance without its bias": frechet_at_infinity,
}


def main() -> None:
    """Extract once, then compare halves."""
    options = parse()
    source = open_source(options.photos)
    features = reference_features(
        stills(source, options.size, options.size),
        PooledVGG19(),
        [FEATURE],
        height=options.size,
        width=options.size,
        digest=source.digest,
    )[FEATURE].values
    features = features * np.float32(unit_rms_scale(features))
    print(f"| images a side | {' | '.join(MEASURES)} |\n|{'---|' * (1 + len(MEASURES))}")
    for count in options.counts:
        cells = [
            summary([measure(*halves(features, count, draw)) for draw in range(options.draws)])
            for measure in MEASURES.values()
        ]
        print(f"| {count} | {' | '.join(cells)} |", flush=True)


def halves(features: Features, count: int, draw: int) -> tuple[Features, Features]:
    """Two disjoint random sets of `count` rows."""
    rows = np.random.default_rng(draw).permutation(len(features))
    return features[rows[:count]], features[rows[count : 2 * count]]


def summary(estimates: list[Estimate]) -> str:
    """Mean, spread, and the error that the figures give of themselves."""
    values = [estimate.value for estimate in estimates]
    errors = [estimate.standard_error or 0.0 for estimate in estimates]
    return f"{np.mean(values):.3g} (spread {np.std(values):.2g}, stated {np.mean(errors):.2g})"


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", required=True, help="data set of at least twice the largest count")
    parser.add_argument("--counts", type=int, nargs="+", default=[50, 100, 200, 400, 800, 1300])
    parser.add_argument("--draws", type=int, default=8, help="random halves for each count")
    parser.add_argument("--size", type=int, default=128, help="side in pixels at which photographs are seen")
    return parser.parse_args()


if __name__ == "__main__":
    main()
