"""Which recipe suits a data set and a machine."""

from dataclasses import dataclass
from typing import Literal

from shanshui.commands.survey import Survey
from shanshui.recipes import RECIPES

FEW = 500  # below this many photos a scene generator mostly repeats what it saw
NEARLY_ALL = 0.9


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to train: subject and name of a recipe, the side of its images in pixels, and how many it sees."""

    subject: Literal["scene", "style"]
    recipe: str
    size: int
    images: int


def plan_for(survey: Survey, device: str) -> Plan:
    """The recipe that suits the number and the size of the images, and a `device` that is `cuda` or slower.

    A style for few images; otherwise scenes of the largest size that nearly all photos have and the device can learn.
    """
    if survey.worth < FEW:
        painter = RECIPES["style"]["painter"]
        return Plan(subject="style", recipe="painter", size=painter.size, images=painter.settings.images)
    sizes = (256, 128, 64) if device == "cuda" else (128, 64)
    size = next((size for size in sizes if survey.share_with_side(size) >= NEARLY_ALL), sizes[-1])
    recipe = f"projected-{size}"
    return Plan(subject="scene", recipe=recipe, size=size, images=RECIPES["scene"][recipe].settings.images)
