"""Figures in words: what a set of images has, what it lacks, and what stands against trusting the figures.

Every figure is read beside its control, what real images score against real ones: a precision of 0.6 is perfect where
the control has 0.6. The limits below were chosen on photographs that were blurred, given noise, repeated, shuffled and
copied on purpose, and on a generator from its first to its last snapshot; docs/numerics.md has the table.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from shanshui.evaluation.assessment import Verdict
from shanshui.evaluation.estimates import Estimate
from shanshui.evaluation.figures import FEWEST_FOR_FRECHET
from shanshui.evaluation.protocols import Protocol

MOSTLY, MEMORIZED, CHANCE = 0.5, 0.05, 0.01
"""Shares of copies from which on the set consists of them, and from which on they are named; what chance gives."""

BLURRY, SOFT, HARSH, NOISY = 0.4, 0.75, 1.33, 2.0
"""Fine detail relative to the real images': below the first two, above the last two."""

PLAUSIBLE, PARTLY = 0.8, 0.5
"""Precision over its control."""

CROWDED, COLLAPSED = 0.7, 0.4
"""Distinctness over its control below which precision is too high by crowding, and below which scenes repeat."""

DIVERSE, LIMITED = 0.75, 0.45
"""Geometric mean of recall and coverage, each over its control and at most 1."""

CLOSE = 3.0
"""Standard errors that KID may lie above its control before the sets count as different."""

FEW, UNEQUAL = 500, 1.5
"""Images a side below which shares jump by whole percents; ratio of counts from which recall and coverage mislead."""

_PRAISE = frozenset({"plausible", "diverse", "sharp"})
_PERFECT = {"precision": 0.7, "recall": 0.7, "coverage": 0.95, "distinctness": 1.0, "sharpness": 1.0}
"""What stands in for a control that could not be measured."""


@dataclass(frozen=True)
class _Reading:
    """A figure, its standard error, and what real images score."""

    value: float
    error: float
    control: float

    @property
    def share(self) -> float:
        """The figure over its control."""
        return self.value / self.control if self.control > 0 else 1.0

    @property
    def percent(self) -> str:
        """The figure as a percentage."""
        return _percent(self.value)

    @property
    def beside(self) -> str:
        """The control as a percentage, to stand behind the figure."""
        return f"(real against real: {_percent(self.control)})"


_Readings: TypeAlias = Mapping[str, _Reading]
"""Measure, without its number of neighbours -> its first figure."""


def verdict(
    figures: Mapping[str, Estimate], control: Mapping[str, Estimate], *, looks_through: str | None = None
) -> Verdict:
    """What `figures` say.

    Args:
        figures: full name -> figure of the judged images.
        control: the same names -> real images against real ones, as far as measured.
        looks_through: family of the encoder through which the judged model was trained.
    """
    readings = _readings(figures, control)
    return Verdict(
        headline=_headline(readings),
        findings=list(_findings(readings)),
        warnings=list(_warnings([Protocol.parse(name) for name in figures], looks_through)),
    )


def _readings(figures: Mapping[str, Estimate], control: Mapping[str, Estimate]) -> _Readings:
    readings: dict[str, _Reading] = {}
    for name, estimate in figures.items():
        measure = Protocol.parse(name).measure.rstrip("0123456789")
        perfect = control[name].value if name in control else _PERFECT.get(measure, 0.0)
        readings.setdefault(measure, _Reading(estimate.value, estimate.standard_error or 0.0, perfect))
    return readings


def _headline(readings: _Readings) -> str:
    copies = _copies(readings)
    detail = _detail(readings)
    if copies:
        words = [*([detail] if detail and detail != "sharp" else []), copies]
        return f"{' '.join(words)}{', few of them and repeated' if _collapsed(readings) else ''}"
    words = [word for word in (_quality(readings), _variety(readings), detail) if word]
    good = [word for word in words if word in _PRAISE]
    bad = [word for word in words if word not in _PRAISE]
    if words and not bad and _indistinguishable(readings):
        return f"as good as real images: {_numbers(readings)}"
    described = " but ".join(", ".join(some) for some in (good, bad) if some)
    return f"{described}: {_numbers(readings)}" if described else _numbers(readings)


def _numbers(readings: _Readings) -> str:
    names = {"kid": "KID", "precision": "precision", "recall": "recall", "sharpness": "fine detail"}
    known = [f"{words} {readings[measure].value:z.2f}" for measure, words in names.items() if measure in readings]
    return ", ".join(known) or ", ".join(f"{measure} {reading.value:.4g}" for measure, reading in readings.items())


def _copies(readings: _Readings) -> str:
    """What the set consists of, where it is copies; empty where it is not."""
    if "copied" in readings and readings["copied"].value >= MOSTLY:
        return f"copies of the real images ({readings['copied'].percent} have a twin among them)"
    if "memorized" in readings and readings["memorized"].value >= MOSTLY:
        return f"copies of training images ({readings['memorized'].percent} were memorised)"
    if _memorized(readings):
        return f"scenes, {readings['memorized'].percent} of them memorised from training images"
    return ""


def _memorized(readings: _Readings) -> bool:
    reading = readings.get("memorized")
    return reading is not None and reading.value >= MEMORIZED and reading.value - CLOSE * reading.error > CHANCE


