"""Folders of game textures: which maps hold the colours of a material, and which hold numbers that paint would spoil.

Physically based materials come as several maps of one name: base colour, normals, roughness, metalness, occlusion,
height, and so on. Only the first is a picture; a stroke in a normal map is a bump, in a roughness map a wet spot.
"""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shanshui.atomic import atomic_write
from shanshui.commands.photos import Photo, file_photo
from shanshui.errors import ConfigError
from shanshui.events import Emit, Warned
from shanshui.images.files import READABLE_SUFFIXES, WRITABLE_SUFFIXES

_COLORS = frozenset({"albedo", "basecolor", "basecolour", "diffuse"})
_COLORS_OF_SOMETHING = frozenset({"color", "colour", "col", "diff"})
_LIGHTS = re.compile(r"spec(ular)?|emissive|emission|emit|sheen|subsurface|sss|transmission|clearcoat|mask|id")
_SURFACES = re.compile(
    r"normals?|norm?|nrm|nmap|rough(ness)?|rgh|metal(lic|ness)?|mtl|ao|(ambient)?occlusion|height|heightmap"
    r"|disp(lacement)?|bump|opacity|alpha|gloss(iness)?|smoothness|cavity|curvature|thickness|anisotropy"
)
_QUALIFIERS = re.compile(r"\d+k?|\d+x\d+|gl|dx|opengl|directx|tex|texture|map|udim")
"""Words after the kind of a map that say nothing about it: sizes, tiles, which way green points."""


@dataclass(frozen=True, kw_only=True)
class Textures:
    """The files of a folder, as names below it.

    Attributes:
        painted: base colour.
        kept: known to be something else, and files that are no pictures.
        unsure: pictures whose name says nothing, or several things at once, as packed maps do.
    """

    painted: list[Path]
    kept: list[Path]
    unsure: list[Path]


def sort_textures(folder: Path) -> Textures:
    """Tell the maps of a folder apart by their names.

    Raises:
        ConfigError: it is no folder, or holds no base colour.
    """
    if not folder.is_dir():
        raise ConfigError(f"--pbr takes a folder of textures, which {folder} is not.")
    sorted_ = Textures(painted=[], kept=[], unsure=[])
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        kind = _kind(path)
        home = sorted_.painted if kind == "color" else sorted_.kept if kind == "numbers" else sorted_.unsure
        home.append(path.relative_to(folder))
    if not sorted_.painted:
        raise ConfigError(f"{folder} has no map of base colour: name it like rock_albedo.png or rock_basecolor.png.")
    return sorted_


def plan_textures(
    folders: Sequence[Path], out: Path | None, emit: Emit, *, task: str
) -> tuple[list[Photo], list[Path]]:
    """Copy all that is not painted into `out`, bit for bit, and say what remains: the maps of colour and their results.

    Names stay, below `out` as below their folder: engines refer to them.

    Raises:
        ConfigError: no `out`, one that holds a folder of textures or lies in it, or a folder without base colour.
        StorageError: `out` cannot be written.
    """
    if not folders:
        raise ConfigError("No folder of textures was named: give at least one.")
    if out is None:
        raise ConfigError("--pbr needs --out with a folder: the maps keep their names there.")
    for folder in folders:
        if folder.resolve() == out.resolve() or folder.resolve() in out.resolve().parents:
            raise ConfigError(f"--out {out} lies in {folder}, whose maps it would replace: choose another folder.")
    photos, targets = [], []
    for folder in folders:
        found = sort_textures(folder)
        for name in found.unsure:
            emit(Warned(task=task, message=f"{folder / name} is copied as it is: its name does not say what it holds."))
        for name in found.kept + found.unsure:
            _copy(folder / name, out / name)
        photos += [file_photo(folder / name) for name in found.painted]
        targets += [out / name for name in found.painted]
    return photos, targets


def _kind(path: Path) -> str:
    if path.suffix.lower() not in READABLE_SUFFIXES:
        return "numbers"  # no picture that could be painted
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", path.stem)
    words = [word for word in re.split(r"[^A-Za-z0-9]+", spaced.lower()) if word]
    while words and _QUALIFIERS.fullmatch(words[-1]):
        words.pop()
    last, before = (words[-1:] or [""])[0], (words[-2:-1] or [""])[0]
    if _LIGHTS.fullmatch(last) or _SURFACES.fullmatch(last):
        return "unsure" if (_COLORS | _COLORS_OF_SOMETHING) & {*words} else "numbers"
    if last in _COLORS_OF_SOMETHING and _LIGHTS.fullmatch(before):
        return "numbers"
    is_color = last in _COLORS | _COLORS_OF_SOMETHING
    return "color" if is_color and path.suffix.lower() in WRITABLE_SUFFIXES else "unsure"


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as content, atomic_write(target) as file:
        shutil.copyfileobj(content, file)
