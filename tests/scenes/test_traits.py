"""What is measured on a picture, which pictures are odd, and how measurements spread."""

import io
from collections.abc import Mapping

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps
from skimage import data
from sklearn.datasets import load_sample_image

from shanshui.scenes.oddities import KINDS, oddities
from shanshui.scenes.spreads import BRIGHTNESS, SHORT_SIDES, Scale, spread, spreads
from shanshui.scenes.traits import Traits, measure


def traits_of(picture: Image.Image, quality: int | None = None) -> Traits:
    if quality is not None:
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=quality)
        picture = Image.open(stream)
    return measure(np.asarray(picture))


@pytest.fixture(scope="module")
def photos() -> dict[str, Image.Image]:
    taken = {"china": load_sample_image("china.jpg"), "flower": load_sample_image("flower.jpg")}
    taken |= {"coffee": data.coffee(), "chelsea": data.chelsea(), "rocket": data.rocket()}
    return {name: Image.fromarray(pixels) for name, pixels in taken.items()}


def odd_kind(one: Traits) -> str | None:
    kinds = [kind for kind, files in oddities({"it": one}).items() if files]
    return kinds[0] if kinds else None


def test_light_and_colour_are_those_of_the_pixels() -> None:
    half = np.zeros((100, 200, 3), np.uint8)
    half[:, 100:] = (200, 100, 0)
    one = measure(half)
    luma = (0.2126 * 200 + 0.7152 * 100) / 255
    assert (one.width, one.height) == (200, 100)
    assert one.brightness == pytest.approx(luma / 2) and one.contrast == pytest.approx(luma / 2)
    assert one.color == pytest.approx(200 / 255 / 2) and one.most_color == pytest.approx(200 / 255)
    assert one.flat > 0.98 and one.tones == 1.0


def test_measurements_hardly_depend_on_the_size_of_a_photo(photos: dict[str, Image.Image]) -> None:
    large, small = traits_of(photos["china"]), traits_of(photos["china"].resize((213, 142), Image.Resampling.BOX))
    for name in ("brightness", "contrast", "color"):
        assert getattr(small, name) == pytest.approx(getattr(large, name), abs=0.02)


def test_photos_are_not_odd(photos: dict[str, Image.Image]) -> None:
    for photo in photos.values():
        assert odd_kind(traits_of(photo)) is None
        assert odd_kind(traits_of(photo.filter(ImageFilter.GaussianBlur(6)), quality=60)) is None


@pytest.mark.parametrize("quality", [None, 60])
@pytest.mark.parametrize("color", [(0, 0, 0), (255, 255, 255), (128, 20, 40)])
def test_bars_and_frames_are_found_with_their_extent(
    photos: dict[str, Image.Image], color: tuple[int, int, int], quality: int | None
) -> None:
    cat = photos["chelsea"].resize((512, 384))
    rows, columns = traits_of(ImageOps.expand(cat, (0, 64), fill=color), quality).frame
    assert rows == pytest.approx(128 / 512, abs=0.02) and columns == 0
    rows, columns = traits_of(ImageOps.expand(cat, (64, 0), fill=color), quality).frame
    assert rows == 0 and columns == pytest.approx(128 / 640, abs=0.02)
    framed = traits_of(ImageOps.expand(cat, 20, fill=color), quality)
    assert min(framed.frame) > 0.04 and odd_kind(framed) == "frames"


def test_a_sky_or_a_bar_on_one_side_is_no_frame(photos: dict[str, Image.Image]) -> None:
    china = photos["china"]
    for border in ((0, 60, 0, 0), (0, 0, 0, 60)):
        assert traits_of(ImageOps.expand(china, border, fill=(255, 255, 255))).frame == (0, 0)
    fading = np.linspace(0, 200, 200)[:, np.newaxis, np.newaxis] * np.ones((1, 300, 3))
    assert measure(np.concatenate([fading, fading[::-1]]).astype(np.uint8)).frame == (0, 0)


