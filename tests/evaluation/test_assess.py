"""A whole evaluation, on images that need no network: good sets and broken ones are told apart."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from shanshui.errors import ConfigError, DataError
from shanshui.evaluation.assess import Assessor
from shanshui.evaluation.assessment import Assessment
from shanshui.evaluation.collection import (
    Collection,
    Lens,
    collect,
    collect_stills,
    collect_stylized,
    halves,
    with_progress,
)
from shanshui.evaluation.estimates import Estimate
from shanshui.evaluation.figures import default_figures, painting_figures
from shanshui.evaluation.stills import stills
from shanshui.evaluation.stylization import artfid, content
from shanshui.events import Event, Finished, Progress, Started
from shanshui.images.files import write_picture
from shanshui.networks.encoders.spectrum import Spectrum
from shanshui.scenes.sources import open_source

SIDE = 16
FEATURE = "blocks"
Image = NDArray[np.uint8]


def blocks(images: torch.Tensor) -> Mapping[str, torch.Tensor]:
    """Mean colours of a 2 x 2 grid of blocks, and the spectrum."""
    return {FEATURE: torch.nn.functional.avg_pool2d(images, SIDE // 2).flatten(1), **SPECTRUM(images)}


SPECTRUM = Spectrum()
LENS = Lens(extractor=blocks, height=SIDE, width=SIDE, batch_size=16)
FIGURES = default_figures([FEATURE], reals=60, fakes=60, trained=True)


def scenes(count: int, seed: int) -> Iterator[Image]:
    """Images of random layout: four coloured quarters with grain."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        quarters = random.integers(40, 216, (2, 2, 3)).repeat(SIDE // 2, 0).repeat(SIDE // 2, 1)
        yield (quarters + random.normal(0, 12, (SIDE, SIDE, 3))).clip(0, 255).astype(np.uint8)


def _quarters(image: Image) -> NDArray[np.float64]:
    half = SIDE // 2
    quarters: NDArray[np.float64] = image.reshape(2, half, 2, half, 3).mean((1, 3))
    return quarters


def assess(images: Iterator[Image] | list[Image], *, label: str = "set") -> Assessment:
    assessor = Assessor(
        real=collect("real", scenes(60, 0), LENS),
        train=collect("train", scenes(80, 1), LENS),
        figures=FIGURES,
        height=SIDE,
        width=SIDE,
    )
    return assessor.assess(collect(label, images, LENS))


def value(assessment: Assessment, measure: str) -> float:
    return next(each.value for name, each in assessment.figures.items() if name.startswith(measure))


def test_every_figure_has_a_name_a_control_and_an_error() -> None:
    assessment = assess(scenes(50, 2))
    assert len(assessment.figures) == len(FIGURES)
    assert assessment.figures.keys() == assessment.control.keys()
    assert f"kid_{FEATURE}_16px_60v50" in assessment.figures
    assert f"memorized_{FEATURE}_16px_60v50v80" in assessment.figures
    assert all(each.standard_error is not None for each in assessment.figures.values())


def test_fresh_images_of_the_same_kind_score_like_the_control() -> None:
    assessment = assess(scenes(60, 2))
    for measure in ("precision3", "coverage5", "distinctness", "sharpness", "diversity"):
        name = next(name for name in assessment.figures if name.startswith(measure))
        figure, control = assessment.figures[name], assessment.control[name]
        assert figure.standard_error is not None and control.standard_error is not None
        assert abs(figure.value - control.value) < 4 * np.hypot(figure.standard_error, control.standard_error)


