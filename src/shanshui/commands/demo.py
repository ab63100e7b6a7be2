"""`shanshui demo`: what Shanshui does, on one page.

The demonstration runs the very command lines that its page shows; no picture is made in any other way.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from shanshui.atomic import atomic_write_text
from shanshui.commands import generate, stylize
from shanshui.commands.demo_page import Exhibit, Section, render
from shanshui.commands.options import Common, DeviceName, parse
from shanshui.commands.outcome import Outcome
from shanshui.commands.terminal import terminal
from shanshui.events import Emit, Finished, Progress, Started, ignore
from shanshui.images.files import read_picture, write_picture
from shanshui.images.resize import resize
from shanshui.pipelines.stylize import Stylizer

TASK = "demo"
# Seeds whose scenes show what the shipped generator can do; any other seed works as well.
GRID_SEED, PHOTO_SEED, LARGE_SEED = 7, 25, 16
LARGE_COUNT = 4
ENLARGE = 4
LONGEST_PHOTO_SIDE = 1024
# Styles that the generated scenes are painted in, as far as the model has them.
SCENE_STYLES = ("ink", "monet", "ukiyoe", "vangogh")


@dataclass(frozen=True, kw_only=True)
class Demo(Common):
    """Make scenes, stylise a photo, and write a page that shows it all.

    Needs no network and opens no browser: look at OUT/index.html afterwards.
    """

    photo: Annotated[Path | None, tyro.conf.Positional] = None
    """Your photo; when left out, a scene that Shanshui makes."""
    out: Path = Path("shanshui-demo")
    """Folder to write to; made when missing. Running the demo again replaces its files."""
    scenes: str = "landscape"
    """The model that makes scenes: a name, a .safetensors file, or a hub id."""
    painter: str = "painter"
    """The model that paints: a name, a .safetensors file, or a hub id."""


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`."""
    options = parse(Demo, "demo", argv)
    with terminal() as emit:
        page, count = run(options, emit)
    return Outcome(
        data={"page": str(page), "pictures": count},
        text=f"{count} pictures, each with the command that made it: open {page} in a browser.",
        as_json=options.json,
    )


def run(options: Demo, emit: Emit) -> tuple[Path, int]:
    """Make all pictures and the page; return the page's path and the number of pictures on it."""
    styles = Stylizer.from_pretrained(options.painter).styles
    studio = _Studio(options, emit)
    emit(Started(task=TASK))
    sections = [
        _scenes(studio),
        *_photo(studio, options.photo, styles),
        _painted_scenes(studio, [style for style in SCENE_STYLES if style in styles] or list(styles[:LARGE_COUNT])),
    ]
    page = options.out / "index.html"
    atomic_write_text(page, render(sections))
    emit(Finished(task=TASK, done=studio.made, reason="complete"))
    return page, sum(len(section.exhibits) for section in sections)


class _Studio:
    """Runs command lines, tells how far it is, and turns results into exhibits."""

    def __init__(self, options: Demo, emit: Emit) -> None:
        self.folder = options.out
        self.made = 0
        self._emit = emit
        self._device: DeviceName = options.device
        self._models = {"generate": options.scenes, "stylize": options.painter}

    def generate(self, *arguments: object) -> tuple[list[Path], str]:
        """Run `shanshui generate`; the files written and the command line."""
        argv = self._argv("generate", arguments)
        paths = generate.run(parse(generate.Generate, "generate", argv), ignore)
        return self._done("generate", paths, argv)

    def stylize(self, *arguments: object) -> tuple[list[Path], str]:
        """Run `shanshui stylize`; the files written and the command line."""
        argv = self._argv("stylize", arguments)
        paths = stylize.run(parse(stylize.Stylize, "stylize", argv), ignore)
        return self._done("stylize", paths, argv)

    def exhibit(self, path: Path, caption: str, command: str = "") -> Exhibit:
        """The picture at `path` for the page."""
        picture = read_picture(path)
        return Exhibit(
            image=path.relative_to(self.folder),
            width=picture.width,
            height=picture.height,
            caption=caption,
            command=command,
        )

    def _argv(self, command: str, arguments: Sequence[object]) -> list[str]:
        argv = [str(argument) for argument in arguments]
        shipped = {"generate": Demo.scenes, "stylize": Demo.painter}
        if self._models[command] != shipped[command]:
            argv += ["--model", self._models[command]]
        if self._device != "auto":
            argv += ["--device", self._device]
        return argv

    def _done(self, command: str, paths: list[Path], argv: list[str]) -> tuple[list[Path], str]:
        self.made += len(paths)
        self._emit(Progress(task=TASK, done=self.made, values={}))
        return paths, shlex.join(["shanshui", command, *argv])