def _quality(readings: _Readings) -> str:
    """Precision in a word; no praise where judged images crowd, as blurred ones do: crowds lie near everything."""
    if "precision" not in readings:
        return ""
    share = readings["precision"].share
    if share >= PLAUSIBLE:
        return "" if _flattered(readings) else "plausible"
    return "only partly plausible" if share >= PARTLY else "unrealistic"


def _variety(readings: _Readings) -> str:
    if _collapsed(readings):
        return "collapsed to few images"
    if "recall" not in readings or "coverage" not in readings:
        return ""
    shares = [min(readings[measure].share, 1.0) for measure in ("recall", "coverage")]
    cover = max(shares[0] * shares[1], 0.0) ** 0.5
    if cover >= DIVERSE:
        return "diverse"
    if _quality(readings) == "unrealistic":
        return ""  # images that lie nowhere near the real ones cover none of them, however varied they are
    return "of limited variety" if cover >= LIMITED else "of little variety"


def _collapsed(readings: _Readings) -> bool:
    return "distinctness" in readings and readings["distinctness"].share < COLLAPSED


def _crowded(readings: _Readings) -> bool:
    return "distinctness" in readings and readings["distinctness"].share < CROWDED


def _flattered(readings: _Readings) -> bool:
    """Whether precision is higher than the images deserve."""
    return _crowded(readings) or _detail(readings) == "blurry"


def _detail(readings: _Readings) -> str:
    if "sharpness" not in readings:
        return ""
    share = readings["sharpness"].share
    if share < SOFT:
        return "blurry" if share < BLURRY else "soft"
    return "sharp" if share <= HARSH else "harsh" if share <= NOISY else "noisy"


def _indistinguishable(readings: _Readings) -> bool:
    kid = readings.get("kid")
    return kid is not None and kid.value <= kid.control + CLOSE * kid.error


def _findings(readings: _Readings) -> Iterator[str]:
    """One sentence for each thing that somebody should know, the weightiest first."""
    for find in (_about_copies, _about_repetition, _about_detail, _about_precision, _about_recall, _about_kid):
        yield from find(readings)


def _about_copies(readings: _Readings) -> Iterator[str]:
    reading = readings.get("copied")
    if reading is not None and reading.value >= MEMORIZED:
        yield f"{reading.percent} of the judged images are copies of real ones; 1 % would be chance."
    reading = readings.get("memorized")
    if reading is not None:
        repeats = ", so the model repeats what it was shown" if _memorized(readings) else ""
        yield (
            f"{reading.percent} of the judged images lie as near to one training image as only 1 % of held-out images "
            f"do{repeats}."
        )


def _about_repetition(readings: _Readings) -> Iterator[str]:
    if _collapsed(readings):
        yield "The judged images are far more like each other than real images are: few scenes, repeated."
    elif _crowded(readings):
        yield "The judged images are more like each other than real images are: the unusual is missing."


def _about_detail(readings: _Readings) -> Iterator[str]:
    words = {"blurry": "blurred", "soft": "a little soft", "harsh": "over-sharpened or grainy", "noisy": "noisy"}
    if _detail(readings) in words:
        yield (
            f"Fine detail has {readings['sharpness'].percent} of the energy that it has in the real images, relative "
            f"to coarser detail: the judged images are {words[_detail(readings)]}."
        )


def _about_precision(readings: _Readings) -> Iterator[str]:
    reading = readings.get("precision")
    if reading is None:
        return
    yield f"{reading.percent} of the judged images lie among the real ones {reading.beside}."
    if _flattered(readings):
        yield "Do not trust that share here: blurred or repetitive images crowd, and crowds lie near everything."
    elif _quality(readings) == "unrealistic" and _detail(readings) in ("sharp", "harsh"):
        yield "Fine detail is there and yet the images look like no real one: the parts do not make a scene."


def _about_recall(readings: _Readings) -> Iterator[str]:
    reading = readings.get("recall")
    if reading is not None:
        yield f"{reading.percent} of the real images lie among the judged ones {reading.beside}."


def _about_kid(readings: _Readings) -> Iterator[str]:
    reading = readings.get("kid")
    if reading is not None:
        found = "no difference" if _indistinguishable(readings) else "a difference that is not chance"
        yield f"KID finds {found}: {reading.value:.3g} (real against real: {reading.control:.3g})."


def _percent(share: float) -> str:
    percent = 100 * share
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.1f} %"


def _warnings(protocols: Sequence[Protocol], looks_through: str | None) -> Iterator[str]:
    if looks_through in {protocol.family for protocol in protocols}:
        yield (
            f"The model was trained through {looks_through}, which judges it here, so the figures flatter it: "
            "judge with another --extractor."
        )
    reals, fakes = protocols[0].reals, protocols[0].fakes
    if min(reals, fakes) < FEW:
        yield f"Only {min(reals, fakes)} images on a side: differences smaller than the intervals mean nothing."
    if max(reals, fakes) > UNEQUAL * min(reals, fakes):
        yield f"{reals} real images against {fakes}: recall and coverage depend on the counts, so compare equal ones."
    if min(reals, fakes) < FEWEST_FOR_FRECHET and any(each.measure in ("frechet", "artfid") for each in protocols):
        yield f"Below {FEWEST_FOR_FRECHET} images the Frechet distance is mostly bias: compare it at equal counts only."
