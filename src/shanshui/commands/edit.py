"""`shanshui edit`: scenes of a generator, changed by name."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from shanshui.commands.crediting import Credited, credited
from shanshui.commands.interpolate import parse_scenes, public_scene
from shanshui.commands.options import parse, require_positive, resolve_device
from shanshui.commands.outcome import Outcome
from shanshui.commands.terminal import terminal
from shanshui.errors import ConfigError
from shanshui.evaluation.references import default_cache_folder
from shanshui.events import Emit, Finished, ImageReady, Started
from shanshui.images.files import Picture, from_any, write_picture
from shanshui.images.grids import grid
from shanshui.pipelines.codes import CODE_SUFFIX, Scene
from shanshui.pipelines.steering.controls import CONTROLS
from shanshui.pipelines.steering.editor import SceneEditor

TASK = "edit"
SHEET = "sheet.png"


@dataclass(frozen=True, kw_only=True)
class Edit(Credited):
    """Change scenes of a generator by name: brighter, warmer, higher-horizon, more-green, more-cloud and others.

    Strength 1 moves what a control measures by one standard deviation among the scenes of the model, and keeps the rest
    where it can; -1 does the opposite. OUT/sheet.png shows each scene before and after, or at every strength. For
    example:

        shanshui edit --seed 7 --count 4 --control brighter=1.5 --control higher-horizon=-1 --out edited
        shanshui edit --seed 7 --count 4 --control warmer --strengths -2 -1 0 1 2 --out sweep
        shanshui edit --seed 7 --direction sefa:3=2 --out edited
        shanshui edit --list
    """

    out: Path = Path("edited")
    """Folder to write to; made when missing."""
    model: str = "landscape"
    """A model that ships (see `shanshui models`), a .safetensors file, or a hub id."""
    seed: int = 0
    """The scenes are those of `shanshui generate` with this seed."""
    count: int = 1
    """How many of them."""
    scenes: str | None = None
    """Other scenes, with commas: seeds (7), number 3 of a seed (7:3), code files of `shanshui project`."""
    control: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="NAME=STRENGTH")] = ()
    """A control (see --list) and its strength. Repeat it for several."""
    direction: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="KIND:NUMBER=STRENGTH")] = ()
    """A direction without a name: sefa:0, sefa:1, ... (what the model is most sensitive to) or pca:0, pca:1, ..."""
    strengths: tuple[float, ...] = ()
    """A column of the sheet for each; then one control or direction, named without a strength, takes them all."""
    layers: str | None = None
    """Of a style-based model: change only these layers, for instance 0-3; coarse ones come first."""
    truncation: float = 1.0
    """Below 1: more typical scenes, less variety. 0 makes every scene the same."""
    label: int | None = None
    """Class of the scenes by number, for a model that was trained on labelled folders; the first when left out."""
    codes: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Also write the code of each edited scene, a scene for `shanshui interpolate` and --scenes."""
    list_controls: Annotated[bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(name="list")] = False
    """List the controls and what they measure, and do nothing else."""


