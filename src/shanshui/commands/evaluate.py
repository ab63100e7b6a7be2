"""`shanshui evaluate`: how close generated images come to real ones, and what they lack."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro

from shanshui.atomic import atomic_write_text
from shanshui.checkpoints.judges import open_distance, open_extractor
from shanshui.commands import judged, robustness
from shanshui.commands.evaluate_text import as_data, as_text
from shanshui.commands.explained import explained
from shanshui.commands.judged import Judged
from shanshui.commands.options import Common, parse, parse_size, require_positive, resolve_device
from shanshui.commands.outcome import Outcome
from shanshui.commands.terminal import terminal
from shanshui.errors import ConfigError
from shanshui.evaluation.assess import Assessor
from shanshui.evaluation.assessment import Assessment
from shanshui.evaluation.collection import (
    Collection,
    Lens,
    collect,
    collect_stills,
    collect_stylized,
    with_progress,
)
from shanshui.evaluation.diversity import PairDistance
from shanshui.evaluation.features import Extractor, together
from shanshui.evaluation.figures import (
    ALWAYS_THERE,
    complete,
    default_figures,
    distance_of,
    features_needed,
    painting_figures,
)
from shanshui.evaluation.gallery import spread
from shanshui.evaluation.report import render
from shanshui.evaluation.stills import stills
from shanshui.events import Emit
from shanshui.networks.encoders.spectrum import Spectrum
from shanshui.scenes.sources import open_source

MOST_MADE = 2000  # images that a model makes when no count is given: enough for every figure
SHOWN = 32  # real images in a report


@dataclass(frozen=True, kw_only=True)
class Evaluate(Common):
    """Measure how close images come to real ones, and say in words what they lack.

    The name of a figure is its whole protocol: kid_vgg19_relu5_4_128px_598v2000 is the kernel distance of VGG-19's
    layer relu5_4, both sides at 128 px, 598 real images against 2000 judged ones. For example:

        shanshui evaluate --real photos.zip/heldout --model landscape
        shanshui evaluate --real photos.zip/heldout --train photos.zip/train --model landscape --report report.html
        shanshui evaluate --real photos.zip/heldout --fake mine/ --fake theirs/
        shanshui evaluate --real photos.zip/heldout --run runs/holiday --count 500
        shanshui evaluate --real paintings.zip/heldout --content photos/ --model painter --style monet

    How far a stylizer's pictures move under attack is measured by other options, which `shanshui evaluate --robustness
    MODEL --help` lists:

        shanshui evaluate --robustness painter --photos photos.zip/heldout
    """

    real: Path
    """Real images: a folder, an archive, or ARCHIVE/FOLDER. Held-out ones, where --train is given."""
    fake: Annotated[tuple[Path, ...], tyro.conf.UseAppendAction] = ()
    """Images to judge, as a data set. Repeatable: sets are shown side by side."""
    model: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """A model to judge: a name, a .safetensors file, or a hub id. Repeatable."""
    run: Path | None = None
    """A run of `train scene`, of which every snapshot is judged."""
    train: Path | None = None
    """What the judged model learned from, to find copies of it."""
    content: Path | None = None
    """Photos that stylised pictures were made from; --real are paintings then."""
    style: str | None = None
    """The style in which --model paints the photos of --content."""
    extractor: str = "vgg19"
    """The network that judges: vgg19, effnetlite1, inception2015, dinov2s, or a TorchScript or ONNX file."""
    metrics: tuple[str, ...] = ()
    """Figures: a measure (kid, frechet, precision3), alone or with its feature (kid_vgg19_relu4_4). When left out: KID,
    precision, recall, density, coverage, copies, detail, and from 2,000 images a side on the Frechet distance."""
    count: int | None = None
    """How many images to judge; when left out, all of --fake, and of a model as many as are real, at most 2000."""
    seed: int = 0
    """Of the images that a model makes."""
    size: str | None = None
    """WxH in pixels that all images are brought to; the size of the smallest judged ones when left out."""
    batch_size: int | None = None
    """Images at a time; when left out, 8 on a processor, whose cache holds no more, and 64 on a GPU."""
    report: Path | None = None
    """Also write the figures, with images and charts to look at, as one HTML file, and beside it as JSON."""


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`; what --robustness measures has options of its own."""
    if any(text.partition("=")[0] == "--robustness" for text in argv):
        return robustness.main(argv)
    options = parse(Evaluate, "evaluate", argv)
    with terminal() as emit:
        return run(options, emit)


def run(options: Evaluate, emit: Emit) -> Outcome:
    """Measure, and write the report."""
    given = {"batch_size": options.batch_size, "count": options.count}
    require_positive(**{name: value for name, value in given.items() if value is not None})
    if options.report is not None and options.report.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"--report {options.report} is no page: give a name that ends in .html.")
    device = resolve_device(options.device)
    network = open_extractor(options.extractor, device=device)
    sets = _sets(options, device, emit)
    size = judged.common_size(sets) if options.size is None else parse_size(options.size)
    real = stills(open_source(options.real), *size, emit=emit)
    features = _features_of(network, size, device)
    figures = _figures(options, features, reals=len(real.source), fakes=max(each.total for each in sets))
    lens = Lens(
        extractor=together(network, Spectrum().to(device)),
        height=size[0],
        width=size[1],
        batch_size=_batch_size(options, device),
        device=device,
    )
    needed = {*features_needed(figures), "spectrum"}
    assessor = Assessor(
        real=collect_stills(real, needed, lens, emit=emit),
        train=None
        if options.train is None
        else collect_stills(stills(open_source(options.train), *size, emit=emit), needed, lens, emit=emit),
        figures=figures,
        height=size[0],
        width=size[1],
        distances=_distances(figures, device),
    )
    assessments = [_assess(each, assessor, lens, emit) for each in sets]
    data = as_data(assessments, real=str(options.real), size=size)
    if options.report is not None:
        _write_report(options.report, assessor.real, assessments, data)
    return Outcome(data=data, text=as_text(assessments), as_json=options.json)


def _sets(options: Evaluate, device: torch.device, emit: Emit) -> list[Judged]:
    """Everything that is to be judged, in the order in which it is shown."""
    made = min(len(open_source(options.real)), MOST_MADE) if options.count is None else options.count
    if (options.style is not None) != (options.content is not None and bool(options.model)):
        raise ConfigError("A stylizer is judged by --model, --style and --content together: give all three.")
    sets: list[Judged] = []
    for place in options.fake:
        if options.content is None:
            sets.append(judged.data_set(place, options.count, emit))
        else:
            sets.append(judged.paired(place, options.content, emit))
    for name in options.model:
        if options.content is None:
            sets.append(judged.model(name, made, options.seed, _batch_size(options, device), device))
        else:
            assert options.style is not None
            sets.append(judged.painted(name, options.style, options.content, options.count, device, emit))
    if options.run is not None:
        sets += judged.snapshots(options.run, made, options.seed, _batch_size(options, device), device)
    if not sets:
        raise ConfigError("What is to be judged is missing: give --fake PATH, --model NAME or --run DIR.")
    if options.content is not None:
        sets += judged.painting_controls(options.real, options.content, options.count, emit)
    return sets


def _figures(options: Evaluate, features: Sequence[str], *, reals: int, fakes: int) -> tuple[str, ...]:
    """The figures that were asked for, or the usual ones, with the feature of each.

    Raises:
        ConfigError: a figure that does not exist, or none that looks at features.
    """
    if options.content is not None:
        usual = painting_figures(features)
    else:
        usual = default_figures(features, reals=reals, fakes=fakes, trained=options.train is not None)
    figures = tuple(dict.fromkeys(complete(figure, features) for figure in options.metrics or usual))
    needed = features_needed(figures)
    unknown = sorted(needed - {*features, "spectrum"})
    if unknown:
        raise ConfigError(
            f"--extractor {options.extractor} has no feature {unknown[0]}: it gives {', '.join(features)}."
        )
    if not needed:
        raise ConfigError("--metrics has no figure that looks at features: add kid.")
    return figures


def _batch_size(options: Evaluate, device: torch.device) -> int:
    if options.batch_size is not None:
        return options.batch_size
    return 8 if device.type == "cpu" else 64


def _features_of(network: Extractor, size: tuple[int, int], device: torch.device) -> tuple[str, ...]:
    """Names of what `network` gives, in its order, found out on a blank image."""
    with torch.inference_mode():
        return tuple(network(torch.zeros(1, 3, *size, device=device)))


def _distances(figures: Sequence[str], device: torch.device) -> dict[str, PairDistance]:
    """The distances between images that `figures` ask for, but for the one that is always there."""
    names = {name for figure in figures if (name := distance_of(figure)) is not None} - {ALWAYS_THERE}
    return {name: open_distance(name, device=device) for name in sorted(names)}


def _assess(each: Judged, assessor: Assessor, lens: Lens, emit: Emit) -> Assessment:
    size = lens.height, lens.width
    images = with_progress(each.images(size), each.total, emit)
    if each.photos is None:
        collection = collect(each.label, images, lens)
    else:
        collection = collect_stylized(each.label, images, each.photos(size), assessor.distances, lens)
    return assessor.assess(collection, images_seen=each.images_seen, looks_through=each.looks_through)


def _write_report(path: Path, real: Collection, assessments: Sequence[Assessment], data: Mapping[str, Any]) -> None:
    images = [real.image(row) for row in spread(len(real), SHOWN)]
    atomic_write_text(path, render(assessments, real=real.label, real_images=images, explain=explained))
    atomic_write_text(path.with_suffix(".json"), json.dumps(data, indent=2, ensure_ascii=False) + "\n")
