"""A figure's name says everything it depends on, and the judge is never the discriminator's own network."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanshui.errors import ConfigError
from shanshui.evaluation.features import FeatureSet
from shanshui.evaluation.gaussians import frechet
from shanshui.evaluation.kernels import kid
from shanshui.evaluation.measures import known_words, measure_of
from shanshui.evaluation.protocols import (
    DEFAULT_FIGURES,
    INSTALLED_FAMILIES,
    Protocol,
    choosing_metric,
    compare,
)

EFFICIENTNET = "kid_effnetlite1_128px_500"
VGG = "kid_vgg19_relu5_4_128px_500"


def feature_set(seed: int, count: int, *, scale: float = 1.0, shift: float = 0.0) -> FeatureSet:
    values = np.random.default_rng(seed).normal(shift, 1.0, (count, 6)) * scale
    return FeatureSet("vgg19_relu5_4", values.astype(np.float32))


protocols = st.builds(
    Protocol,
    measure=st.sampled_from(known_words()),
    feature=st.sampled_from(["vgg19_relu5_4", "vgg19_relu4_4", "effnetlite1"]),
    height=st.integers(1, 4096),
    width=st.integers(1, 4096),
    reals=st.integers(1, 50_000),
    fakes=st.integers(1, 50_000),
    trained=st.none() | st.integers(1, 50_000),
)


def test_the_name_in_the_documentation() -> None:
    protocol = Protocol(measure="kid", feature="vgg19_relu5_4", height=128, width=128, reals=598, fakes=598)
    assert protocol.name == "kid_vgg19_relu5_4_128px_598"


@given(protocols)
def test_a_name_spells_its_protocol(protocol: Protocol) -> None:
    assert Protocol.parse(protocol.name) == protocol


@given(protocols, protocols)
def test_different_protocols_have_different_names(first: Protocol, second: Protocol) -> None:
    assert (first == second) == (first.name == second.name)


@pytest.mark.parametrize("name", ["", "kid", "kid_vgg19", "psnr_vgg19_relu5_4_128px_10", "kid_128px_10", f"{VGG}x"])
def test_a_name_that_spells_nothing_is_one_sentence(name: str) -> None:
    with pytest.raises(ConfigError):
        Protocol.parse(name)


def test_the_network_of_the_discriminator_never_chooses() -> None:
    assert choosing_metric([EFFICIENTNET, VGG], looks_through="effnetlite1") == VGG
    assert choosing_metric([EFFICIENTNET, VGG], looks_through="vgg19") == EFFICIENTNET
    assert choosing_metric([EFFICIENTNET, VGG], looks_through=None) == EFFICIENTNET
    with pytest.raises(ConfigError, match=r"looks through effnetlite1.*another encoder"):
        choosing_metric([EFFICIENTNET], looks_through="effnetlite1")
    with pytest.raises(ConfigError):
        choosing_metric([], looks_through=None)


def test_an_unknown_encoder_is_refused_rather_than_taken_for_independent() -> None:
    with pytest.raises(ConfigError, match="efficientnet"):
        choosing_metric([EFFICIENTNET], looks_through="efficientnet")


def test_the_default_figures_are_on_known_encoders() -> None:
    names = [f"{figure}_128px_500" for figure in DEFAULT_FIGURES]
    assert {Protocol.parse(name).family for name in names} <= INSTALLED_FAMILIES


def test_figures_are_the_distances_at_unit_rms() -> None:
    real, fake = feature_set(0, 30, scale=50.0), feature_set(1, 20, scale=50.0, shift=0.5)
    figures = compare({real.name: real}, {fake.name: fake}, DEFAULT_FIGURES[:1], height=64, width=96)
    scale = 1 / np.sqrt(np.mean(real.values**2))
    (name, estimate) = figures.popitem()
    assert name == "kid_vgg19_relu5_4_96x64px_30v20"
    assert estimate.value == pytest.approx(kid(real.values * scale, fake.values * scale).value, rel=1e-5)
    assert estimate.standard_error is not None
    plain = frechet(real.values, fake.values).value
    scaled = compare({real.name: real}, {fake.name: fake}, ["frechet_vgg19_relu5_4"], height=64, width=64)
    assert scaled["frechet_vgg19_relu5_4_64px_30v20"].value == pytest.approx(plain * scale**2, rel=1e-4)


def test_the_size_of_activations_does_not_matter() -> None:
    small, large = (
        compare({"f": feature_set(0, 30, scale=s)}, {"f": feature_set(1, 30, scale=s)}, ["kid_f"], height=8, width=8)
        for s in (1.0, 1000.0)
    )
    assert small["kid_f_8px_30"].value == pytest.approx(large["kid_f_8px_30"].value, rel=1e-3, abs=1e-6)


def test_a_feature_that_was_not_extracted_is_one_sentence() -> None:
    real = {"vgg19_relu5_4": feature_set(0, 5)}
    with pytest.raises(ConfigError, match="vgg19_relu4_4"):
        compare(real, real, ["kid_vgg19_relu4_4"], height=8, width=8)
    with pytest.raises(ConfigError, match="psnr"):
        compare(real, real, ["psnr_vgg19_relu5_4"], height=8, width=8)


def test_features_of_other_networks_are_taken_as_they_are() -> None:
    """So that a figure on the 2015 Inception is the one that papers report."""
    real, fake = (FeatureSet("inception2015", feature_set(seed, 30, scale=50.0, shift=seed).values) for seed in (0, 1))
    figures = compare({real.name: real}, {fake.name: fake}, ["frechet_inception2015"], height=64, width=64)
    assert figures["frechet_inception2015_64px_30"].value == frechet(real.values, fake.values).value


def test_neighbours_are_part_of_the_name() -> None:
    real, fake = feature_set(0, 40), feature_set(1, 40)
    figures = [f"precision{k}_vgg19_relu5_4" for k in (1, 3, 10)]
    values = [e.value for e in compare({real.name: real}, {real.name: fake}, figures, height=8, width=8).values()]
    assert values == sorted(values)
    assert values[0] < values[-1]


@pytest.mark.parametrize("word", ["precision", "kid3", "precision0", "precision101", "precision3x", "Kid", ""])
def test_a_word_that_measures_nothing_is_one_sentence(word: str) -> None:
    with pytest.raises(ConfigError, match="precision3"):
        measure_of(word)


def test_every_measure_says_what_it_means() -> None:
    for word in known_words():
        measure = measure_of(word)
        assert measure.title and measure.meaning.endswith(".")


def test_a_figure_that_needs_pixels_is_refused_where_there_are_features_alone() -> None:
    real = {"msssim": FeatureSet("msssim", np.ones((5, 2), np.float32))}
    with pytest.raises(ConfigError, match="diversity"):
        compare(real, real, ["diversity_msssim"], height=8, width=8)


def test_only_distances_choose_the_best_snapshot() -> None:
    assert choosing_metric(["recall3_vgg19_relu5_4_128px_500", VGG], looks_through=None) == VGG
