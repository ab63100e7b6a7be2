"""Figures by measure and feature: which are usual, what a short name stands for, what each looks at."""

from collections.abc import Iterable, Sequence

from shanshui.evaluation.protocols import split_figure

FEWEST_FOR_FRECHET = 2000
"""Below so many images a side the Frechet distance is mostly its own bias, and is left out unless asked for."""

ALWAYS_THERE = "msssim"
"""The distance between images that needs no network: 1 - MS-SSIM."""

USUAL_DISTANCE = "perceptualvgg19"
"""The distance between images that everybody has: no weights but those of the installed VGG-19."""

OF_PIXELS = frozenset({"diversity", "content"})
"""Measures whose second word is a distance between images and not a feature."""

OF_PICTURES = frozenset({"content", "artfid"})
"""Measures of stylised pictures, which real images are not: they have no control."""

_ALIASES = {"fid": "frechet"}
_NATURAL_FEATURES = {
    "sharpness": "spectrum",
    "contrast": "spectrum",
    "diversity": ALWAYS_THERE,
    "content": USUAL_DISTANCE,
}


def default_figures(features: Sequence[str], *, reals: int, fakes: int, trained: bool) -> tuple[str, ...]:
    """What to look at when nothing is asked for.

    KID on every feature; the Frechet distance as well from `FEWEST_FOR_FRECHET` images a side; what lies behind a
    distance (overlap, variety, detail, copies) on the first feature.

    Args:
        features: what the judging network gives, the preferred first.
        reals: number of real images.
        fakes: number of judged images.
        trained: training images are known.
    """
    main = features[0]
    return (
        *(f"kid_{feature}" for feature in features),
        *(f"frechet_{feature}" for feature in features if min(reals, fakes) >= FEWEST_FOR_FRECHET),
        *(f"{word}_{main}" for word in ("precision3", "recall3", "density5", "coverage5", "distinctness", "copied")),
        "sharpness_spectrum",
        "contrast_spectrum",
        f"diversity_{ALWAYS_THERE}",
        *([f"memorized_{main}"] if trained else []),
    )


def painting_figures(features: Sequence[str]) -> tuple[str, ...]:
    """What to look at in stylised pictures when nothing is asked for; arguments as in `default_figures`."""
    return (
        *(f"kid_{feature}" for feature in features),
        f"content_{USUAL_DISTANCE}",
        f"artfid_{USUAL_DISTANCE}_{features[0]}",
        "sharpness_spectrum",
    )


def complete(figure: str, features: Sequence[str]) -> str:
    """`figure` with its feature: `kid` becomes `kid_vgg19_relu5_4`, `fid` becomes `frechet_vgg19_relu5_4`.

    Args:
        figure: a measure, alone or with its feature.
        features: what the judging network gives, the preferred first.

    Raises:
        ConfigError: there is no such measure.
    """
    word, _, feature = figure.partition("_")
    word = _ALIASES.get(word, word)
    if word == "artfid":
        feature = feature or f"{USUAL_DISTANCE}_{features[0]}"
    completed = f"{word}_{feature or _NATURAL_FEATURES.get(word, features[0])}"
    split_figure(completed)
    return completed


def feature_of(figure: str) -> str | None:
    """The feature that `figure` looks at; None when it looks at pixels alone."""
    measure, feature = split_figure(figure)
    if measure in OF_PIXELS:
        return None
    return feature.partition("_")[2] if measure == "artfid" else feature


def distance_of(figure: str) -> str | None:
    """The distance between images that `figure` is made of; None when it is made of features alone."""
    measure, feature = split_figure(figure)
    if measure in OF_PIXELS:
        return feature
    return feature.partition("_")[0] if measure == "artfid" else None


def features_needed(figures: Iterable[str]) -> frozenset[str]:
    """Names of the features that `figures` look at; ConfigError for a figure that does not exist."""
    return frozenset(feature for figure in figures if (feature := feature_of(figure)) is not None)
