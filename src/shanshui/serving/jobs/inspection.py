"""Uploads are looked at before they are accepted, in a process of their own: decoders meet hostile files first here."""

from pathlib import Path

from shanshui.images.files import Picture, read_picture
from shanshui.pipelines.masks import mask_of
from shanshui.serving.jobs.hand import Answer, Message, Tell

PHOTO, MASK = "photo", "mask"
SECONDS = 60.0
"""That looking at one request's uploads may take."""


def prepared(most_pixels: int) -> Answer:
    """What the process does: {"folder", "files"} in; {file: [width, height]} out, or a refusal.

    Raises:
        ImageError: a file is no picture, damaged or too large, or a mask does not fit its photo.
    """

    def inspect(question: Message, tell: Tell) -> Message:
        folder = Path(question["folder"])
        pictures: dict[str, Picture] = {
            name: read_picture(folder / name, name=f"The {name}", most_pixels=most_pixels) for name in question["files"]
        }
        if MASK in pictures and PHOTO in pictures:
            photo = pictures[PHOTO]
            mask_of(pictures[MASK], photo.height, photo.width)
        return {name: [picture.width, picture.height] for name, picture in pictures.items()}

    return inspect
