"""`shanshui augment`: a labelled data set, several times as large."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import torch
import tyro

from shanshui.commands.augmenting import Multiplied, multiply
from shanshui.commands.crediting import Credited, credited
from shanshui.commands.options import parse, require_positive, resolve_device
from shanshui.commands.outcome import Outcome
from shanshui.commands.terminal import terminal
from shanshui.errors import ConfigError
from shanshui.events import Emit
from shanshui.images.files import Picture
from shanshui.pipelines.augment import Augmenter, Composed, Generated, Maker, Painted, Variant
from shanshui.pipelines.compose import SceneComposer
from shanshui.pipelines.generate import SceneGenerator
from shanshui.pipelines.stylize import Stylizer
from shanshui.scenes.labelled import labelled
from shanshui.scenes.sources import open_source

TASK = "augment"
COMPOSER = "composer"


@dataclass(frozen=True, kw_only=True)
class Augment(Credited):
    """Make a labelled data set several times as large: variants of its photos, under the same labels.

    A label is a folder, as in SOURCE/beach/1.jpg. Where SOURCE has a folder train (SOURCE/train/beach/1.jpg), folders
    beside it such as heldout or test are copied as they are, and nothing is made of them. OUT/manifest.jsonl says of
    each file where it comes from. When the work was interrupted, the same command goes on where it was; a larger
    --times adds to what is there. For example:

        shanshui augment photos/ more/ --times 4
        shanshui augment photos.zip more/ --times 3 --style monet --style oil --strength 0.3 0.6
        shanshui augment photos/ more/ --times 5 --with styles composed --composer runs/mine/composer.safetensors
        shanshui augment photos/ more/ --times 4 --with styles generated --generator runs/mine/best.safetensors
    """

    # A signature holds chance and the time, and the same seed is to give the same files.
    signs_by_itself: ClassVar[bool] = False

    source: Annotated[Path, tyro.conf.Positional]
    """A folder, a zip or tar archive, or ARCHIVE/FOLDER inside one."""
    out: Annotated[Path, tyro.conf.Positional]
    """Folder to write to; made when missing."""
    times: int
    """How many times as many photos to learn from: each photo with TIMES - 1 variants."""
    kinds: Annotated[tuple[Literal["styles", "composed", "generated"], ...], tyro.conf.arg(name="with")] = ("styles",)
    """Of which kind, in turn: styles (the photo painted), composed (painted and taken back to nature), generated
    (another scene of that label, from a generator that was told the labels)."""
    style: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="NAME|IMAGE")] = ()
    """A style to paint in. Repeatable; all that the model knows by name when left out."""
    strength: tuple[float, float] = (0.3, 0.8)
    """The weakest and the strongest painting, from 0 (the photo) to 1 (the painting)."""
    keep_colors: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Paint with the colour of each place in the photo, for labels that depend on it."""
    naturalness: tuple[float, float] = (0.3, 0.8)
    """The least and the most natural of composed scenes, from 0 (the painting) to 1 (a natural scene)."""
    seed: int = 0
    """Another seed, other variants."""
    painter: str = "painter"
    """The model that paints: a name, a .safetensors file, or a hub id."""
    composer: str = COMPOSER
    """The model that composes."""
    generator: str = "landscape"
    """The model that generates."""


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`."""
    options = parse(Augment, TASK, argv)
    with terminal() as emit:
        made = run(options, emit)
    return Outcome(
        data={
            "out": str(options.out),
            "manifest": str(made.manifest),
            "labels": list(made.labels),
            "kinds": dict(made.kinds),
            "held_out": made.held_out,
            "left_out": list(made.left_out),
        },
        text=_told(options.out, made),
        as_json=options.json,
    )


def run(options: Augment, emit: Emit) -> Multiplied:
    """Write the larger data set.

    Raises:
        ConfigError: a value that cannot work, or a place that cannot be written to.
        DataError: the photos have no clear labels or splits, or none can be used.
        ModelError: a model is missing.
    """
    require_positive(times=options.times)
    source = open_source(options.source)
    files = labelled(source)
    makers = _makers(options, files.labels, resolve_device(options.device))

    def noted(picture: Picture, variant: Variant) -> Picture:
        making: Literal["trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"] = (
            "trainedAlgorithmicMedia" if variant.kind == "generated" else "compositeWithTrainedAlgorithmicMedia"
        )
        known = {"style": variant.style, "strength": variant.strength, "naturalness": variant.naturalness}
        settings = {name: value for name, value in known.items() if value is not None}
        return credited(picture, options, variant.model, making, seed=variant.seed, **settings)

    return multiply(
        source,
        files,
        options.out,
        augmenter=Augmenter(makers, seed=options.seed),
        variants=options.times - 1,
        finish=noted,
        emit=emit,
        task=TASK,
    )


def _makers(options: Augment, labels: tuple[str, ...], device: torch.device) -> list[Maker]:
    """What makes each kind that was asked for.

    Raises:
        ConfigError: a kind is named twice, or a value that cannot work.
        ModelError: a model is missing.
    """
    if len(set(options.kinds)) < len(options.kinds):
        raise ConfigError("--with names a kind twice: name each once.")
    makers: list[Maker] = []
    for kind in options.kinds:
        match kind:
            case "styles":
                makers.append(_painted(options, device))
            case "composed":
                makers.append(_composed(options, device))
            case "generated":
                generator = SceneGenerator.from_pretrained(options.generator, device=device)
                makers.append(Generated(generator=generator, model=options.generator, labels=labels))
    return makers


def _painted(options: Augment, device: torch.device) -> Painted:
    painter = Stylizer.from_pretrained(options.painter, device=device)
    return Painted(
        painter=painter,
        model=options.painter,
        styles=options.style or painter.styles,
        strengths=options.strength,
        colors="luminance" if options.keep_colors else "painting",
    )


def _composed(options: Augment, device: torch.device) -> Composed:
    composer = SceneComposer.from_pretrained(options.composer, device=device)
    return Composed(
        composer=composer,
        model=options.composer,
        styles=options.style or composer.styles,
        naturalness=options.naturalness,
    )


def _told(out: Path, made: Multiplied) -> str:
    """What was made, in a few lines."""
    counts = ", ".join(f"{count:,} {kind}" for kind, count in made.kinds.items())
    lines = [f"{out}: {counts}; {len(made.labels) or 'no'} labels."]
    if made.held_out:
        lines.append(f"  held out, copied as they are: {made.held_out:,}")
    if made.left_out:
        lines.append(f"  left out because they cannot be read: {len(made.left_out):,}")
    lines.append(f"  {made.manifest} says where each comes from.")
    return "\n".join(lines)
