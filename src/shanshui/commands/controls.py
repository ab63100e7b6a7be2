"""The controls of everything that paints, as options, and what they ask for."""

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import tyro

from shanshui.commands.crediting import Credited
from shanshui.commands.wishes import parse_region, public_region
from shanshui.errors import ConfigError
from shanshui.pipelines.treatment import Colors, Exactness, Treatment, Wrap, stroke_scale_of


@dataclass(frozen=True, kw_only=True)
class Controls(Credited):
    """What every command that paints takes."""

    strength: float = 1.0
    """From 0 (the photo) to 1 (the painting)."""
    keep_colors: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Take brush and light from the style, but the colour at each place from the photo."""
    match_colors: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Paint with the photo's colours on the whole: their mean and spread, not their places."""
    stroke_scale: float = 1.0
    """Size of the strokes, from 0.25 (fine) to 4 (broad)."""
    stroke_cm: Annotated[float | None, tyro.conf.arg(metavar="CM")] = None
    """Width of the strokes in centimetres of a print at --dpi, instead of --stroke-scale."""
    dpi: float = 300.0
    """Pixels of the print for each inch; counts for --stroke-cm alone."""
    flat_skies: Annotated[bool, tyro.conf.FlagCreatePairsOff] = True
    """Let blobs come up in even skies and waters, instead of holding them down."""
    mask: Path | None = None
    """A picture, white where to paint and black where the photo stays."""
    region: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="WHERE=STYLE[:STRENGTH]")] = ()
    """Give a part a style of its own. WHERE is sky, water, foliage, rock or built, which are looked for in the photo,
    or the file of a mask. Repeatable; later ones lie over earlier ones."""
    wrap: Wrap = "no"
    """Join edges, so that no seam shows: x (left and right), y (top and bottom) or both, to tile; sphere for an
    equirectangular photo, whose poles are then painted as they look from inside."""
    statistics: Exactness = "exact"
    """Whether a large photo is painted exactly as a small one would be, or, faster, with the statistics of a sample."""
    max_memory: Annotated[float, tyro.conf.arg(metavar="GB")] = 1.0
    """Memory for feature maps; a photo that needs more is painted by strips, with the same result, through temporary
    files."""


def treatment_of(options: Controls) -> Treatment:
    """What the controls ask for.

    Raises:
        ConfigError: a value that cannot work, or two that do the same.
    """
    if options.keep_colors and options.match_colors:
        raise ConfigError("--keep-colors and --match-colors are two ways to do the same: give one of them.")
    colors: Colors = "luminance" if options.keep_colors else "statistics" if options.match_colors else "painting"
    return Treatment(
        strength=options.strength,
        colors=colors,
        stroke_scale=_stroke_scale(options),
        flat_skies=options.flat_skies,
        mask=options.mask,
        wrap=options.wrap,
        statistics=options.statistics,
        max_memory=_bytes(options.max_memory),
        regions=tuple(parse_region(text) for text in options.region),
    )


def told(options: Controls) -> dict[str, Any]:
    """The strength, and each control that is not where it stands by itself, for `credited`."""
    shared = {each.name for each in fields(Credited)} | {"max_memory"}  # which changes nothing that shows
    moved = {
        each.name: getattr(options, each.name)
        for each in fields(Controls)
        if each.name not in shared and getattr(options, each.name) != each.default
    }
    plain: dict[str, Any] = {
        "mask": None if options.mask is None else options.mask.name,
        "region": [public_region(text) for text in options.region],
    }
    return {"strength": options.strength} | {name: plain.get(name, value) for name, value in moved.items()}


def _stroke_scale(options: Controls) -> float:
    if options.stroke_cm is None:
        return options.stroke_scale
    if options.stroke_scale != 1:
        raise ConfigError("--stroke-scale and --stroke-cm are two ways to do the same: give one of them.")
    return stroke_scale_of(options.stroke_cm, options.dpi)


def _bytes(gigabytes: float) -> int:
    if not 0 <= gigabytes < math.inf:
        raise ConfigError(f"--max-memory is {gigabytes}: give gigabytes, 0 or more.")
    return int(gigabytes * 2**30)
