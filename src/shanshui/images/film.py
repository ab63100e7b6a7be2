"""Films in the format that a name asks for: a video, an animated picture, or a folder of pictures."""

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from shanshui.atomic import atomic_write
from shanshui.errors import ConfigError, ImageError
from shanshui.images.credentials import packet_of
from shanshui.images.files import from_any, write_picture
from shanshui.images.film_notes import noted, with_packet
from shanshui.images.provenance import Note
from shanshui.images.video import VIDEO_SUFFIXES, Frame, exact_rate, require_video, write_video

ANIMATION_SUFFIXES = frozenset({".gif", ".webp"})
"""Endings, in lower case, of the animated pictures that `write_film` makes."""

_ANIMATIONS = {
    # 100ths of a second are the finest that a GIF can tell apart, and ms the finest of WebP; Pillow takes ms for both.
    ".gif": ("GIF", 10, {"optimize": False}),
    ".webp": ("WEBP", 1, {"quality": 90, "method": 4}),
}


def write_film(path: Path, frames: Iterable[Frame], *, rate: float | Fraction, note: Note | None = None) -> int:
    """Write `frames` (HWC, RGB, uint8, all of one size) in the format that the ending of `path` names.

    .mp4, .mov and .mkv are videos (`write_video`), .gif and .webp repeat for ever, and a name without ending is a
    folder of frame-00000.png and so on. Frames are taken as they come; only the animated pictures, whose encoders want
    them all, keep them in memory.

    Args:
        path: where to.
        frames: at least one.
        rate: frames per second. A GIF knows 100ths of a second: single frames are up to half of one early or late, the
            film as a whole is not.
        note: what the film is to say of its making; each picture of a folder says it.

    Returns:
        how many frames were written.

    Raises:
        ConfigError: an unknown ending, an impossible rate, or a video without PyAV.
        ImageError: no frame, or frames of different sizes.
        StorageError: the file cannot be written, or the folder has frames already.
    """
    require_film(path)
    suffix = path.suffix.lower()
    if suffix in VIDEO_SUFFIXES:
        return write_video(path, frames, rate=rate, note=note)
    if suffix in ANIMATION_SUFFIXES:
        return _write_animation(path, [Image.fromarray(frame) for frame in frames], exact_rate(rate), note)
    return _write_folder(path, frames, note)


def require_film(path: Path) -> None:
    """Refuse what `write_film` could not do, before any frame is made.

    Raises:
        ConfigError: an unknown ending, a video without PyAV, or a folder that has frames already.
    """
    suffix = path.suffix.lower()
    if suffix in VIDEO_SUFFIXES:
        require_video(path)
    elif suffix and suffix not in ANIMATION_SUFFIXES:
        known = ", ".join(sorted(VIDEO_SUFFIXES | ANIMATION_SUFFIXES))
        raise ConfigError(f"{path} is no film: end it in {known}, or in nothing for a folder of pictures.")
    elif not suffix and (path.is_file() or any(path.glob("frame-*.png"))):
        raise ConfigError(f"{path} is a file or holds frames of another film: choose another folder.")


def _write_animation(path: Path, pictures: list[Image.Image], rate: Fraction, note: Note | None) -> int:
    if not pictures or len({picture.size for picture in pictures}) != 1:
        raise ImageError(f"{path} needs at least one frame, and all of one size.")
    form, unit, options = _ANIMATIONS[path.suffix.lower()]
    # Each frame begins at the nearest instant that the format can name, so that errors do not add up.
    begins = [round(number * 1000 / (rate * unit)) * unit for number in range(len(pictures) + 1)]
    durations = np.diff(begins).tolist()
    known = {"xmp": packet_of(note.credentials)} if note is not None and form == "WEBP" else {}
    content = BytesIO()
    pictures[0].save(
        content,
        form,
        save_all=True,
        append_images=pictures[1:],
        duration=durations,
        loop=0,
        **options,  # type: ignore[arg-type]
        **known,
    )
    film = content.getvalue()
    with atomic_write(path) as file, noted(file, path, note) as place:
        place.write(film if note is None or form != "GIF" else with_packet(film, note.credentials))
    return len(pictures)


def _write_folder(folder: Path, frames: Iterable[Frame], note: Note | None) -> int:
    count = 0
    for count, frame in enumerate(frames, 1):
        write_picture(folder / f"frame-{count - 1:05}.png", replace(from_any(frame), note=note))
    if count == 0:
        raise ImageError(f"{folder} needs at least one frame, but there is none.")
    return count