def test_broken_sets_are_named() -> None:
    real, fresh = list(scenes(60, 0)), list(scenes(60, 2))
    shuffled = [real[row] for row in np.random.default_rng(0).permutation(60)]
    smooth = [np.kron(_quarters(image), np.ones((SIDE // 2, SIDE // 2, 1))).astype(np.uint8) for image in fresh]
    assert assess(shuffled).verdict.headline.startswith("copies of the real images (100 %")
    assert assess(list(scenes(60, 1))).verdict.headline.startswith("copies of training images")
    assert "soft" in assess(smooth).verdict.headline
    assert "few of them and repeated" in assess([real[row % 3] for row in range(60)]).verdict.headline


def test_figures_do_not_depend_on_the_order_of_the_images() -> None:
    images = list(scenes(40, 2))
    forwards, backwards = assess(images), assess(images[::-1])
    for name, figure in forwards.figures.items():
        assert backwards.figures[name].value == pytest.approx(figure.value, rel=1e-5, abs=1e-6)


def test_the_gallery_shows_what_the_figures_speak_of() -> None:
    odd = np.zeros((SIDE, SIDE, 3), np.uint8)
    odd[::2] = 255
    copy = next(scenes(1, 1))
    gallery = assess([*scenes(30, 2), odd, copy]).gallery
    assert len(gallery.shown) == 32
    np.testing.assert_allclose(_quarters(gallery.copies[0].image), _quarters(copy), atol=16)  # thumbnails are JPEG
    assert gallery.copies[0].distances[0] == pytest.approx(0, abs=1e-3)
    assert {each.title for each in gallery.distributions} == {
        "Distance to the nearest real image",
        "Distance to the nearest training image",
        "Fine detail",
    }
    for match in gallery.neighbours:
        assert list(match.distances) == sorted(match.distances)


def test_halves_are_disjoint_and_the_same_for_any_order() -> None:
    images = list(scenes(21, 0))
    first, second = halves(collect("real", images, LENS))
    assert (len(first), len(second)) == (11, 10)
    rows = {row.tobytes() for half in (first, second) for row in half.features[FEATURE].values}
    assert len(rows) == 21
    again, _ = halves(collect("real", images[::-1], LENS))
    assert {row.tobytes() for row in again.features[FEATURE].values} == {
        row.tobytes() for row in first.features[FEATURE].values
    }


def test_a_data_set_is_measured_from_the_cache_and_seen_again(tmp_path: Path) -> None:
    for index, image in enumerate(scenes(6, 0)):
        write_picture(tmp_path / "photos" / f"{index}.png", image)
    images = stills(open_source(tmp_path / "photos"), SIDE, SIDE)
    first, second = (collect_stills(images, [FEATURE, "spectrum"], LENS, cache=tmp_path / "cache") for _ in range(2))
    np.testing.assert_array_equal(first.features[FEATURE].values, second.features[FEATURE].values)
    assert len(first.sample) == len(second.sample) == 6
    np.testing.assert_array_equal(second.image(4), list(images)[4])


def test_too_few_images_have_figures_without_control() -> None:
    few = collect("real", scenes(5, 0), LENS)
    assessor = Assessor(real=few, figures=[f"kid_{FEATURE}"], height=SIDE, width=SIDE)
    assessment = assessor.assess(collect("set", scenes(4, 1), LENS))
    assert list(assessment.figures) == [f"kid_{FEATURE}_16px_5v4"]
    assert not assessment.control


def test_memorisation_without_training_images_is_one_sentence() -> None:
    real = collect("real", scenes(12, 0), LENS)
    with pytest.raises(ConfigError, match="--train"):
        Assessor(real=real, figures=[f"memorized_{FEATURE}"], height=SIDE, width=SIDE).assess(real)
    with pytest.raises(ConfigError, match="psnr"):
        Assessor(real=real, figures=[f"kid_{FEATURE}", "diversity_psnr"], height=SIDE, width=SIDE).assess(real)


def mean_difference(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    return (first - second).abs().mean((1, 2, 3))


def painted(pictures: list[Image], photos: list[Image]) -> Collection:
    return collect_stylized("pictures", pictures, photos, {"difference": mean_difference}, LENS)


def test_stylised_pictures_are_held_against_their_photos_and_the_paintings() -> None:
    paintings, photos = list(scenes(30, 0)), list(scenes(20, 1))
    pictures = [(photo // 2 + 64).astype(np.uint8) for photo in photos]
    figures = ["content_difference", f"artfid_difference_{FEATURE}"]
    assessor = Assessor(real=collect("paintings", paintings, LENS), figures=figures, height=SIDE, width=SIDE)
    changed, same = (assessor.assess(painted(each, photos)) for each in (pictures, photos))
    expected = np.mean([np.abs(a.astype(float) - b).mean() / 127.5 for a, b in zip(pictures, photos, strict=True)])
    assert value(changed, "content") == pytest.approx(expected, rel=1e-4)
    assert value(same, "content") == 0
    assert value(changed, "artfid") > value(changed, "content")
    assert not changed.control


@pytest.mark.parametrize("count", [2, 4])
def test_each_picture_needs_its_photo(count: int) -> None:
    with pytest.raises(DataError, match="stylised pictures than photos"):
        painted(list(scenes(count, 0)), list(scenes(3, 1)))


def test_artfid_is_a_product_with_the_error_of_a_product() -> None:
    change, style = Estimate(value=0.5, standard_error=0.01), Estimate(value=3.0, standard_error=0.2)
    product = artfid(change, style)
    random = np.random.default_rng(0)
    draws = (1 + random.normal(0.5, 0.01, 20_000)) * (1 + random.normal(3.0, 0.2, 20_000))
    assert product.value == 6.0
    assert product.standard_error == pytest.approx(draws.std(), rel=0.05)
    mean = content(np.array([0.0, 1.0, 2.0]))
    assert mean.value == 1.0
    assert mean.standard_error == pytest.approx(1 / np.sqrt(3))


def test_usual_figures_follow_what_is_known() -> None:
    few, many = (default_figures(["a", "b"], reals=n, fakes=n, trained=n < 2000) for n in (1999, 2000))
    assert "kid_b" in few and "frechet_a" not in few and "memorized_a" in few
    assert "frechet_b" in many and "memorized_a" not in many
    assert any(figure.startswith("artfid") for figure in painting_figures(["a"]))


def test_progress_is_told_but_not_for_a_look_at_the_first_image() -> None:
    heard: list[Event] = []
    assert len(list(with_progress(scenes(5, 0), 5, heard.append))) == 5
    assert heard[0] == Started(task="evaluate", total=5)
    assert [event.done for event in heard if isinstance(event, Progress)] == [2, 3, 4, 5]
    assert isinstance(heard[-1], Finished)
    heard.clear()
    next(with_progress(scenes(5, 0), 5, heard.append))
    assert not heard
