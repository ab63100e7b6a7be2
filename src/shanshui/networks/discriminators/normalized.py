"""What the discriminators have in common that see pixels and let a config choose their normalisation."""

from dataclasses import dataclass

from shanshui.errors import ConfigError
from shanshui.networks.discriminators.base import Discriminator, DiscriminatorConfig
from shanshui.networks.normalization import NORMALIZATIONS, Normalization


@dataclass(frozen=True, kw_only=True)
class NormalizedConfig(DiscriminatorConfig):
    """A discriminator of pixels.

    Attributes:
        channels: of the finest map; each coarser one has twice as many, up to eight times (see `pyramid`).
        normalization: "batch"; "layer" or "instance", which see one image at a time and so allow a gradient penalty;
            "spectral", of the weights; "none".
    """

    channels: int = 64
    normalization: Normalization = "none"

    def __post_init__(self) -> None:
        """Refuse configurations that no network can be built from."""
        least = self.least_side
        if min(self.height, self.width) < least or self.channels < 1:
            raise ConfigError(
                f"A {type(self).__name__} needs images of at least {least}x{least} pixels and at least 1 channel, "
                f"not {self.width}x{self.height} pixels and {self.channels} channels."
            )
        if self.normalization not in NORMALIZATIONS:
            raise ConfigError(
                f"There is no normalization {self.normalization!r}: choose one of {', '.join(NORMALIZATIONS)}."
            )
        if self.labels != 0:
            raise ConfigError(f"A {type(self).__name__} cannot be told labels: set labels to 0, not {self.labels}.")

    @property
    def least_side(self) -> int:
        """Pixels that both sides of an image must have."""
        return 8


class NormalizedDiscriminator(Discriminator):
    """Pixels -> logits, normalised as its config says."""

    config: NormalizedConfig

    @property
    def has_batch_norm(self) -> bool:
        return self.config.normalization == "batch"
