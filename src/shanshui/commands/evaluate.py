"""`shanshui evaluate`: how close generated images come to real ones."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from shanshui.atomic import atomic_write_text
from shanshui.commands.evaluate_page import in_words, render
from shanshui.commands.options import Common, parse, parse_size, require_positive, resolve_device
from shanshui.commands.outcome import Outcome
from shanshui.commands.terminal import terminal
from shanshui.errors import ConfigError
from shanshui.evaluation.estimates import Estimate
from shanshui.evaluation.features import Extractor, together
from shanshui.evaluation.judge import evaluate
from shanshui.evaluation.protocols import DEFAULT_FIGURES, features_of
from shanshui.evaluation.stills import stills
from shanshui.events import Emit, Finished, Progress, Started
from shanshui.images.files import read_picture
from shanshui.images.resize import fit_crop
from shanshui.networks.encoders.pooled import PooledEfficientNetLite1, PooledVGG19
from shanshui.pipelines.generate import SceneGenerator
from shanshui.scenes.base import Source
from shanshui.scenes.sources import open_source

TASK = "evaluate"
SHOWN = 16  # images of each side in a report
# First word of a feature -> the network that computes it.
EXTRACTORS: Mapping[str, Callable[[], nn.Module]] = {"vgg19": PooledVGG19, "effnetlite1": PooledEfficientNetLite1}


@dataclass(frozen=True, kw_only=True)
class Evaluate(Common):
    """Measure how close generated images come to real ones; every figure is a distance, so lower is better.

    The name of a figure is its whole protocol: kid_vgg19_relu5_4_128px_598v2000 is the kernel distance of VGG-19's
    layer relu5_4, both sides at 128 px, 598 real images against 2000 generated ones. For example:

        shanshui evaluate --real photos.zip/heldout --model landscape
        shanshui evaluate --real photos.zip/heldout --fake photos.zip/train
    """

    real: Path
    """Real images: a folder, an archive, or ARCHIVE/FOLDER."""
    fake: Path | None = None
    """Images to judge, as a data set; or give --model."""
    model: str | None = None
    """A scene generator to judge: a name, a .safetensors file, or a hub id."""
    metrics: tuple[str, ...] = DEFAULT_FIGURES
    """Measure and feature of each figure."""
    count: int = 2000
    """How many images the model makes."""
    seed: int = 0
    """Of the images that the model makes."""
    size: str | None = None
    """WxH in pixels that both sides are brought to; the size of the judged images when left out."""
    batch_size: int = 32
    """Images at a time; the figures do not depend on it."""
    report: Path | None = None
    """Also write the figures, with images of both sides to look at, as one HTML file."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The figures under their full names, in the order of `--metrics`, and a few images of each side."""

    figures: Mapping[str, Estimate]
    real: Sequence[NDArray[np.uint8]]
    judged: Sequence[NDArray[np.uint8]]


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`."""
    options = parse(Evaluate, "evaluate", argv)
    with terminal() as emit:
        verdict = run(options, emit)
    if options.report is not None:
        judged = options.model or str(options.fake)
        page = render(verdict.figures, verdict.real, verdict.judged, names=(str(options.real), judged))
        atomic_write_text(options.report, page)
    return Outcome(
        data={
            name: {"value": estimate.value, "standard_error": estimate.standard_error}
            for name, estimate in verdict.figures.items()
        },
        text="\n".join(f"{name}  {in_words(estimate)}" for name, estimate in verdict.figures.items()),
        as_json=options.json,
    )


def run(options: Evaluate, emit: Emit) -> Verdict:
    """Measure."""
    require_positive(count=options.count, batch_size=options.batch_size)
    if (options.fake is None) == (options.model is None):
        raise ConfigError("What is to be judged is not clear: give either --fake PATH or --model NAME.")
    device = resolve_device(options.device)
    extractor = extractor_of(options.metrics, device)
    real = open_source(options.real)
    (height, width), total, images = _judged(options, device, emit)
    shown: list[NDArray[np.uint8]] = []
    figures = evaluate(
        stills(real, height, width, emit=emit),
        _watched(images, total, shown, emit),
        extractor,
        options.metrics,
        height=height,
        width=width,
        digest=real.digest,
        batch_size=options.batch_size,
        device=device,
        emit=emit,
    )
    reals = list(stills(real, height, width, count=min(len(real), SHOWN)))
    return Verdict(figures=figures, real=reals, judged=[fit_crop(image, height, width) for image in shown])


def extractor_of(figures: Sequence[str], device: torch.device) -> Extractor:
    """One extractor with all the features that `figures` need.

    Raises:
        ConfigError: a figure that does not exist, or none at all.
    """
    families = sorted({feature.split("_", 1)[0] for feature in features_of(figures)})
    unknown = [family for family in families if family not in EXTRACTORS]
    if unknown or not families:
        raise ConfigError(f"--metrics has no figure on a known network: use for instance {', '.join(DEFAULT_FIGURES)}.")
    return together(*(EXTRACTORS[family]().to(device).eval() for family in families))


def _judged(
    options: Evaluate, device: torch.device, emit: Emit
) -> tuple[tuple[int, int], int, Iterable[NDArray[np.uint8]]]:
    """Size (height, width), number and stream of the images to judge."""
    if options.model is not None:
        generator = SceneGenerator.from_pretrained(options.model, device=device)
        size = generator.size if options.size is None else parse_size(options.size)
        scenes = generator.generate(options.count, options.seed, batch_size=options.batch_size)
        return size, options.count, (np.asarray(scene) for scene in scenes)
    assert options.fake is not None
    fake = open_source(options.fake)
    size = _size_of_first(fake) if options.size is None else parse_size(options.size)
    return size, len(fake), stills(fake, *size, emit=emit)


def _size_of_first(source: Source) -> tuple[int, int]:
    name = source.names[0]
    picture = read_picture(source.read(name), name=f"{name} in {source.label}")
    return picture.height, picture.width


def _watched(
    images: Iterable[NDArray[np.uint8]], total: int, shown: list[NDArray[np.uint8]], emit: Emit
) -> Iterator[NDArray[np.uint8]]:
    """`images` as they are, while progress is told and the first few are kept in `shown`."""
    emit(Started(task=TASK, total=total))
    done = 0
    for image in images:
        if done < SHOWN:
            shown.append(image)
        yield image
        done += 1
        emit(Progress(task=TASK, done=done, values={}))
    emit(Finished(task=TASK, done=done, reason="complete"))
