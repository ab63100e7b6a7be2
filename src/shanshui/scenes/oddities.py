"""Which pictures of a data set are no ordinary photographs, judged by what was measured on them."""

import math
from collections.abc import Callable, Mapping
from statistics import median

from shanshui.scenes.traits import Traits

BLANK = 0.03  # contrast below which nothing can be made out; photographs in fog have 0.04 and more
GREY = 0.03  # colour of the most colourful part that still counts as none
FLAT, FEW_TONES = 0.35, 0.65  # a graphic is flatter, and its four main tones fill more of it
FAR_ASPECT = 2.0  # factor between an aspect and the usual one that makes an outlier
NEARLY_ALL = 0.9

Traitwise = Mapping[str, Traits]


def oddities(traits: Traitwise) -> dict[str, dict[str, str]]:
    """Kind of oddity -> file name -> what is odd about it.

    Kinds, of which a picture has one at most: `blank` (nearly one tone), `graphics` (screenshots, charts, drawings),
    `frames` (bars or a frame of one tone), `turned` (upright where nearly all lie, or the other way round), `shape`
    (more than twice as wide or as narrow as usual, and one of a few: a second common shape is not odd), `grey` (no
    colour).
    """
    usual = median(one.width / one.height for one in traits.values()) if traits else 1.0
    wide = _share(traits, lambda one: one.width > one.height)
    upright = _share(traits, lambda one: one.width < one.height)
    found: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
    for name, one in traits.items():
        odd = _of_content(one) or _of_shape(one, usual, wide, upright) or _of_color(one)
        if odd is not None:
            kind, reason = odd
            found[kind][name] = reason
    if len(found["shape"]) > (1 - NEARLY_ALL) * len(traits):
        found["shape"] = {}
    return found


KINDS = ("blank", "graphics", "frames", "turned", "shape", "grey")


def _of_content(one: Traits) -> tuple[str, str] | None:
    if one.contrast < BLANK:
        return "blank", f"nearly one tone (contrast {one.contrast:.3f})"
    if one.flat >= FLAT and one.tones >= FEW_TONES:
        return "graphics", f"four tones fill {one.tones:.0%} of it"
    if max(one.frame) > 0:
        rows, columns = one.frame
        return "frames", f"one tone covers {rows:.1%} of the height and {columns:.1%} of the width at the edges"
    return None


def _of_shape(one: Traits, usual: float, wide: float, upright: float) -> tuple[str, str] | None:
    size = f"{one.width} x {one.height}"
    if one.width < one.height and wide >= NEARLY_ALL:
        return "turned", f"{size}: upright, while nearly all others lie"
    if one.width > one.height and upright >= NEARLY_ALL:
        return "turned", f"{size}: lies, while nearly all others stand upright"
    if abs(math.log(one.width / one.height / usual)) > math.log(FAR_ASPECT):
        return "shape", f"{size}: the usual width is {usual:.2f} times the height"
    return None


def _of_color(one: Traits) -> tuple[str, str] | None:
    return ("grey", "no colour") if one.most_color <= GREY else None


def _share(traits: Traitwise, holds: Callable[[Traits], bool]) -> float:
    return sum(map(holds, traits.values())) / max(1, len(traits))
