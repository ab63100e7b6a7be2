"""What a figure means, found from its name."""

from shanshui.evaluation.measures import measure_of
from shanshui.evaluation.protocols import Protocol
from shanshui.evaluation.report import Explanation


def explained(name: str) -> Explanation:
    """The figure of that full name in words.

    Raises:
        ConfigError: it is not the name of a figure.
    """
    measure = measure_of(Protocol.parse(name).measure)
    return Explanation(title=measure.title, meaning=measure.meaning, better=measure.better)
