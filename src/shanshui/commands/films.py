"""Films among what `shanshui stylize` was given: where each goes, and what is told about it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from shanshui.errors import ConfigError, ImageError
from shanshui.events import Emit, ImageReady, Warned
from shanshui.images.footage.reel import FILM_SUFFIXES, is_film
from shanshui.images.provenance import Note
from shanshui.pipelines.films.film import TASK, FilmStylizer, PaintedFilm
from shanshui.pipelines.stylize import Stylizer
from shanshui.pipelines.treatment import Treatment


def paint_films(
    films: Sequence[Path],
    targets: Sequence[Path],
    stylizer: Stylizer,
    style: Mapping[str, float],
    treatment: Treatment,
    emit: Emit,
    note: Note | None,
) -> list[PaintedFilm]:
    """Paint each film into its target.

    Raises:
        ImageError: a film cannot be read or written; where there are several, the others are painted first.
    """
    paint = FilmStylizer(stylizer)
    painted: list[PaintedFilm] = []
    failures: list[ImageError] = []
    for film, target in zip(films, targets, strict=True):
        try:
            done = paint(film, style, treatment, out=target, emit=emit, note=note)
        except ImageError as error:
            if len(films) == 1:
                raise
            failures.append(error)
            emit(Warned(task=TASK, message=str(error)))
        else:
            painted.append(done)
            emit(ImageReady(task=TASK, name=target.stem, path=target, done=done.frames))
    if failures:
        raise ImageError(f"{len(failures)} of {len(films)} films could not be painted; the first: {failures[0]}")
    return painted


def plan_films(films: Sequence[Path], addition: str, out: Path | None) -> list[Path]:
    """Where each result goes: `out` itself for one film, else NAME-ADDITION inside the folder `out`.

    Raises:
        ConfigError: `out` names a picture, or a film while there are several, or a result would replace a film.
    """
    if out is not None and is_film(out) and not out.is_dir():
        if len(films) > 1:
            raise ConfigError(f"--out {out} names one film, but there are {len(films)}: give a folder.")
        targets = [out]
    elif out is not None and out.suffix and not out.is_dir():
        raise ConfigError(f"--out {out} is no film: end it in {', '.join(sorted(FILM_SUFFIXES))}, or give a folder.")
    else:
        folder = Path() if out is None else out
        targets = [folder / f"{film.stem}-{addition}{film.suffix}" for film in films]
    taken = {film.resolve() for film in films}
    for target in targets:
        if target.resolve() in taken:
            raise ConfigError(f"{target} would be written over a film or another result: choose another --out.")
        taken.add(target.resolve())
    return targets


def told(film: PaintedFilm) -> str:
    """What a person reads of a film that was painted."""
    return (
        f"{film.path}\nflicker (E_warp): {film.flicker:.2e}, that of the film itself: {film.source_flicker:.2e}; "
        f"{film.frames} frames in {film.shots} {'shot' if film.shots == 1 else 'shots'}"
    )


def figures(film: PaintedFilm) -> dict[str, str | int | float]:
    """The same for programs."""
    return {
        "file": str(film.path),
        "frames": film.frames,
        "shots": film.shots,
        "damaged": film.damaged,
        "e_warp": film.flicker,
        "e_warp_source": film.source_flicker,
    }
