"""Painters: what differs between stylizers. All else that a stylizer can do is the same for every one of them."""

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn

from shanshui.errors import ConfigError
from shanshui.networks.precision import fast_dtype
from shanshui.networks.stylizers.arbitrary import ArbitraryStylizer, looked_at
from shanshui.networks.stylizers.feedforward import FeedForwardStylizer
from shanshui.networks.stylizers.fixed import paint_with_fixed_statistics
from shanshui.networks.stylizers.maps import Rows
from shanshui.networks.stylizers.settled import observed, settled
from shanshui.networks.stylizers.strips import paint_in_strips
from shanshui.networks.stylizers.translator_strips import translate_in_strips
from shanshui.networks.stylizers.translators import ResNetTranslator

Network = TypeVar("Network", bound=nn.Module)


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


@runtime_checkable
class QuickPainter(StripPainter, Protocol):
    """A painter that can also take the statistics of a sample for those of the photo."""

    def quick_strips(
        self, sample: Tensor, photo: Rows, height: int, width: int, blend: Sequence[Share], *, room: int
    ) -> Iterator[Tensor]:
        """As `strips`, in one pass, with the statistics of (1, 3, h, w): nearly the same result."""


@runtime_checkable
class AdaptivePainter(Painter, Protocol):
    """A painter that adapts to each picture as a whole, and can be kept from it where frames of a film follow."""

    def settled(self, watch: Callable[[Painter], None]) -> Painter:
        """One that paints every picture with the statistics of all that `watch` paints with the painter it is given.

        Blends that were not painted then adapt as usual.
        """


class _NetworkPainter(Generic[Network]):
    """What painters with a network have in common; the network depends on the style once statistics have settled."""

    map_bytes = 120

    def __init__(self, network: Network, device: torch.device) -> None:
        self._device = device
        self._network = _ready(network, device)
        self._choose: Callable[[Tensor], Network] = lambda style: self._network

    def settled(self, watch: Callable[[Self], None]) -> Self:
        """One with the statistics of what `watch` paints; see `AdaptivePainter`."""
        watching: dict[tuple[float, ...], Network] = {}

        def watched(style: Tensor) -> Network:
            if _key(style) not in watching:
                watching[_key(style)] = observed(self._network)
            return watching[_key(style)]

        watch(self._choosing(watched))
        calm = {key: settled(network) for key, network in watching.items()}
        return self._choosing(lambda style: calm.get(_key(style), self._network))

    def _choosing(self, choose: Callable[[Tensor], Network]) -> Self:
        twin = copy(self)
        twin._choose = choose
        return twin


def _key(style: Tensor) -> tuple[float, ...]:
    return tuple(style.flatten().tolist())


class NamedPainter(_NetworkPainter[FeedForwardStylizer]):
    """Paints in the styles that one network has learned, by name."""

    takes_paintings = False

    def __init__(self, network: FeedForwardStylizer, *, device: torch.device | str = "cpu") -> None:
        """Use `network`, which is moved to `device` and to the number format that is fastest there."""
        super().__init__(network, torch.device(device))
        self._styles = network.config.styles

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
        painting: Tensor = self._choose(weights)(photo, weights)
        return painting.to(photo.dtype)

    def strips(self, photo: Rows, height: int, width: int, blend: Sequence[Share], *, room: int) -> Iterator[Tensor]:
        """As calling it, by strips; see `StripPainter`.

        Raises:
            ConfigError: a style is a painting.
        """
        weights = self._weights(blend)
        return paint_in_strips(self._choose(weights), photo, height, width, weights, room=room)

    def quick_strips(
        self, sample: Tensor, photo: Rows, height: int, width: int, blend: Sequence[Share], *, room: int
    ) -> Iterator[Tensor]:
        """As `strips`, with the statistics of a sample; see `QuickPainter`.

        Raises:
            ConfigError: a style is a painting.
        """
        weights = self._weights(blend)
        watching = observed(self._network)
        watching(sample, weights)
        return paint_with_fixed_statistics(settled(watching), photo, height, width, weights, room=room)

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


class ExamplePainter(_NetworkPainter[ArbitraryStylizer]):
    """Paints after any painting, and in the styles that the network remembers by name.

    A painting is looked at with a shorter side of at most `LOOKING_SIDE` pixels, whatever the size of the photo: that
    sets the size of the strokes, in pixels.
    """

    takes_paintings = True

    def __init__(self, network: ArbitraryStylizer, *, device: torch.device | str = "cpu") -> None:
        """Use `network`, which is moved to `device` and to the number format that is fastest there."""
        super().__init__(network, torch.device(device))
        self._remembered: dict[str, Tensor] = dict(
            zip(network.config.styles, network.remembered[:, None].float().to(self._device), strict=True)
        )

    @property
    def styles(self) -> tuple[str, ...]:
        """The names that it knows."""
        return tuple(self._remembered)

    def __call__(self, photo: Tensor, blend: Sequence[Share]) -> Tensor:
        """Paint (1, 3, H, W); what the network tells of the styles is averaged."""
        style = self._style(blend)
        painting: Tensor = self._choose(style).paint(photo, style)
        return painting.to(photo.dtype)

    def strips(self, photo: Rows, height: int, width: int, blend: Sequence[Share], *, room: int) -> Iterator[Tensor]:
        """As calling it, by strips; see `StripPainter`."""
        style = self._style(blend)
        return paint_in_strips(self._choose(style), photo, height, width, style, room=room)

    def _style(self, blend: Sequence[Share]) -> Tensor:
        return torch.stack([share.weight * self._told(share.style) for share in blend]).sum(0)

    def _told(self, style: str | Tensor) -> Tensor:
        if isinstance(style, str):
            return self._remembered[style]
        told: Tensor = self._network.style_of(looked_at(style.to(self._device)))
        return told


def _ready(network: Network, device: torch.device) -> Network:
    """On the device, in the number format that is fastest there, and not to be learned."""
    network = network.to(device=device, dtype=fast_dtype(device)).eval().requires_grad_(False)
    return network.to(memory_format=torch.channels_last)  # type: ignore[no-any-return,call-overload]
