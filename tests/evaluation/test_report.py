"""The report shows everything that was found, stands alone, and takes nothing that it is told for markup."""

import base64
import io
import re
from collections.abc import Callable, Mapping, Sequence
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image as Pillow

from shanshui.evaluation.assessment import Assessment, Distribution, Gallery, Neighbours, Verdict
from shanshui.evaluation.estimates import Estimate
from shanshui.evaluation.features import Image
from shanshui.evaluation.measures import Better
from shanshui.evaluation.report import Explanation, render
from shanshui.evaluation.report.charts import Reading
from shanshui.evaluation.report.comparison import Figure
from shanshui.evaluation.report.judged import CONTROL, brief_names
from shanshui.evaluation.report.pictures import LONGEST

KID = "kid_vgg19_relu5_4_128px_598v2000"
PRECISION = "precision_vgg19_relu5_4_128px_598v2000"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;</style></svg>\x00 長"
EXPLANATIONS = {
    "kid": Explanation(title="Kernel distance", meaning="How far apart they lie.", better="lower"),
    "precision": Explanation(title="Precision", meaning="Share that looks real.", better="higher"),
}


class Page(HTMLParser):
    """What a browser sees: the text, the tags with their attributes, and that every tag is closed in its turn."""

    VOID = frozenset({"meta", "img", "br", "wbr"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("style", "title", "desc"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def headings(self) -> list[str]:
        return re.findall(r"<h2>([^<]*)</h2>", self.html)


def explain(name: str) -> Explanation:
    return EXPLANATIONS[name.split("_")[0]]


def images(count: int, *, height: int = 12, width: int = 16) -> list[Image]:
    draw = np.random.default_rng(count).integers(0, 256, (count, height, width, 3))
    return list(draw.astype(np.uint8))


def assessment(
    label: str = "model",
    *,
    figures: Mapping[str, float] | None = None,
    images_seen: int | None = None,
    verdict: Verdict | None = None,
    gallery: Gallery | None = None,
) -> Assessment:
    values = figures if figures is not None else {KID: 0.3, PRECISION: 0.5}
    return Assessment(
        label=label,
        images_seen=images_seen,
        figures={name: Estimate(value=value, standard_error=0.01) for name, value in values.items()},
        control={name: Estimate(value=0.02, standard_error=0.005) for name in values},
        verdict=verdict or Verdict(headline="diverse but blurry"),
        gallery=gallery or Gallery(shown=images(4)),
    )


def full_gallery(label: str) -> Gallery:
    one, two, three, *_ = images(5)
    return Gallery(
        shown=images(4),
        most_typical=images(2),
        least_typical=images(3),
        neighbours=[Neighbours(image=one, nearest=[two, three], distances=[0.4321, 0.5])],
        copies=[Neighbours(image=two, nearest=[one], distances=[0.0125])],
        distributions=[
            Distribution(title="Distance", axis="unit rms", groups={"real": np.arange(9.0), label: np.arange(5.0) + 3})
        ],
    )


def page(
    *assessments: Assessment,
    real: str = "photos",
    explain: Callable[[str], Explanation] = explain,
    title: str | None = None,
) -> Page:
    return Page(render(assessments, real=real, real_images=images(5), explain=explain, title=title))


def test_everything_that_was_found_is_on_the_page() -> None:
    verdict = Verdict(headline="collapsed: recall 0.02", findings=["All look alike."], warnings=["Only 50 images."])
    shown = page(assessment("model", verdict=verdict, gallery=full_gallery("model")), assessment("other"))
    for words in ("model and other against photos", "collapsed: recall 0.02", "All look alike.", "Only 50 images.",
                  KID, PRECISION, "Kernel distance", "How far apart they lie.", "↓ lower is better",
                  "↑ higher is better", CONTROL, "0.432", "0.0125", "Distance", "real (9)", "model (5)"):  # fmt: skip
        assert words in shown.text, words
    assert shown.headings() == [
        "Verdict",
        "Figures",
        "Suspected copies",
        "Beside the real images",
        "Most and least typical",
        "Nearest real images",
        "Distributions",
        "How to read this",
    ]
    links = [link["href"] for link in shown.all("a")]
    assert links == [f"#{section['id']}" for section in shown.all("section")]


def test_values_stand_over_their_intervals() -> None:
    shown = page(assessment(figures={KID: 0.3}))
    assert "0.3000 0.2804 to 0.3196" in shown.text  # 1.96 standard errors of 0.01 either way
    assert "0.0200 0.0102 to 0.0298" in shown.text


def test_hostile_names_stay_text() -> None:
    gallery = full_gallery(HOSTILE)
    odd = Explanation(title=HOSTILE, meaning=HOSTILE, better="near one")
    verdict = Verdict(headline=HOSTILE, findings=[HOSTILE], warnings=[HOSTILE])
    found = [
        assessment(HOSTILE, figures={HOSTILE: 1.0}, images_seen=seen, verdict=verdict, gallery=gallery)
        for seen in (1, 2)
    ]
    shown = page(*found, real=HOSTILE, explain=lambda name: odd, title=HOSTILE)
    assert not shown.all("script") and "alert(1)</script>" not in shown.html
    assert not [name for _, attributes in shown.tags for name in attributes if name.startswith("on")]
    assert len(shown.all("img")) == 5 + 2 * (4 + 2 + 3 + 3 + 2)
    assert shown.text.count("<script>alert(1)</script>") > 10


def test_the_page_needs_nothing_from_elsewhere() -> None:
    shown = page(assessment(gallery=full_gallery("model"), images_seen=1), assessment(images_seen=2))
    for _, attributes in shown.tags:
        for name in ("href", "src", "xlink:href", "srcset", "action"):
            assert attributes.get(name, "#").startswith(("#", "data:image/jpeg;base64,"))
    assert not re.search(r"https?:|url\(|@import|<script|<link|<iframe", shown.html)


def test_every_drawing_is_well_formed_and_named() -> None:
    shown = page(assessment(gallery=full_gallery("model"), images_seen=1), assessment(images_seen=2))
    drawings = re.findall(r"<svg.*?</svg>", shown.html, re.DOTALL)
    assert len(drawings) == shown.html.count("<svg") > 6
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        assert root.get("aria-hidden") == "true" or (root.findtext("title") and root.findtext("desc"))


def test_a_name_that_is_no_text_can_still_be_written() -> None:
    assert page(assessment("photo-\udcff.png")).html.encode("utf-8")


def test_images_are_embedded_lazily_and_bounded() -> None:
    ramp = np.tile(np.linspace(0, 255, 400, dtype=np.uint8)[None, :, None], (200, 1, 3))
    shown = page(assessment(gallery=Gallery(shown=[ramp])))
    embedded = shown.all("img")
    assert all(image["loading"] == "lazy" and image["alt"] for image in embedded)
    judged = embedded[-1]
    assert (judged["width"], judged["height"]) == (str(LONGEST), str(LONGEST // 2))
    pixels = np.asarray(Pillow.open(io.BytesIO(base64.b64decode(judged["src"].split(",")[1]))), dtype=float)
    assert pixels.shape == (LONGEST // 2, LONGEST, 3)
    expected = np.linspace(0, 255, LONGEST)
    assert np.abs(pixels.mean(axis=(0, 2)) - expected).max() < 4


def test_curves_appear_for_two_snapshots_in_the_order_of_training() -> None:
    late = assessment("late", figures={KID: 0.2}, images_seen=200_000)
    early = assessment("early", figures={KID: 0.4}, images_seen=50_000)
    shown = page(late, early)
    assert "Best: 0.2000 at 200,000 images seen" in shown.text
    chart = re.search(r'<section id="progress">.*?<svg(?![^>]*swatch).*?</svg>', shown.html, re.DOTALL)
    assert chart
    line = ElementTree.fromstring("<svg" + chart[0].split("<svg")[-1]).find(".//polyline")
    assert line is not None
    (first_x, first_y), (last_x, last_y) = (map(float, pair.split(",")) for pair in line.attrib["points"].split())
    assert first_x < last_x and first_y < last_y  # lower distances stand lower on the page
    assert "Progress" not in page(assessment(images_seen=1), assessment()).headings()


def test_a_warning_for_every_set_stands_once() -> None:
    shared, own = "Only 50 real images.", "The judge helped to train this one."
    shown = page(
        assessment("a", verdict=Verdict(headline="h", warnings=[shared])),
        assessment("b", verdict=Verdict(headline="h", warnings=[shared, own])),
    )
    assert shown.text.count(shared) == 1 and shown.text.count(own) == 1


def test_a_figure_that_a_set_lacks_is_said_to_be_missing() -> None:
    shown = page(assessment("a", figures={KID: 0.3}), assessment("b", figures={PRECISION: 0.5}))
    assert shown.text.count("not measured") == 2


@pytest.mark.parametrize("sets", [1, 12])
def test_many_figures_and_empty_galleries(sets: int) -> None:
    names = {f"kid_layer{index}_64px_9": index * 10.0**-index for index in range(40)}
    found = [assessment(f"runs/{index}", figures=names, gallery=Gallery(shown=())) for index in range(sets)]
    shown = page(*found)
    assert all(name in shown.text for name in names)
    assert all(f"runs/{index}" in shown.text for index in range(sets))
    assert "There are none to show." in shown.text


@pytest.mark.parametrize("names", [("judged", "real"), ("real", "model")])
def test_the_judged_group_of_a_histogram_has_the_colour_of_its_set(names: tuple[str, str]) -> None:
    spread = Distribution(title="d", axis="x", groups={name: np.arange(5.0) for name in names})
    shown = page(assessment("model", gallery=Gallery(shown=(), distributions=[spread])))
    chart = shown.html[shown.html.index('id="distributions"') :]
    outlines = re.findall(r"<g style=\"color: ([^\"]*)\"><title>(\w+)</title><polygon", chart)
    assert outlines[0] == ("currentColor", "real")
    assert outlines[1][0].startswith("var(--series-1,") and outlines[1][1] in ("judged", "model")


def figure(better: Better, *readings: Reading | None) -> Figure:
    explanation = Explanation(title="t", meaning="m", better=better)
    return Figure(name="f", explanation=explanation, readings=readings, control=None)


def reading(value: float, reach: float = 0.1) -> Reading:
    return Reading(value=value, interval=(value - reach, value + reach))


@pytest.mark.parametrize(("better", "best"), [("lower", 0), ("higher", 3), ("near one", 2)])
def test_the_best_set_depends_on_the_direction(better: Better, best: int) -> None:
    assert figure(better, reading(0.2), None, reading(1.1), reading(1.9)).best() == best


def test_sets_that_cannot_be_told_from_the_best_lead_with_it() -> None:
    assert figure("lower", reading(0.30), reading(0.45), reading(0.55), None).leaders() == {0, 1}
    assert figure("lower", Reading(value=0.30), Reading(value=0.31)).leaders() == {0}
    assert figure("higher", None, None).leaders() == frozenset()


def test_decimals_follow_the_narrowest_interval() -> None:
    narrow = figure("lower", reading(0.123456, 0.0021), reading(12.0, 3.0))
    assert narrow.written(reading(0.123456, 0.0021)) == ("0.1235", "0.1214 to 0.1256")
    assert figure("lower", Reading(value=84.8251)).written(Reading(value=84.8251)) == ("84.83", None)
    assert figure("lower", Reading(value=0.0)).written(Reading(value=0.0)) == ("0.000", None)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["photos.zip"], ("photos.zip",)),
        (["run/c/s-1.safetensors", "run/c/s-2.safetensors"], ("s-1", "s-2")),
        (["run/a/s.png", "run/b/s.png"], ("a/s", "b/s")),
        (["a.zip", "b.png"], ("a.zip", "b.png")),
        (["v1.5", "w1.5"], ("v1.5", "w1.5")),
        (["run", "run/a"], ("run", "run/a")),
        (["same/x", "same/x"], ("x", "x")),
    ],
)
def test_brief_names_keep_what_differs(labels: list[str], expected: tuple[str, ...]) -> None:
    assert brief_names(labels) == expected
