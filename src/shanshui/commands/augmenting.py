"""Writing a data set that grows: what is planned, what is there already, and a manifest that says so.

The whole plan, names of files included, is known before the first photo is decoded. A line of the manifest follows
each file, so a file without a line is made again, which gives the same file, and nothing else is.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from shanshui.atomic import atomic_write_bytes
from shanshui.commands.lines import appending, whole_lines
from shanshui.errors import ConfigError, DataError, ImageError
from shanshui.events import Emit, Finished, Progress, Started, Warned
from shanshui.images.files import WRITABLE_SUFFIXES, Picture, read_picture, write_picture
from shanshui.pipelines.augment import Augmenter, Variant
from shanshui.pipelines.treatment import Colors
from shanshui.scenes.ahead import ahead
from shanshui.scenes.base import Source
from shanshui.scenes.labelled import Filed, Labelled

MANIFEST = "manifest.jsonl"
READ_AHEAD = 4


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the manifest.

    `file` is the name in the folder that is written, `source` that in the data set and `fingerprint` what tells its
    content there; `kind` is `original` for a copy, byte for byte. The others are as in `Filed` and `Variant`.
    """

    file: str
    source: str
    fingerprint: str
    split: str | None
    label: str | None
    kind: str
    model: str | None = None
    style: str | None = None
    strength: float | None = None
    naturalness: float | None = None
    colors: Colors | None = None
    seed: int | None = None


@dataclass(frozen=True, kw_only=True)
class Multiplied:
    """What a data set has become.

    Attributes:
        manifest: its path.
        labels: sorted.
        kinds: how many files there are of each kind, to learn from.
        held_out: how many files were copied to be measured on.
        left_out: files that cannot be read, by their names in the source.
    """

    manifest: Path
    labels: tuple[str, ...]
    kinds: Mapping[str, int]
    held_out: int
    left_out: Sequence[str]


@dataclass(frozen=True)
class _Planned:
    """A photo, and what is to be written for it: a copy (None) and variants."""

    photo: Filed
    targets: Sequence[tuple[Entry, Variant | None]]


@dataclass(frozen=True)
class _Read:
    """The content of a file; the picture in it where variants are to be made."""

    content: bytes
    picture: Picture | None


def multiply(
    source: Source,
    files: Labelled,
    out: Path,
    *,
    augmenter: Augmenter,
    variants: int,
    finish: Callable[[Picture, Variant], Picture],
    emit: Emit,
    task: str,
) -> Multiplied:
    """Write the photos of `source` to the folder `out`, each with so many variants; held-out files as they are.

    Args:
        source: the data set.
        files: what `labelled` says of it.
        out: new, or begun by the same call.
        augmenter: decides on variants and makes them.
        variants: of each photo to learn from.
        finish: what is done to a variant before it is written.
        emit: hears of progress, counted in files, and of photos that are left out.
        task: what the work is called.

    Raises:
        ConfigError: `out` lies in the source or the source in it, or holds something else.
        DataError: not one photo can be read.
        StorageError: a file cannot be written.
    """
    _require_apart(Path(source.label), out)
    plan = list(_planned(source, files, augmenter, variants))
    noted = _noted(out, plan)

    def missing(each: _Planned) -> list[tuple[Entry, Variant | None]]:
        return [
            (entry, variant)
            for entry, variant in each.targets
            if entry.file not in noted or not (out / entry.file).exists()
        ]

    def read(each: _Planned) -> _Read | ImageError | None:
        return _read(source, each.photo, missing(each))

    emit(Started(task=task, total=sum(len(each.targets) for each in plan)))
    done, written, left_out = 0, [], []
    with appending(out / MANIFEST) as append:
        for each, found in zip(plan, ahead(read, plan, most=READ_AHEAD), strict=True):
            if isinstance(found, ImageError):
                left_out.append(each.photo)
                emit(Warned(task=task, message=f"It is left out: {found}"))
            else:
                written.append(each)
            if isinstance(found, _Read):
                for entry, variant in missing(each):
                    if variant is None:
                        atomic_write_bytes(out / entry.file, found.content)
                    else:
                        assert found.picture is not None
                        made = augmenter.make(variant, found.picture, each.photo.label)
                        write_picture(out / entry.file, finish(made, variant))
                    if entry.file not in noted:
                        append(asdict(entry))
            done += len(each.targets)
            emit(Progress(task=task, done=done, values={}))
    if set(files.train) <= set(left_out):
        raise DataError(f"{source.label} has no photo to learn from that can be read: check the files.")
    emit(Finished(task=task, done=done, reason="complete"))
    kept_apart = set(files.held_out)
    return Multiplied(
        manifest=out / MANIFEST,
        labels=files.labels,
        kinds=Counter(entry.kind for each in written if each.photo not in kept_apart for entry, _ in each.targets),
        held_out=sum(each.photo in kept_apart for each in written),
        left_out=[photo.name for photo in left_out],
    )