@dataclass(frozen=True, kw_only=True)
class Edited:
    """What was written, and how much each statistic moved on average, in standard deviations, at each strength."""

    files: Sequence[Path]
    moved: Sequence[Mapping[str, float]]


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`."""
    options = parse(Edit, TASK, argv)
    if options.list_controls:
        return listed(options)
    with terminal() as emit:
        edited = run(options, emit)
    files = [str(path) for path in edited.files]
    return Outcome(
        data={
            "model": options.model,
            "files": files,
            "strengths": list(options.strengths) or None,
            "moved": [dict(moved) for moved in edited.moved],
        },
        text="\n".join([*files, *_sentences(options.strengths, edited.moved)]),
        as_json=options.json,
    )


def listed(options: Edit) -> Outcome:
    """The controls, and what each measures."""
    rows = [{"name": control.name, "opposite": control.opposite, "measures": control.measures} for control in CONTROLS]
    text = "\n".join(f"{row['name']:<15} {row['opposite']:<14} {row['measures']}" for row in rows)
    return Outcome(data={"controls": rows}, text=text, as_json=options.json)


def run(options: Edit, emit: Emit) -> Edited:
    """Write the edited scenes and the sheet."""
    require_positive(count=options.count)
    wishes = dict(parse_strength(text) for text in (*options.control, *options.direction))
    if len(wishes) < len(options.control) + len(options.direction):
        raise ConfigError("A control or direction is named twice: give each one strength.")
    swept = swept_name(wishes, options.strengths)
    scenes: Sequence[Scene] = (
        [(options.seed, number) for number in range(options.count)]
        if options.scenes is None
        else parse_scenes(options.scenes)
    )
    editor = SceneEditor.from_pretrained(
        options.model,
        label=options.label,
        layers=None if options.layers is None else parse_layers(options.layers),
        cache=default_cache_folder(),
        device=resolve_device(options.device),
    )
    emit(Started(task=TASK, total=len(scenes)))
    before = editor.space.of(scenes, truncation=options.truncation)
    after = editor.edited(before, {name: strength for name, strength in wishes.items() if strength is not None})
    versions = [after] if swept is None else editor.swept(after, swept, options.strengths)
    files = [] if swept is not None else _write_scenes(options, editor, after)
    sheet = options.out / SHEET
    pixels = _sheet(editor, [before, *versions] if swept is None else versions)
    write_picture(sheet, _credited(pixels, options))
    emit(ImageReady(task=TASK, name=sheet.stem, path=sheet, done=len(scenes)))
    emit(Finished(task=TASK, done=len(scenes), reason="complete"))
    return Edited(files=[*files, sheet], moved=_moved(editor, before, versions))


def parse_strength(text: str) -> tuple[str, float | None]:
    """`brighter=1.5` as ("brighter", 1.5); without a strength ("brighter", None).

    Raises:
        ConfigError: what stands behind the equals sign is no number.
    """
    name, equals, strength = text.partition("=")
    try:
        return name.strip(), float(strength) if equals else None
    except ValueError as error:
        raise ConfigError(
            f"{text} has no strength behind the equals sign: write a number, as in {name}=1.5."
        ) from error


def parse_layers(text: str) -> range:
    """`0-3` as the layers 0, 1, 2, 3; `2` as that layer alone.

    Raises:
        ConfigError: of another form, or backwards.
    """
    match = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", text.strip())
    layers = range(0) if match is None else range(int(match[1]), int(match[2] or match[1]) + 1)
    if not layers:
        raise ConfigError(f"--layers {text} names no layers: write the first and the last, for instance 0-3.")
    return layers


def swept_name(wishes: Mapping[str, float | None], strengths: Sequence[float]) -> str | None:
    """The control or direction that takes `strengths`; None where there are none of either.

    Raises:
        ConfigError: nothing is wished, or names without strengths and strengths without a name do not pair up.
    """
    if not wishes:
        names = ", ".join(control.name for control in CONTROLS)
        raise ConfigError(f"Nothing is to be changed: name a --control ({names}) or a --direction (sefa:0, pca:0).")
    open_names = [name for name, strength in wishes.items() if strength is None]
    if len(open_names) != (1 if strengths else 0):
        raise ConfigError(
            "With --strengths one control or direction is named without a strength, and without it none: "
            f"{', '.join(open_names) or 'none'} has no strength here."
        )
    return open_names[0] if open_names else None


def _write_scenes(options: Edit, editor: SceneEditor, codes: Tensor) -> list[Path]:
    files = []
    for number, picture in enumerate(editor.space.pictures(codes)):
        path = options.out / f"edited-{number:04}.png"
        write_picture(path, _credited(picture, options, number=number))
        files.append(path)
        if options.codes:
            files.append(path.with_suffix(CODE_SUFFIX))
            editor.space.write(files[-1], codes[number : number + 1])
    return files


def _credited(pixels: Image.Image | NDArray[Any], options: Edit, **more: Any) -> Picture:
    scenes = (
        {"seed": options.seed}
        if options.scenes is None
        else {"scenes": [public_scene(text) for text in options.scenes.split(",")]}
    )
    strengths = {"strengths": list(options.strengths)} if options.strengths else {}
    return credited(
        from_any(pixels),
        options,
        options.model,
        "trainedAlgorithmicMedia",
        **scenes,
        wishes=[*options.control, *options.direction],
        **strengths,
        truncation=options.truncation,
        **more,
    )


def _sheet(editor: SceneEditor, versions: Sequence[Tensor]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A row for each scene, a column for each version of them all."""
    columns = [[np.asarray(picture) for picture in editor.space.pictures(codes)] for codes in versions]
    return grid([picture for row in zip(*columns, strict=True) for picture in row], len(versions))


def _moved(editor: SceneEditor, before: Tensor, versions: Sequence[Tensor]) -> list[dict[str, float]]:
    start = editor.measure(before)
    ends = [editor.measure(codes) for codes in versions]
    return [{name: float(np.mean(end[name]) - np.mean(start[name])) for name in start} for end in ends]


def _sentences(strengths: Sequence[float], moved: Sequence[Mapping[str, float]]) -> list[str]:
    titles = [f"moved at {strength:g}: " for strength in strengths] or ["moved: "]
    return [
        title + ", ".join(f"{name} {value:+.2f}" for name, value in values.items())
        for title, values in zip(titles, moved, strict=True)
    ]
