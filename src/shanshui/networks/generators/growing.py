"""What the generators have in common whose first layer is a map of `start` positions, doubled again and again."""

from dataclasses import dataclass

from shanshui.errors import ConfigError
from shanshui.networks.generators.base import GeneratorConfig


@dataclass(frozen=True, kw_only=True)
class GrowingConfig(GeneratorConfig):
    """Scenes of start * 2^doublings pixels.

    Attributes:
        start: rows and columns of the coarsest map; (9, 16) makes scenes of 16:9.
        width: channels of the finest map; each coarser one has twice as many, up to eight times (see `pyramid`).
    """

    start: tuple[int, int] = (4, 4)
    width: int = 64

    def __post_init__(self) -> None:
        """Refuse configurations that no network can be built from."""
        if min(self.start) < 1 or min(self.doublings, self.latent, self.width) < 1:
            raise ConfigError(
                "A generator needs a start, doublings, latent and width of at least 1, "
                f"not {self.start}, {self.doublings}, {self.latent} and {self.width}."
            )
        if self.labels != 0:
            raise ConfigError(f"A {type(self).__name__} cannot be told labels: set labels to 0, not {self.labels}.")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels of the scenes."""
        rows, columns = self.start
        return rows * 2**self.doublings, columns * 2**self.doublings
