"""`shanshui stylize`: photos painted in named styles or after any painting, as a whole or part by part."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from shanshui.commands.batch import paint_batch
from shanshui.commands.controls import Controls, treatment_of
from shanshui.commands.controls import told as controls_told
from shanshui.commands.crediting import credited, note_of
from shanshui.commands.films import figures, paint_films, plan_films, told
from shanshui.commands.on_ray import paint_on_ray
from shanshui.commands.options import Engine, parse, resolve_device
from shanshui.commands.outcome import Outcome
from shanshui.commands.photos import STREAM, photos_in, plan_outputs
from shanshui.commands.style_sheet import style_sheet
from shanshui.commands.stylizers import ANY, NAMED, open_stylizer
from shanshui.commands.terminal import terminal
from shanshui.commands.textures import plan_textures
from shanshui.commands.wishes import addition, is_picture, parse_blend, parse_region, public_style
from shanshui.errors import ConfigError, StorageError
from shanshui.events import Emit, ignore
from shanshui.images.credentials import Making
from shanshui.images.files import Picture, from_any, png_of, write_picture
from shanshui.images.footage.reel import is_film
from shanshui.pipelines.generate import SceneGenerator
from shanshui.pipelines.stylize import Stylizer
from shanshui.training.gatys import GatysConfig

TASK = "stylize"
PAINTED: Making = "compositeWithTrainedAlgorithmicMedia"
StylizeEngine = Literal[Engine, "ray"]
SHEET = Path("styles.jpg")
SHOWN_SEED = 7  # of the scene on which styles are shown when no photo is given


@dataclass(frozen=True, kw_only=True)
class Stylize(Controls):
    """Paint photos and films in a named style, after a painting, or in a blend; the size stays exactly the same.

    A photo is a file, a folder or an archive of photos, a pattern in quotes, or - for standard input; a film is a file,
    and its paint moves with what it lies on. A film that was interrupted goes on where it was when the command is given
    again. For example:

        shanshui stylize photo.jpg --style monet
        shanshui stylize photo.jpg --style my-painting.jpg --stroke-scale 1.5
        shanshui stylize photo.jpg --style monet:0.6 --style ink:0.4 --out blend.png
        shanshui stylize photo.jpg --style hudson-river --region sky=starry-night --region built=ink:0.3
        shanshui stylize holiday/ --style ukiyoe --strength 0.8 --out painted/
        shanshui stylize "raw/**/*.tif" --style ink --out painted/ --skip-existing --manifest painted/log.jsonl
        shanshui stylize s3://bucket/photos --style ink --out s3://bucket/painted --engine ray --manifest log.jsonl
        shanshui stylize clip.mp4 --style monet
        shanshui stylize photo.jpg --contact-sheet
    """

    photo: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Photos, folders or archives; or films."""
    style: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="NAME|IMAGE[:WEIGHT]")] = ()
    """A style of the model, or the file of a painting. Repeat it for a blend, with weights or in equal parts."""
    model: str | None = None
    """A model that ships (see `shanshui models`), a .safetensors or .onnx file, a hub id, or gatys, which optimises
    each picture by itself for minutes; when left out, painter for names and painter-any for paintings."""
    engine: StylizeEngine = "torch"
    """What computes: torch; onnx, onnxruntime on the processor, which exports a model when it first needs it and keeps
    the graph in the cache folder; or ray, torch in the workers of a Ray cluster, for many photos."""
    gatys: GatysConfig = field(default_factory=GatysConfig)
    """How pictures are optimised with --model gatys."""
    progress: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """With --model gatys, a folder for the picture as it is after every tenth round."""
    pbr: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Take folders of game textures: paint base colour (rock_albedo.png, rock_basecolor.png, ...) and copy all other
    maps into the folder --out as they are."""
    skip_existing: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Leave results alone that are there already: a batch that was interrupted goes on where it was."""
    manifest: Annotated[Path | None, tyro.conf.arg(metavar="FILE.jsonl")] = None
    """Append a line for each photo: done, skipped or failed, and why."""
    contact_sheet: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Paint small, in all named styles, on one sheet for each photo."""
    list_styles: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print the names of the styles and show them on a sheet, styles.jpg or --out: of the photo, or of a scene."""
    out: Path | None = None
    """A file for one photo or film, a folder for several, - for standard output (PNG); when left out, PHOTO-STYLE in
    the working directory."""


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`."""
    options = parse(Stylize, "stylize", argv)
    with terminal() as emit:
        if options.list_styles:
            return list_styles(options, emit)
        if any(map(is_film, options.photo)):
            return stylize_films(options, emit)
        paths = run(options, emit)
    return Outcome(
        data={"model": _model(options), "style": list(options.style), "files": [str(path) for path in paths]},
        text="\n".join(str(path) for path in paths),
        as_json=options.json,
    )


def run(options: Stylize, emit: Emit) -> list[Path]:
    """Write one picture for each photo and return the paths, in order.

    Raises:
        ImageError: a photo cannot be read; where there are several, the others are painted first.
    """
    ending, paint = _brush(options, emit)
    if options.engine == "ray":
        return _on_ray(options, ending, emit)
    return _each(options, ending, paint, emit)


def brush_of(options: Stylize) -> Callable[[Picture], Picture]:
    """What paints as `options` ask, for workers elsewhere."""
    return _brush(options, ignore)[1]


def _brush(options: Stylize, emit: Emit) -> tuple[str, Callable[[Picture], Picture]]:
    """What paints as `options` ask, and what its results are called."""
    stylizer = _opened(options, emit)
    treatment = treatment_of(options)
    if options.contact_sheet:

        def sheet(photo: Picture) -> Picture:
            return credited(style_sheet(stylizer, photo, treatment, emit), options, _model(options), PAINTED)

        return "styles", sheet
    blend = parse_blend(options.style, stylizer.styles)

    def paint(photo: Picture) -> Picture:
        return credited(
            stylizer.paint(photo, blend, treatment), options, _model(options), PAINTED, **_settings(options)
        )

    return addition(blend), paint


def stylize_films(options: Stylize, emit: Emit) -> Outcome:
    """Paint films, and say how steady they are.

    Raises:
        ConfigError: photos are among them, or a sheet is asked for.
        ImageError: a film cannot be read; where there are several, the others are painted first.
    """
    if options.contact_sheet or options.list_styles or not all(map(is_film, options.photo)):
        raise ConfigError("Films are painted by themselves: give photos and sheets in another call.")
    if options.engine == "ray":
        raise ConfigError("A film is painted frame after frame, by one process: leave --engine ray out.")
    stylizer = _opened(options, emit)
    blend = parse_blend(options.style, stylizer.styles)
    targets = plan_films(options.photo, addition(blend), options.out)
    note = note_of(options, _model(options), PAINTED, **_settings(options))
    painted = paint_films(options.photo, targets, stylizer, blend, treatment_of(options), emit, note)
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


def list_styles(options: Stylize, emit: Emit) -> Outcome:
    """Print the styles of a model, and paint a sheet of them."""
    stylizer = _opened(options, emit)
    shown = photos_in(options.photo[0])[0].read() if options.photo else _scene(options)
    sheet = options.out or SHEET
    making: Making = PAINTED if options.photo else "trainedAlgorithmicMedia"
    painted = style_sheet(stylizer, shown, treatment_of(options), emit)
    write_picture(sheet, credited(painted, options, _model(options), making))
    return Outcome(
        data={"model": _model(options), "styles": list(stylizer.styles), "sheet": str(sheet)},
        text="\n".join([*stylizer.styles, f"They are shown in {sheet}."]),
        as_json=options.json,
    )


def _each(options: Stylize, ending: str, paint: Callable[[Picture], Picture], emit: Emit) -> list[Path]:
    if options.pbr:
        photos, targets = plan_textures(options.photo, options.out, emit, task=TASK)
    else:
        photos = [photo for place in options.photo for photo in photos_in(place)]
        if not photos:
            raise ConfigError("No photo was named: give at least one file, folder or archive.")
        if options.out == STREAM and len(photos) == 1:
            return _to_stdout(options, paint(photos[0].read()))
        targets = plan_outputs(photos, ending, options.out)
    batch = paint_batch(
        photos, targets, paint, emit, task=TASK, skip_existing=options.skip_existing, manifest=options.manifest
    )
    return batch.written


def _on_ray(options: Stylize, ending: str, emit: Emit) -> list[Path]:
    if options.pbr:
        raise ConfigError("--pbr paints folders of textures on this machine: leave --engine ray out.")
    batch = paint_on_ray(
        options.photo,
        options.out,
        ending,
        partial(brush_of, options),
        emit,
        task=TASK,
        skip_existing=options.skip_existing,
        manifest=options.manifest,
        on_gpus=resolve_device(options.device).type == "cuda",
    )
    return batch.written


def _to_stdout(options: Stylize, result: Picture) -> list[Path]:
    if options.json:
        raise ConfigError("--json and --out - both want standard output: give one of them.")
    try:
        sys.stdout.buffer.write(png_of(result))
        sys.stdout.buffer.flush()
    except OSError as error:
        raise StorageError(f"The picture cannot be written to standard output ({error.strerror}).") from error
    return []


def _opened(options: Stylize, emit: Emit) -> Stylizer:
    device = resolve_device(options.device)
    note = None if options.progress is None else note_of(options, _model(options), PAINTED, **_settings(options))
    return open_stylizer(
        _model(options),
        device,
        emit,
        engine="torch" if options.engine == "ray" else options.engine,
        gatys=options.gatys,
        progress=options.progress,
        note=note,
    )


def _model(options: Stylize) -> str:
    """The model that was named, or the one that can do what was asked for."""
    if options.model is not None:
        return options.model
    regions = [parse_region(text).style for text in options.region]
    wanted = [*parse_blend(options.style, ()), *map(str, regions)] if options.style else map(str, regions)
    return ANY if any(is_picture(style) for style in wanted) else NAMED


def _settings(options: Stylize) -> dict[str, Any]:
    return {"style": [public_style(text) for text in options.style], **controls_told(options)}


def _scene(options: Stylize) -> Picture:
    scenes = SceneGenerator.from_pretrained("landscape", device=resolve_device(options.device))
    return from_any(next(iter(scenes.generate(count=1, seed=SHOWN_SEED))))
