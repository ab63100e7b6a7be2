"""What a feature network wants to see: range, channel order, normalisation and size of its input."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F

from shanshui import jsontext
from shanshui.errors import ConfigError

Resize: TypeAlias = Literal["bicubic", "bilinear", "tensorflow1"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, kw_only=True)
class InputConvention:
    """From images in [-1, 1] to what a network was trained on: resize, order the channels, scale, normalise.

    The defaults are those of most ImageNet classifiers: [0, 1], RGB, ImageNet's means and deviations, and no resizing.

    Attributes:
        low: what black becomes before the normalisation.
        high: what white becomes before it.
        channels: the order that the network expects.
        mean: subtracted per channel, in the network's channel order, in units of [low, high].
        std: then divided by, per channel.
        side: images become `side` x `side` pixels, whatever their shape was; None leaves them as they are.
        resize: `bicubic` or `bilinear` are antialiased and stay within the range (Pillow's kernels);
            `tensorflow1` is TensorFlow 1's bilinear resizing, neither antialiased nor centred on pixels.
    """

    low: float = 0.0
    high: float = 1.0
    channels: Literal["rgb", "bgr"] = "rgb"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    side: int | None = None
    resize: Resize = "bicubic"

    def __post_init__(self) -> None:
        """Raises ConfigError for a value that cannot work."""
        if self.channels not in ("rgb", "bgr") or self.resize not in tuple(RESIZERS):
            raise ConfigError(
                f"The channels {self.channels!r} or the resizing {self.resize!r} do not exist: "
                f"write rgb or bgr, and one of {', '.join(RESIZERS)}."
            )
        if not (_are_three(self.mean) and _are_three(self.std)) or 0 in self.std:
            raise ConfigError(f"Mean {self.mean} and deviation {self.std} need three numbers each, the latter not 0.")
        if not (_is_number(self.low) and _is_number(self.high)):
            raise ConfigError(
                f"Low {self.low!r} and high {self.high!r} are not numbers: write what black and white become."
            )
        if self.side is not None and (not isinstance(self.side, int) or self.side < 1):
            raise ConfigError(f"A side of {self.side} pixels is no size: write 1 or more, or leave it out.")

    def __call__(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) RGB in [-1, 1] -> float32 (N, 3, h, w) as the network expects them."""
        x = images.float()
        if self.side is not None:
            x = RESIZERS[self.resize](x, self.side)
        if self.channels == "bgr":
            x = x.flip(1)
        mean, std = (torch.tensor(values, device=x.device).view(1, 3, 1, 1) for values in (self.mean, self.std))
        # One multiplication and one addition: 0.5 (x + 1) (high - low) + low, minus the mean, over the deviation.
        half = (self.high - self.low) / 2
        return x * (half / std) + (half + self.low - mean) / std

    @property
    def digest(self) -> str:
        """Four hexadecimal digits that tell this convention from others."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:4]

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> "InputConvention":
        """The convention that a JSON object spells, for instance `{"low": -1, "high": 1, "side": 224}`.

        Raises:
            ConfigError: an attribute that does not exist, or a value that cannot work.
        """
        try:
            return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})  # type: ignore[arg-type]
        except TypeError as error:
            raise ConfigError(
                f"An input convention has {', '.join(cls.__dataclass_fields__)} and nothing else, "
                f"but this one has {', '.join(values)}: correct it."
            ) from error

    @classmethod
    def beside(cls, path: Path) -> "InputConvention | None":
        """The convention stated in the JSON file next to `path` (`net.onnx` -> `net.json`); None without that file.

        Raises:
            ConfigError: the file does not state one.
        """
        statement = path.with_suffix(".json")
        if not statement.is_file():
            return None
        try:
            values = jsontext.parsed(statement.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"The input convention {statement} is not readable JSON: correct or remove it."
            ) from error
        if not isinstance(values, dict):
            raise ConfigError(f'The input convention {statement} is not an object like {{"side": 224}}: correct it.')
        return cls.parse(values)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _are_three(values: object) -> bool:
    return isinstance(values, tuple) and len(values) == 3 and all(_is_number(value) for value in values)


def _antialiased(mode: str) -> Callable[[Tensor, int], Tensor]:
    def resize(images: Tensor, side: int) -> Tensor:
        if images.shape[2:] == (side, side):
            return images
        # Bicubic kernels overshoot; 8-bit pixels, which the networks were trained on, do not.
        return F.interpolate(images, (side, side), mode=mode, antialias=True).clamp(-1, 1)

    return resize


def _tensorflow1(images: Tensor, side: int) -> Tensor:
    """Output i lies at input i * H / side, not at pixel centres; the last input repeats beyond it."""
    for dimension in (2, 3):
        below, above, share = _around(images.shape[dimension], side, images.device)
        before, behind = (images.index_select(dimension, places) for places in (below, above))
        images = torch.lerp(before, behind, share if dimension == 3 else share[:, None])
    return images


def _around(size: int, side: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """For each of `side` outputs the two inputs around i * size / side, and the share of the second."""
    position = torch.arange(side, dtype=torch.float64) * size / side
    below = position.floor().long()
    above = (below + 1).clamp(max=size - 1)
    return below.to(device), above.to(device), (position - below).float().to(device)


RESIZERS: Mapping[str, Callable[[Tensor, int], Tensor]] = {
    "bicubic": _antialiased("bicubic"),
    "bilinear": _antialiased("bilinear"),
    "tensorflow1": _tensorflow1,
}
"""Kind of resizing -> function of images (N, 3, H, W) in [-1, 1] and a side in pixels."""
