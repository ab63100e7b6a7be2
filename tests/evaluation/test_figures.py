"""Short names of figures, and what each looks at."""

import pytest

from shanshui.errors import ConfigError
from shanshui.evaluation.figures import complete, distance_of, feature_of, features_needed
from shanshui.evaluation.gallery import spread

FEATURES = ("vgg19_relu4_4", "vgg19_relu5_4")


@pytest.mark.parametrize(
    ("short", "whole"),
    [
        ("kid", "kid_vgg19_relu4_4"),
        ("fid", "frechet_vgg19_relu4_4"),
        ("fid_inception2015", "frechet_inception2015"),
        ("recall7", "recall7_vgg19_relu4_4"),
        ("kid_vgg19_relu5_4", "kid_vgg19_relu5_4"),
        ("sharpness", "sharpness_spectrum"),
        ("diversity", "diversity_msssim"),
        ("diversity_lpipsalex", "diversity_lpipsalex"),
        ("content", "content_perceptualvgg19"),
        ("artfid", "artfid_perceptualvgg19_vgg19_relu4_4"),
    ],
)
def test_a_short_name_stands_for_a_whole_one(short: str, whole: str) -> None:
    assert complete(short, FEATURES) == whole
    assert complete(whole, FEATURES) == whole


def test_what_does_not_exist_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match="beauty"):
        complete("beauty", FEATURES)


def test_what_a_figure_looks_at() -> None:
    assert (feature_of("kid_vgg19_relu4_4"), distance_of("kid_vgg19_relu4_4")) == ("vgg19_relu4_4", None)
    assert (feature_of("diversity_msssim"), distance_of("diversity_msssim")) == (None, "msssim")
    both = "artfid_lpipsalex_inception2015"
    assert (feature_of(both), distance_of(both)) == ("inception2015", "lpipsalex")
    assert features_needed(["kid_a", "content_x", both]) == {"a", "inception2015"}


def test_rows_are_spread_over_the_whole() -> None:
    assert spread(9, 3) == [0, 3, 6]
    assert spread(2, 5) == [0, 1]
