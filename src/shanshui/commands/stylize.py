"""`shanshui stylize`: photos painted in named styles or after any painting, as a whole or part by part."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from shanshui.commands.films import figures, paint_films, plan_films, told
from shanshui.commands.options import Common, parse, resolve_device
from shanshui.commands.outcome import Outcome
from shanshui.commands.photos import photos_in, plan_outputs
from shanshui.commands.style_sheet import style_sheet
from shanshui.commands.stylizers import ANY, NAMED, open_stylizer
from shanshui.commands.terminal import terminal
from shanshui.commands.wishes import is_picture, parse_blend, parse_region
from shanshui.errors import ConfigError, ImageError
from shanshui.events import Emit, Finished, ImageReady, Progress, Started, Warned
from shanshui.images.files import Picture, from_any, write_picture
from shanshui.images.footage.reel import is_film
from shanshui.pipelines.generate import SceneGenerator
from shanshui.pipelines.stylize import Stylizer
from shanshui.pipelines.treatment import Colors, Treatment, Wrap
from shanshui.training.gatys import GatysConfig

TASK = "stylize"
SHEET = Path("styles.jpg")
SHOWN_SEED = 7  # of the scene on which styles are shown when no photo is given


@dataclass(frozen=True, kw_only=True)
class Stylize(Common):
    """Paint photos and films in a named style, after a painting, or in a blend; the size stays exactly the same.

    A photo is a file, a folder or an archive of photos; a film is a file, and its paint moves with what it lies on. A
    film that was interrupted goes on where it was when the command is given again. For example:

        shanshui stylize photo.jpg --style monet
        shanshui stylize photo.jpg --style my-painting.jpg --stroke-scale 1.5
        shanshui stylize photo.jpg --style monet:0.6 --style ink:0.4 --out blend.png
        shanshui stylize photo.jpg --style hudson-river --region sky=starry-night --region built=ink:0.3
        shanshui stylize holiday/ --style ukiyoe --strength 0.8 --out painted/
        shanshui stylize clip.mp4 --style monet
        shanshui stylize photo.jpg --contact-sheet
    """

    photo: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Photos, folders or archives; or films."""
    style: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="NAME|IMAGE[:WEIGHT]")] = ()
    """A style of the model, or the file of a painting. Repeat it for a blend, with weights or in equal parts."""
    model: str | None = None
    """A model that ships (see `shanshui models`), a .safetensors file, a hub id, or gatys, which optimises each picture
    by itself for minutes; when left out, painter for names and painter-any where a style is a painting."""
    strength: float = 1.0
    """From 0 (the photo) to 1 (the painting)."""
    keep_colors: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Take brush and light from the style, but the colour at each place from the photo."""
    match_colors: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Paint with the photo's colours on the whole: their mean and spread, not their places."""
    stroke_scale: float = 1.0
    """Size of the strokes, from 0.25 (fine) to 4 (broad)."""
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
    max_memory: Annotated[float, tyro.conf.arg(metavar="GB")] = 1.0
    """Memory for feature maps; a photo that needs more is painted by strips, with the same result, through temporary
    files."""
    gatys: GatysConfig = field(default_factory=GatysConfig)
    """How pictures are optimised with --model gatys."""
    progress: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """With --model gatys, a folder for the picture as it is after every tenth round."""
    contact_sheet: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Paint small, in all named styles, on one sheet for each photo."""
    list_styles: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print the names of the styles and show them on a sheet, styles.jpg or --out: of the photo, or of a scene."""
    out: Path | None = None
    """A file for one photo or film, a folder for several; when left out, PHOTO-STYLE in the working directory."""


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`."""
    options = parse(Stylize, "stylize", argv)
    with terminal() as emit:
        if any(map(is_film, options.photo)):
            return stylize_films(options, emit)
        if options.list_styles:
            return list_styles(options, emit)
        paths = run(options, emit)
    return Outcome(
        data={"model": _model(options), "style": list(options.style), "files": [str(path) for path in paths]},
        text="\n".join(str(path) for path in paths),
        as_json=options.json,
    )


def stylize_films(options: Stylize, emit: Emit) -> Outcome:
    """Paint films, and say how steady they are.

    Raises:
        ConfigError: photos are among them, or a sheet is asked for.
        ImageError: a film cannot be read; where there are several, the others are painted first.
    """
    if options.contact_sheet or options.list_styles or not all(map(is_film, options.photo)):
        raise ConfigError("Films are painted by themselves: give photos and sheets in another call.")
    stylizer = open_stylizer(_model(options), resolve_device(options.device), emit)
    blend = parse_blend(options.style, stylizer.styles)
    targets = plan_films(options.photo, _addition(blend), options.out)
    painted = paint_films(options.photo, targets, stylizer, blend, _treatment(options), emit)
    return Outcome(
        data={
            "model": _model(options),
            "style": list(options.style),
            "files": [str(film.path) for film in painted],
            "films": [figures(film) for film in painted],
        },
        text="\n".join(told(film) for film in painted),
        as_json=options.json,
    )


def run(options: Stylize, emit: Emit) -> list[Path]:
    """Write one picture for each photo and return the paths, in order.

    Raises:
        ImageError: a photo cannot be read; where there are several, the others are painted first.
    """
    stylizer = _opened(options, emit)
    treatment = _treatment(options)
    if options.contact_sheet:
        return _each(options, "styles", lambda photo: style_sheet(stylizer, photo, treatment, emit), emit)
    blend = parse_blend(options.style, stylizer.styles)
    return _each(options, _addition(blend), lambda photo: stylizer.paint(photo, blend, treatment), emit)


def list_styles(options: Stylize, emit: Emit) -> Outcome:
    """Print the styles of a model, and paint a sheet of them."""
    stylizer = _opened(options, emit)
    shown = photos_in(options.photo[0])[0].read() if options.photo else _scene(options)
    sheet = options.out or SHEET
    write_picture(sheet, style_sheet(stylizer, shown, _treatment(options), emit))
    return Outcome(
        data={"model": _model(options), "styles": list(stylizer.styles), "sheet": str(sheet)},
        text="\n".join([*stylizer.styles, f"They are shown in {sheet}."]),
        as_json=options.json,
    )


def _each(options: Stylize, addition: str, paint: Callable[[Picture], Picture], emit: Emit) -> list[Path]:
    photos = [photo for place in options.photo for photo in photos_in(place)]
    if not photos:
        raise ConfigError("No photo was named: give at least one file, folder or archive.")
    targets = plan_outputs(photos, addition, options.out)
    emit(Started(task=TASK, total=len(photos)))
    written: list[Path] = []
    failures: list[ImageError] = []
    for done, (photo, target) in enumerate(zip(photos, targets, strict=True), 1):
        try:
            write_picture(target, paint(photo.read()))
        except ImageError as error:
            if len(photos) == 1:
                raise
            failures.append(error)
            emit(Warned(task=TASK, message=str(error)))
        else:
            written.append(target)
            emit(ImageReady(task=TASK, name=target.stem, path=target, done=done))
        emit(Progress(task=TASK, done=done, values={}))
    if failures:
        raise ImageError(f"{len(failures)} of {len(photos)} photos could not be painted; the first: {failures[0]}")
    emit(Finished(task=TASK, done=len(photos), reason="complete"))
    return written


def _opened(options: Stylize, emit: Emit) -> Stylizer:
    device = resolve_device(options.device)
    return open_stylizer(_model(options), device, emit, gatys=options.gatys, progress=options.progress)


def _treatment(options: Stylize) -> Treatment:
    if options.keep_colors and options.match_colors:
        raise ConfigError("--keep-colors and --match-colors are two ways to do the same: give one of them.")
    colors: Colors = "luminance" if options.keep_colors else "statistics" if options.match_colors else "painting"
    return Treatment(
        strength=options.strength,
        colors=colors,
        stroke_scale=options.stroke_scale,
        flat_skies=options.flat_skies,
        mask=options.mask,
        wrap=options.wrap,
        max_memory=_bytes(options.max_memory),
        regions=tuple(parse_region(text) for text in options.region),
    )


def _bytes(gigabytes: float) -> int:
    if not 0 <= gigabytes < math.inf:
        raise ConfigError(f"--max-memory is {gigabytes}: give gigabytes, 0 or more.")
    return int(gigabytes * 2**30)


def _model(options: Stylize) -> str:
    """The model that was named, or the one that can do what was asked for."""
    if options.model is not None:
        return options.model
    regions = [parse_region(text).style for text in options.region]
    wanted = [*parse_blend(options.style, ()), *map(str, regions)] if options.style else map(str, regions)
    return ANY if any(is_picture(style) for style in wanted) else NAMED


def _addition(blend: Mapping[str, float]) -> str:
    return "-".join(_name(part) for part in blend)


def _name(style: str) -> str:
    return Path(style).stem if is_picture(style) else style


def _scene(options: Stylize) -> Picture:
    scenes = SceneGenerator.from_pretrained("landscape", device=resolve_device(options.device))
    return from_any(next(iter(scenes.generate(count=1, seed=SHOWN_SEED))))
