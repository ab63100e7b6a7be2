"""The parts of a report that are images: beside the real ones, at the extremes, beside their neighbours."""

import math
from collections.abc import Callable, Sequence
from html import escape

from shanshui.evaluation.assessment import Gallery, Neighbours
from shanshui.evaluation.features import Image
from shanshui.evaluation.report.judged import Judged
from shanshui.evaluation.report.part import Part
from shanshui.evaluation.report.pictures import match, sheet


def side_by_side(sets: Sequence[Judged], real: str, real_images: Sequence[Image]) -> Part:
    """Images of every set beside real ones, all of one size on the page."""
    longest = max([len(real_images), *(len(each.assessment.gallery.shown) for each in sets)])
    columns = min(max(math.ceil(math.sqrt(longest)), 3), 6)
    reals = sheet(f"Real: {escape(real)}", real_images, "real image", columns=columns)
    judged = "\n".join(
        sheet(each.name(), each.assessment.gallery.shown, f"image of {each.label}", columns=columns) for each in sets
    )
    several = " several" if len(sets) > 1 else ""
    return Part(
        name="images",
        heading="Beside the real images",
        text="Spread evenly over each set, not chosen.",
        body=f'<div class="beside{several}"><div class="reals">{reals}</div><div class="judged">{judged}</div></div>',
    )


def extremes(sets: Sequence[Judged]) -> Part | None:
    """The most and the least typical images of each set."""
    blocks = []
    for each in sets:
        gallery = each.assessment.gallery
        if gallery.most_typical or gallery.least_typical:
            most = sheet("Most typical", gallery.most_typical, f"typical image of {each.label}", columns=4)
            least = sheet("Least typical", gallery.least_typical, f"untypical image of {each.label}", columns=4)
            blocks.append(_block(each, f'<div class="pair">{most}{least}</div>'))
    text = "Images deepest among the real ones, and images farthest from them, as the judging network sees them."
    return _part("typical", "Most and least typical", text, blocks)


def neighbours(sets: Sequence[Judged]) -> Part | None:
    """Some judged images with the real images nearest to them."""
    text = (
        "A judged image on the left, then the real images nearest to it with their distances in feature space. "
        "Neighbours that only resemble it are a good sign; the same picture again is not."
    )
    blocks = _matches(sets, lambda gallery: gallery.neighbours, "real image")
    return _part("neighbours", "Nearest real images", text, blocks)


def copies(sets: Sequence[Judged]) -> Part | None:
    """Judged images that are suspiciously near to a training image."""
    text = (
        "Judged images that lie nearer to a training image than unseen real images do, the most suspicious first. "
        "Compare them with the training images on their right."
    )
    blocks = _matches(sets, lambda gallery: gallery.copies, "training image")
    return _part("copies", "Suspected copies", text, blocks)


def _matches(sets: Sequence[Judged], pick: Callable[[Gallery], Sequence[Neighbours]], other: str) -> list[str]:
    blocks = []
    for each in sets:
        found = "".join(match(one, judged="judged", other=other) for one in pick(each.assessment.gallery))
        if found:
            blocks.append(_block(each, f'<div class="matches">{found}</div>'))
    return blocks


def _block(judged: Judged, body: str) -> str:
    return f"<article><h3>{judged.name()}</h3>{body}</article>"


def _part(name: str, heading: str, text: str, blocks: Sequence[str]) -> Part | None:
    return Part(name=name, heading=heading, text=text, body="\n".join(blocks)) if blocks else None
