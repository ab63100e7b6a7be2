"""Named scene controls: a word, its opposite, and the statistic that it stands for."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from shanshui.errors import ConfigError
from shanshui.pipelines.steering.statistics import STATISTICS

STRONGEST = 6.0
"""Largest strength: six standard deviations are further than any scene is from the mean."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """A control: strength 1 raises its statistic by one standard deviation among the scenes of the model.

    Attributes:
        name: for instance `brighter`.
        opposite: the name of the same control with the opposite strength.
        statistic: a name of `STATISTICS`.
        measures: what that is, for people.
        carries: statistics that the control takes along by its meaning, and so does not try to keep.
    """

    name: str
    opposite: str
    statistic: str
    measures: str
    carries: frozenset[str] = frozenset()


CONTROLS: tuple[Control, ...] = (
    Control(name="brighter", opposite="darker", statistic="brightness", measures="mean lightness (L*)"),
    Control(
        name="warmer",
        opposite="cooler",
        statistic="warmth",
        measures="mean colour from blue to red-orange",
        carries=frozenset({"sunset", "color"}),
    ),
    Control(
        name="higher-horizon",
        opposite="lower-horizon",
        statistic="horizon",
        measures="height where the brighter, smoother sky ends",
    ),
    Control(name="more-green", opposite="less-green", statistic="greenness", measures="excess green of the lower half"),
    Control(
        name="more-contrast", opposite="less-contrast", statistic="contrast", measures="standard deviation of lightness"
    ),
    Control(
        name="more-cloud",
        opposite="less-cloud",
        statistic="cloud",
        measures="whiteness and unevenness of the upper part",
    ),
    Control(name="more-color", opposite="less-color", statistic="color", measures="mean chroma (C*)"),
    Control(
        name="more-detail", opposite="less-detail", statistic="detail", measures="difference of neighbouring pixels"
    ),
    Control(
        name="more-sunset",
        opposite="less-sunset",
        statistic="sunset",
        measures="orange of the upper part",
        carries=frozenset({"warmth", "color"}),
    ),
)

_BY_NAME: Mapping[str, tuple[Control, int]] = {
    **{control.name: (control, 1) for control in CONTROLS},
    **{control.opposite: (control, -1) for control in CONTROLS},
}


def find_control(name: str) -> tuple[Control, int]:
    """The control with this name, and its sign: -1 for an opposite. Spaces and underscores pass for hyphens.

    Raises:
        ConfigError: there is none.
    """
    plain = "-".join(name.lower().replace("_", " ").replace("-", " ").split())
    if plain not in _BY_NAME:
        nearest = difflib.get_close_matches(plain, _BY_NAME, n=1)
        advice = f"did you mean {nearest[0]!r}, of " if nearest else "there are "
        raise ConfigError(
            f"There is no control {name!r}: {advice}{', '.join(control.name for control in CONTROLS)}, and the "
            f"opposites {', '.join(control.opposite for control in CONTROLS)}."
        )
    return _BY_NAME[plain]


def wished_changes(strengths: Mapping[str, float]) -> tuple[dict[str, float], frozenset[str]]:
    """Controls and their strengths as wished changes of statistics, and the statistics that are to stay.

    Args:
        strengths: name of a control -> strength; an opposite counts with the opposite sign.

    Returns:
        Statistic -> change in standard deviations; the statistics that no control moves or carries along.

    Raises:
        ConfigError: an unknown name, or two names for one control.
    """
    wished: dict[str, float] = {}
    carried: set[str] = set()
    for name, strength in strengths.items():
        control, sign = find_control(name)
        if control.statistic in wished:
            raise ConfigError(f"{control.name} and {control.opposite} are one control: give it one strength.")
        wished[control.statistic] = sign * strength
        carried |= control.carries
    return wished, frozenset(STATISTICS) - wished.keys() - carried
