"""Painters: what differs between stylizers. All else that a stylizer can do is the same for every one of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional

from shanshui.errors import ConfigError
from shanshui.networks.precision import fast_dtype
from shanshui.networks.stylizers.arbitrary import ArbitraryStylizer
from shanshui.networks.stylizers.feedforward import FeedForwardStylizer
from shanshui.networks.stylizers.maps import Rows
from shanshui.networks.stylizers.strips import paint_in_strips
from shanshui.networks.stylizers.translator_strips import translate_in_strips
from shanshui.networks.stylizers.translators import ResNetTranslator

Network = TypeVar("Network", bound=nn.Module)

PAINTING_SIDE = 256
"""Shorter side, in pixels, at which `ExamplePainter` looks at a painting, if it is larger."""


@dataclass(frozen=True)
class Share:
    """One style of a blend.

    Attributes:
        style: a name that the painter knows, or a painting (1, 3, h, w) float32 RGB in [-1, 1].
        weight: share of the blend; those of a blend sum to 1.
    """

    style: str | Tensor
    weight: float


class Painter(Protocol):
    """Paints whole pictures."""

    @property
    def styles(self) -> tuple[str, ...]:
        """The names that it knows."""

    @property
    def takes_paintings(self) -> bool:
        """Whether a style may be a painting."""

    def __call__(self, photo: Tensor, blend: Sequence[Share]) -> Tensor:
        """Paint (1, 3, H, W) float32 RGB in [-1, 1], any size; the result has the same shape, type and device."""


@runtime_checkable
class StripPainter(Painter, Protocol):
    """A painter that can also paint a picture of any size in bounded memory, with the same result."""

    @property
    def map_bytes(self) -> int:
        """Of feature maps and their surroundings, at most, for each pixel of a picture that is painted at once."""

    def strips(self, photo: Rows, height: int, width: int, blend: Sequence[Share], *, room: int) -> Iterator[Tensor]:
        """Paint rows of (1, 3, height, width) RGB in [-1, 1], which `photo` gives on its own device.

        Args:
            room: bytes that feature maps may take in memory; the rest goes to temporary files.

        Returns:
            (1, 3, n, width) from the top, in any floating type: together all rows.
        """


class NamedPainter:
    """Paints in the styles that one network has learned, by name."""

    takes_paintings = False
    map_bytes = 120

    def __init__(self, network: FeedForwardStylizer, *, device: torch.device | str = "cpu") -> None:
        """Use `network`, which is moved to `device` and to the number format that is fastest there."""
        self._device = torch.device(device)
        self._styles = network.config.styles
        self._network = _ready(network, self._device)

    @property
    def styles(self) -> tuple[str, ...]:
        """The names that it knows."""
        return self._styles

    def __call__(self, photo: Tensor, blend: Sequence[Share]) -> Tensor:
        """Paint (1, 3, H, W); the normalisation parameters of the styles are averaged.

        Raises:
            ConfigError: a style is a painting.
        """
        painting: Tensor = self._network(photo, self._weights(blend))
        return painting.to(photo.dtype)

    def strips(self, photo: Rows, height: int, width: int, blend: Sequence[Share], *, room: int) -> Iterator[Tensor]:
        """As calling it, by strips; see `StripPainter`.

        Raises:
            ConfigError: a style is a painting.
        """
        return paint_in_strips(self._network, photo, height, width, self._weights(blend), room=room)

    def _weights(self, blend: Sequence[Share]) -> Tensor:
        shares = dict.fromkeys(self._styles, 0.0)
        for share in blend:
            if not isinstance(share.style, str):
                raise ConfigError(
                    f"This model paints in the styles {', '.join(self._styles)} only: use painter-any for a painting."
                )
            shares[share.style] += share.weight
        return torch.tensor([list(shares.values())], device=self._device)


class TranslationPainter:
    """Paints what one `ResNetTranslator` has learned to turn photos into."""

    takes_paintings = False

    def __init__(self, network: ResNetTranslator, *, device: torch.device | str = "cpu") -> None:
        """Use `network`, which is moved to `device` and to the number format that is fastest there."""
        self.styles: tuple[str, ...] = (network.config.style,)
        self._network = _ready(network, torch.device(device))
        # About seven maps at the full resolution, as measured: convolved, normalised, rectified, extended, and so on.
        self.map_bytes = 7 * network.config.width * network.to_rgb.weight.element_size()

    def __call__(self, photo: Tensor, blend: Sequence[Share]) -> Tensor:
        """Paint (1, 3, H, W).

        Raises:
            ConfigError: a style is a painting.
        """
        self._require_name(blend)
        painting: Tensor = self._network(photo)
        return painting.to(photo.dtype)

    def strips(self, photo: Rows, height: int, width: int, blend: Sequence[Share], *, room: int) -> Iterator[Tensor]:
        """As calling it, by strips; see `StripPainter`.

        Raises:
            ConfigError: a style is a painting.
        """
        self._require_name(blend)
        return translate_in_strips(self._network, photo, height, width, room=room)

    def _require_name(self, blend: Sequence[Share]) -> None:
        if any(not isinstance(share.style, str) for share in blend):
            raise ConfigError(f"This model paints {self.styles[0]} only: use painter-any for a painting.")


class ExamplePainter:
    """Paints after any painting.

    A painting is looked at with a shorter side of at most `PAINTING_SIDE` pixels, whatever the size of the photo: that
    sets the size of the strokes, in pixels.
    """

    takes_paintings = True
    map_bytes = 120
    styles: tuple[str, ...] = ()

    def __init__(self, network: ArbitraryStylizer, *, device: torch.device | str = "cpu") -> None:
        """Use `network`, which is moved to `device` and to the number format that is fastest there."""
        self._device = torch.device(device)
        self._network = _ready(network, self._device)

    def __call__(self, photo: Tensor, blend: Sequence[Share]) -> Tensor:
        """Paint (1, 3, H, W); what the network tells of the paintings is averaged.

        Raises:
            ConfigError: a style is a name.
        """
        painting: Tensor = self._network.paint(photo, self._style(blend))
        return painting.to(photo.dtype)

    def strips(self, photo: Rows, height: int, width: int, blend: Sequence[Share], *, room: int) -> Iterator[Tensor]:
        """As calling it, by strips; see `StripPainter`.

        Raises:
            ConfigError: a style is a name.
        """
        return paint_in_strips(self._network, photo, height, width, self._style(blend), room=room)

    def _style(self, blend: Sequence[Share]) -> Tensor:
        parts = []
        for share in blend:
            if isinstance(share.style, str):
                raise ConfigError(f"This model knows no style {share.style!r}: it takes the file of a painting.")
            parts.append(share.weight * self._network.style_of(_looked_at(share.style.to(self._device))))
        return torch.stack(parts).sum(0)


def _looked_at(painting: Tensor) -> Tensor:
    """(1, 3, h, w) no larger than styles are looked at."""
    height, width = painting.shape[2:]
    scale = PAINTING_SIDE / min(height, width)
    if scale >= 1:
        return painting
    size = (round(height * scale), round(width * scale))
    return functional.interpolate(painting, size=size, mode="bicubic", antialias=True, align_corners=False)


def _ready(network: Network, device: torch.device) -> Network:
    """On the device, in the number format that is fastest there, and not to be learned."""
    network = network.to(device=device, dtype=fast_dtype(device)).eval().requires_grad_(False)
    return network.to(memory_format=torch.channels_last)  # type: ignore[no-any-return,call-overload]
