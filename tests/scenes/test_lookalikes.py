"""Near-duplicates: one photograph in many guises is found, and photographs that only resemble each other are not."""

import io
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps
from skimage import data
from sklearn.datasets import load_sample_image

from shanshui.scenes.lookalikes import glance, lookalikes

Guise = Callable[[Image.Image], Image.Image]


@pytest.fixture(scope="module")
def photos() -> list[Image.Image]:
    taken = [load_sample_image("china.jpg"), load_sample_image("flower.jpg")]
    taken += [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    return [Image.fromarray(pixels) for pixels in taken]


def jpeg(photo: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    photo.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


def cropped(photo: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    width, height = photo.size
    return photo.crop((left * width, top * height, (1 - right) * width, (1 - bottom) * height))


def resized(photo: Image.Image, factor: float) -> Image.Image:
    return photo.resize((round(photo.width * factor), round(photo.height * factor)), Image.Resampling.BICUBIC)


GUISES: Mapping[str, Guise] = {
    "resized": lambda photo: resized(photo, 0.3),
    "squeezed": lambda photo: photo.resize((256, 256)),
    "compressed": lambda photo: jpeg(photo, 25),
    "cropped on one side": lambda photo: cropped(photo, 0.1, 0, 0, 0),
    "cropped all around": lambda photo: cropped(photo, 0.06, 0.08, 0.07, 0.03),
    "brighter": lambda photo: ImageEnhance.Brightness(photo).enhance(1.3),
    "darker": lambda photo: ImageEnhance.Brightness(photo).enhance(0.5),
    "grey": lambda photo: photo.convert("L").convert("RGB"),
    "everything": lambda photo: jpeg(
        ImageEnhance.Brightness(resized(cropped(photo, 0.05, 0.02, 0.07, 0.06), 0.5)).enhance(0.8), 50
    ),
}


def groups_of(pictures: list[Image.Image]) -> tuple[tuple[int, ...], ...]:
    return lookalikes([glance(np.asarray(picture)) for picture in pictures])


@pytest.mark.parametrize("guise", GUISES.values(), ids=GUISES)
def test_a_photo_in_another_guise_is_found_and_nothing_else(photos: list[Image.Image], guise: Guise) -> None:
    count = len(photos)
    assert groups_of([*photos, *map(guise, photos)]) == tuple((place, place + count) for place in range(count))


def test_different_photos_are_no_group(photos: list[Image.Image]) -> None:
    assert groups_of(photos) == ()
    assert groups_of(photos[:1]) == () and groups_of([]) == ()


def test_parts_of_a_photo_that_share_only_some_of_it_are_no_group(photos: list[Image.Image]) -> None:
    china = photos[0]
    assert groups_of([cropped(china, 0, 0, 0.35, 0), cropped(china, 0.35, 0, 0, 0)]) == ()


def sky(seed: int) -> NDArray[np.uint8]:
    """The same blue gradient above the same horizon with other clouds and another meadow each time."""
    random = np.random.default_rng(seed)
    height = np.linspace(1, 0, 96)[:, np.newaxis]
    clouds = Image.fromarray(random.random((6, 8)).astype(np.float32)).resize((128, 96), Image.Resampling.BICUBIC)
    tones = 90 + 120 * height + 25 * np.asarray(clouds)
    tones[60:] = 50 + 20 * random.random((36, 128))
    return np.stack([tones * 0.7, tones * 0.85, tones], axis=2).clip(0, 255).astype(np.uint8)


def test_skies_that_are_merely_similar_are_no_group() -> None:
    skies = [Image.fromarray(sky(seed)) for seed in range(60)]
    assert groups_of(skies) == ()
    assert groups_of([*skies, jpeg(resized(skies[7], 0.5), 60)]) == ((7, 60),)


def test_a_shared_frame_makes_no_group(photos: list[Image.Image]) -> None:
    framed = [ImageOps.expand(photo.resize((200, 150)), border=(30, 22), fill=(240, 230, 200)) for photo in photos]
    assert groups_of(framed) == ()


def test_noise_on_blank_pictures_resembles_nothing() -> None:
    random = np.random.default_rng(0)
    blank = [random.normal(128, 2, (64, 64, 3)).clip(0, 255).astype(np.uint8) for _ in range(20)]
    assert lookalikes([glance(pixels) for pixels in [*blank, np.full((64, 64, 3), 128, np.uint8)]]) == ()


def test_a_film_of_one_scene_is_one_group(photos: list[Image.Image]) -> None:
    random = np.random.default_rng(0)
    frames = [cropped(photos[0], *random.uniform(0, 0.04, 4)) for _ in range(100)]
    assert groups_of([photos[1], *frames, photos[2]]) == (tuple(range(1, 101)),)


def test_depth_does_not_matter(photos: list[Image.Image]) -> None:
    eight = np.asarray(photos[0])
    assert np.array_equal(glance(eight), glance(eight.astype(np.uint16) * 257))