def _scenes(studio: _Studio) -> Section:
    files, command = studio.generate("--count", 32, "--seed", GRID_SEED, "--grid", 8, "--out", studio.folder / "scenes")
    return Section(
        title="Scenes out of noise",
        text="None of these places exists. Each scene is made from random numbers; another seed makes other scenes.",
        exhibits=[studio.exhibit(files[-1], "The first 32 scenes of one seed.", command)],
        wide=True,
    )


def _photo(studio: _Studio, given: Path | None, styles: Sequence[str]) -> list[Section]:
    if given is None:
        (photo,), command = studio.generate(
            "--seed", PHOTO_SEED, "--enlarge", ENLARGE, "--format", "jpg", "--out", studio.folder / "photo"
        )
        original = studio.exhibit(photo, "Before: a generated scene, enlarged.", command)
    else:
        photo = _reduced_copy(given, studio.folder / "photo")
        original = studio.exhibit(photo, f"Before: {given.name}, at most {LONGEST_PHOTO_SIDE} pixels a side.")

    def painted(name: str, caption: str, *arguments: object) -> Exhibit:
        target = studio.folder / "painted" / f"{name}.jpg"
        _, command = studio.stylize(photo, *arguments, "--out", target)
        return studio.exhibit(target, caption, command)

    every = [painted(style, style, "--style", style) for style in styles]
    first, second = styles[0], styles[-1]
    variations = [
        painted("blend", f"{first} and {second}, blended", "--style", f"{first}:0.5", "--style", f"{second}:0.5"),
        painted("gentle", f"{first}, half as strong", "--style", first, "--strength", 0.5),
        painted("colours", f"{second}, in the photo's own colours", "--style", second, "--keep-colors"),
    ]
    return [
        Section(
            title="One photo, every style",
            text="One network holds all the styles. The painting has exactly the size of the photo.",
            exhibits=[original, *every],
        ),
        Section(title="In between", text="Styles blend, fade, and leave colours alone.", exhibits=variations),
    ]


def _reduced_copy(photo: Path, folder: Path) -> Path:
    """A copy that a page can show and that every style paints within seconds."""
    pixels = read_picture(photo).over_white()
    height, width = pixels.shape[:2]
    factor = min(1.0, LONGEST_PHOTO_SIDE / max(height, width))
    copy = folder / f"{photo.stem}.jpg"
    write_picture(copy, resize(pixels, max(1, round(height * factor)), max(1, round(width * factor))))
    return copy


def _painted_scenes(studio: _Studio, styles: Sequence[str]) -> Section:
    large = studio.folder / "large"
    files, command = studio.generate(
        "--count", LARGE_COUNT, "--seed", LARGE_SEED, "--enlarge", ENLARGE, "--format", "jpg", "--out", large
    )
    exhibits = [studio.exhibit(file, "A generated scene, enlarged", command) for file in files]
    for style in styles:
        painted, command = studio.stylize(*files, "--style", style, "--out", studio.folder / f"large-{style}")
        exhibits += [studio.exhibit(file, f"The same scene in the style {style}", command) for file in painted]
    return Section(
        title="Generated, then painted",
        text="Noise becomes a scene, and the scene becomes a painting: no camera and no brush was there.",
        exhibits=exhibits,
    )
