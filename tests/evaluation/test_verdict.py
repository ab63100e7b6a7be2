"""Words for figures: each kind of failure has its own, and doubts about the figures are said."""

from collections.abc import Mapping
from types import MappingProxyType

import pytest

from shanshui.evaluation.assessment import Verdict
from shanshui.evaluation.estimates import Estimate
from shanshui.evaluation.verdict import verdict

GOOD = {
    "kid_vgg19_relu4_4": 0.001,
    "precision3_vgg19_relu4_4": 0.72,
    "recall3_vgg19_relu4_4": 0.78,
    "coverage5_vgg19_relu4_4": 0.95,
    "distinctness_vgg19_relu4_4": 1.0,
    "copied_vgg19_relu4_4": 0.01,
    "sharpness_spectrum": 1.0,
}


def judged(
    changes: Mapping[str, float] = MappingProxyType({}),
    *,
    reals: int = 600,
    fakes: int = 600,
    looks_through: str | None = None,
) -> Verdict:
    """The verdict on real images some of whose figures are changed, by measure."""
    values = {name: changes.get(name.split("_")[0], value) for name, value in GOOD.items()}
    values |= {f"{word}_vgg19_relu4_4": value for word, value in changes.items() if word == "memorized"}
    counts = f"{reals}v{fakes}"
    figures = {f"{name}_128px_{counts}": Estimate(value=value, standard_error=0.01) for name, value in values.items()}
    control = {f"{name}_128px_{counts}": Estimate(value=value, standard_error=0.01) for name, value in GOOD.items()}
    return verdict(figures, control, looks_through=looks_through)


def test_real_images_are_as_good_as_real_ones() -> None:
    words = judged()
    assert words.headline.startswith("as good as real images")
    assert any("KID finds no difference" in finding for finding in words.findings)
    assert not words.warnings


@pytest.mark.parametrize(
    ("changes", "headline"),
    [
        ({"kid": 0.5}, "plausible, diverse, sharp"),
        ({"precision3": 0.31, "recall3": 0.62}, "diverse, sharp but unrealistic"),
        ({"sharpness": 0.3, "kid": 0.5}, "diverse but blurry"),
        ({"sharpness": 0.5}, "plausible, diverse but soft"),
        ({"sharpness": 3.0}, "plausible, diverse but noisy"),
        ({"recall3": 0.2, "coverage5": 0.6}, "plausible, sharp but of little variety"),
        ({"recall3": 0.01, "coverage5": 0.1, "distinctness": 0.1}, "sharp but collapsed to few images"),
        ({"precision3": 0.05, "recall3": 0.05, "coverage5": 0.02}, "sharp but unrealistic"),
        ({"copied": 1.0}, "copies of the real images (100 %"),
        ({"copied": 0.9, "sharpness": 0.3}, "blurry copies of the real images (90 %"),
        (
            {"copied": 1.0, "distinctness": 0.05},
            "copies of the real images (100 % have a twin among them), few of them",
        ),
        ({"memorized": 0.9}, "copies of training images (90 %"),
        ({"memorized": 0.2}, "scenes, 20 % of them memorised"),
    ],
)
def test_each_failure_has_its_words(changes: dict[str, float], headline: str) -> None:
    assert judged(changes).headline.startswith(headline)


def test_figures_are_read_beside_what_real_images_score() -> None:
    """A precision of 0.3 is perfect where real images have no more."""
    name = "precision3_vgg19_relu4_4_64px_500"
    figure = {name: Estimate(value=0.3, standard_error=0.01)}
    assert verdict(figure, figure).headline.startswith("plausible")
    assert verdict(figure, {}).headline.startswith("unrealistic")


def test_the_precision_of_a_crowd_is_not_praised() -> None:
    words = judged({"distinctness": 0.6, "precision3": 0.99})
    assert "plausible" not in words.headline
    assert any("Do not trust that share" in finding for finding in words.findings)


def test_a_chance_number_of_near_images_is_not_memorisation() -> None:
    assert "memorised" not in judged({"memorized": 0.02}).headline
    figures = {"memorized_f_8px_20v20v100": Estimate(value=0.1, standard_error=0.06)}
    assert "memorised" not in verdict(figures, {}).headline


def test_what_stands_against_the_figures_is_said() -> None:
    assert any("trained through vgg19" in warning for warning in judged(looks_through="vgg19").warnings)
    assert not judged(looks_through="effnetlite1").warnings
    assert any("Only 60 images" in warning for warning in judged(reals=60, fakes=60).warnings)
    assert any("depend on the counts" in warning for warning in judged(fakes=3000).warnings)
    biased = {"frechet_inception2015_299px_700": Estimate(value=50.0, standard_error=1.0)}
    assert any("mostly bias" in warning for warning in verdict(biased, {}).warnings)


def test_figures_without_words_are_quoted() -> None:
    figures = {"mmd_f_8px_900": Estimate(value=0.25)}
    assert verdict(figures, {}).headline == "mmd 0.25"