def chart() -> Image.Image:
    picture = Image.new("RGB", (640, 480), "white")
    draw = ImageDraw.Draw(picture)
    for place, top in enumerate((300, 120, 210, 60, 350, 90)):
        draw.rectangle((80 + 80 * place, top, 130 + 80 * place, 430), fill=(31, 40 * place, 180))
    return picture


def page() -> Image.Image:
    picture = Image.new("RGB", (800, 600), "white")
    draw = ImageDraw.Draw(picture)
    for line in range(20, 580, 14):
        draw.text((20, line), "The quick brown fox jumps over the lazy dog and runs. " * 2, fill="black")
    return picture


def window() -> Image.Image:
    picture = Image.new("RGB", (1280, 720), (240, 240, 245))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 1280, 60), fill=(40, 60, 120))
    draw.rectangle((0, 60, 240, 720), fill=(220, 224, 230))
    for line in range(12):
        draw.rectangle((280, 90 + line * 50, 1100, 120 + line * 50), outline="grey", fill="white")
        draw.text((290, 95 + line * 50), "some text in a field", fill="black")
    return picture


@pytest.mark.parametrize("quality", [None, 60])
@pytest.mark.parametrize("draw", [chart, page, window])
def test_graphics_are_found(draw: object, quality: int | None) -> None:
    assert callable(draw)
    assert odd_kind(traits_of(draw(), quality)) == "graphics"


def test_blank_and_grey_pictures_are_found(photos: dict[str, Image.Image]) -> None:
    fog = np.random.default_rng(0).normal(190, 4, (80, 120, 3)).clip(0, 255).astype(np.uint8)
    assert odd_kind(measure(fog)) == "blank"
    grey = photos["china"].convert("L").convert("RGB")
    assert odd_kind(traits_of(grey, quality=70)) == "grey"


def shaped(**sizes: tuple[int, int]) -> Mapping[str, Traits]:
    whatever = {"brightness": 0.5, "contrast": 0.2, "color": 0.2, "most_color": 0.5, "flat": 0.1, "tones": 0.1}
    return {
        name: Traits(width=width, height=height, frame=(0, 0), **whatever) for name, (width, height) in sizes.items()
    }


def test_shapes_are_odd_only_beside_the_others() -> None:
    wide = {f"wide{number}": (300, 200) for number in range(20)}
    found = oddities(shaped(**wide, upright=(200, 300), panorama=(1300, 300), square=(200, 200)))
    assert set(found["turned"]) == {"upright"} and set(found["shape"]) == {"panorama"}
    assert "200 x 300" in found["turned"]["upright"]
    mixed = {f"upright{number}": (200, 300) for number in range(10)} | wide
    assert not oddities(shaped(**mixed))["turned"]
    halves = {f"long{number}": (900, 200) for number in range(9)} | wide
    assert not oddities(shaped(**halves))["shape"], "a second common shape is not odd"
    panoramas = {f"panorama{number}": (1300, 300) for number in range(5)}
    assert not any(oddities(shaped(**panoramas)).values())
    assert oddities({}) == {kind: {} for kind in KINDS}


def test_a_spread_counts_each_value_once_in_its_class() -> None:
    scale = Scale(bounds=(1.0, 2.0), names=("low", "middle", "high"))
    made = spread([0.5, 1.0, 1.5, 2.0, 7.0], scale)
    assert made.counts == {"low": 1, "middle": 2, "high": 2}
    assert made.quantiles == pytest.approx(np.quantile([0.5, 1.0, 1.5, 2.0, 7.0], [0.05, 0.25, 0.5, 0.75, 0.95]))
    assert spread([], scale).quantiles == () and spread([], scale).as_json()["quantiles"] == {}
    assert sum(spread(np.linspace(0, 1, 11), BRIGHTNESS).counts.values()) == 11


def test_spreads_are_of_the_shorter_side_and_of_width_over_height() -> None:
    made = spreads(shaped(a=(300, 100), b=(64, 500)).values())
    assert {name: count for name, count in made["short side"].counts.items() if count} == {"64-127": 2}
    assert made["aspect"].counts["panorama"] == 1 and made["aspect"].counts["upright"] == 1
    assert tuple(made["short side"].counts) == SHORT_SIDES.names
