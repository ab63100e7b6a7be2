"""Painters: what differs between stylizers. All else that a stylizer can do is the same for every one of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from shanshui.errors import ConfigError
from shanshui.networks.precision import fast_dtype
from shanshui.networks.stylizers.feedforward import FeedForwardStylizer
from shanshui.networks.stylizers.maps import Rows
from shanshui.networks.stylizers.settled import observed, settled
from shanshui.networks.stylizers.strips import paint_in_strips


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

    def strips(self, photo: Rows, height: int, width: int, blend: Sequence[Share], *, room: int) -> Iterator[Tensor]:
        """Paint rows of (1, 3, height, width) RGB in [-1, 1], which `photo` gives on its own device.

        Args:
            room: bytes that feature maps may take in memory; the rest goes to temporary files.

        Returns:
            (1, 3, n, width) from the top, in any floating type: together all rows.
        """


class Observer(Painter, Protocol):
    """Paints as the painter does that it comes from, and remembers the statistics of all pictures."""

    def settled(self) -> Painter:
        """A painter that paints every picture with these statistics; blends that were not seen adapt as usual."""


@runtime_checkable
class AdaptivePainter(Painter, Protocol):
    """A painter that adapts to each picture as a whole, and can be kept from it where frames of a film follow."""

    def observer(self) -> Observer:
        """One that has seen nothing yet."""


class NamedPainter:
    """Paints in the styles that one network has learned, by name."""

    takes_paintings = False

    def __init__(self, network: FeedForwardStylizer, *, device: torch.device | str = "cpu") -> None:
        """Use `network`, which is moved to `device` and to the number format that is fastest there."""
        self._device = torch.device(device)
        self._styles = network.config.styles
        network = network.to(device=self._device, dtype=fast_dtype(self._device)).eval().requires_grad_(False)
        self._network: FeedForwardStylizer = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def styles(self) -> tuple[str, ...]:
        """The names that it knows."""
        return self._styles

    def __call__(self, photo: Tensor, blend: Sequence[Share]) -> Tensor:
        """Paint (1, 3, H, W); the normalisation parameters of the styles are averaged.

        Raises:
            ConfigError: a style is a painting.
        """
        weights = self._weights(blend)
        painting: Tensor = self._network_for(weights)(photo, weights)
        return painting.to(photo.dtype)

    def strips(self, photo: Rows, height: int, width: int, blend: Sequence[Share], *, room: int) -> Iterator[Tensor]:
        """As calling it, by strips; see `StripPainter`.

        Raises:
            ConfigError: a style is a painting.
        """
        weights = self._weights(blend)
        return paint_in_strips(self._network_for(weights), photo, height, width, weights, room=room)

    def observer(self) -> "NamedObserver":
        """One that paints like this and remembers statistics; see `AdaptivePainter`."""
        return NamedObserver(self._network, device=self._device)

    def _network_for(self, weights: Tensor) -> FeedForwardStylizer:
        return self._network

    def _weights(self, blend: Sequence[Share]) -> Tensor:
        shares = dict.fromkeys(self._styles, 0.0)
        for share in blend:
            if not isinstance(share.style, str):
                raise ConfigError(
                    f"This model paints in the styles {', '.join(self._styles)} only: use painter-any for a painting."
                )
            shares[share.style] += share.weight
        return torch.tensor([list(shares.values())], device=self._device)


class NamedObserver(NamedPainter):
    """A `NamedPainter` that remembers the statistics of what it paints, for each blend by itself."""

    def __init__(self, network: FeedForwardStylizer, *, device: torch.device) -> None:
        """Paint with copies of `network`."""
        super().__init__(network, device=device)
        self._watching: dict[tuple[float, ...], FeedForwardStylizer] = {}

    def settled(self) -> NamedPainter:
        """A painter that paints every picture with the statistics of those seen."""
        calm = {blend: settled(network) for blend, network in self._watching.items()}
        return _SettledPainter(self._network, calm, device=self._device)

    def _network_for(self, weights: Tensor) -> FeedForwardStylizer:
        blend = tuple(weights[0].tolist())
        if blend not in self._watching:
            self._watching[blend] = observed(self._network)
        return self._watching[blend]


class _SettledPainter(NamedPainter):
    def __init__(
        self,
        network: FeedForwardStylizer,
        calm: Mapping[tuple[float, ...], FeedForwardStylizer],
        *,
        device: torch.device,
    ) -> None:
        super().__init__(network, device=device)
        self._calm = calm

    def _network_for(self, weights: Tensor) -> FeedForwardStylizer:
        return self._calm.get(tuple(weights[0].tolist()), self._network)