def _planned(source: Source, files: Labelled, augmenter: Augmenter, variants: int) -> Iterable[_Planned]:
    """All that is to be written: held-out files first, then each photo with its variants."""
    taken = set(source.names)
    for photo in files.held_out:
        yield _Planned(photo, [(_entry(source, photo, photo.name, None), None)])
    for photo in files.train:
        targets: list[tuple[Entry, Variant | None]] = [(_entry(source, photo, photo.name, None), None)]
        for number, variant in enumerate(augmenter.variants(photo.name, variants), 1):
            file = _file_of(PurePosixPath(photo.name), variant, number, taken)
            taken.add(file)
            targets.append((_entry(source, photo, file, variant), variant))
        yield _Planned(photo, targets)


def _entry(source: Source, photo: Filed, file: str, variant: Variant | None) -> Entry:
    made = {"kind": "original"} if variant is None else asdict(variant)
    return Entry(
        file=file,
        source=photo.name,
        fingerprint=source.fingerprint(photo.name),
        split=photo.split,
        label=photo.label,
        **made,
    )


def _file_of(photo: PurePosixPath, variant: Variant, number: int, taken: set[str]) -> str:
    """A name for a variant beside its photo, which nothing else has."""
    if variant.kind == "generated":
        stem, suffix = f"generated-{variant.seed}", ".png"
    else:
        stem = f"{photo.stem}-{variant.kind}{number}"
        suffix = photo.suffix if photo.suffix.lower() in WRITABLE_SUFFIXES else ".png"
    while (file := photo.with_name(stem + suffix).as_posix()) in taken:
        stem += "_"
    return file


def _read(source: Source, photo: Filed, missing: Sequence[tuple[Entry, Variant | None]]) -> _Read | ImageError | None:
    """What is needed of a file for what is missing: nothing, its content, or the picture as well.

    A held-out file has no variants and is never decoded.
    """
    if not missing:
        return None
    try:
        content = source.read(photo.name)
        has_variants = any(variant is not None for _, variant in missing)
        name = f"{photo.name} in {source.label}"
        return _Read(content, read_picture(content, name=name) if has_variants else None)
    except ImageError as error:
        return error


def _require_apart(source: Path, out: Path) -> None:
    """Refuse to write into what is read."""
    if not source.is_dir():
        return
    there, here = source.resolve(), out.resolve()
    if here.is_relative_to(there) or there.is_relative_to(here):
        raise ConfigError(f"{out} and {source} lie inside each other: write to a folder elsewhere.")


def _noted(out: Path, plan: Sequence[_Planned]) -> set[str]:
    """Files that an earlier call with the same plan, or with a part of it, has written to `out`.

    Raises:
        ConfigError: something else is there.
    """
    manifest = out / MANIFEST
    if out.exists() and not manifest.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} is there already and holds no {MANIFEST}: write to a new folder.")
    expected = {entry.file: asdict(entry) for each in plan for entry, _ in each.targets}
    try:
        lines = whole_lines(manifest)
        known = all(expected.get(line["file"]) == line for line in lines)
    except (ValueError, KeyError, TypeError, OSError):
        known = False
    if not known:
        raise ConfigError(
            f"{out} was begun from other photos or with other options than these: give those again, or a new folder."
        )
    return {line["file"] for line in lines}
