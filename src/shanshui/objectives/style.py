"""What makes an image look like one picture and paint like another: content, Gram, moment and smoothness terms.

The functions are pure; `StyleObjective` names and weights them and prints as a tree (`style.relu3_1`). Features come
from any encoder, as a mapping of layer name to (N, C, H, W). Departing from Gatys et al. (2016), content, Gram and
moment distances are relative to the size of their target, so that a weight means the same at every layer, for every
encoder and for every style.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Features = Mapping[str, Tensor]

_TINY = 1e-12  # keeps a relative distance finite when its target is exactly zero


def gram(features: Tensor) -> Tensor:
    """Correlations of channels, G_ij = mean over positions of F_i F_j (Gatys et al. 2016, equation 3, per position).

    Args:
        features: (N, C, H, W).

    Returns:
        (N, C, C) float32.
    """
    flat = features.flatten(2)
    return (flat @ flat.transpose(1, 2)).float() / flat.shape[2]


def moments(features: Tensor) -> Tensor:
    """Mean and standard deviation of every channel over space (Huang and Belongie 2017): (N, C, H, W) -> (N, 2, C)."""
    variance, mean = torch.var_mean(features.float(), (2, 3), correction=0)
    return torch.stack([mean, (variance + _TINY).sqrt()], dim=1)


def relative_distance(value: Tensor, target: Tensor) -> Tensor:
    """||value - target||^2 / ||target||^2 for each row, averaged over rows: 0 when equal, 1 for a value of zero.

    Args:
        value: (N, ...).
        target: (N, ...), or of a shape that broadcasts to it.

    Returns:
        A float32 scalar; gradients flow into `value`.
    """
    target = target.detach().float().expand_as(value)
    energy = target.flatten(1).square().sum(1)
    return ((value.float() - target).flatten(1).square().sum(1) / (energy + _TINY)).mean()


def content_distance(features: Tensor, reference: Tensor) -> Tensor:
    """Squared error of (N, C, H, W) features, relative to the energy of the whole batch's `reference`.

    The batch, not the image, sets the scale: a plain sky has next to no features, and must not dominate.
    """
    return relative_distance(features[None], reference[None])


def total_variation(images: Tensor) -> Tensor:
    """Mean absolute difference of horizontal neighbours plus that of vertical ones; (N, C, H, W), H and W above 1."""
    across = (images[..., 1:] - images[..., :-1]).abs().float().mean()
    down = (images[..., 1:, :] - images[..., :-1, :]).abs().float().mean()
    return across + down


@dataclass(frozen=True, kw_only=True)
class StyleTargets:
    """What each of R rows of images should be like: layer -> (R, C, C) Gram matrices and (R, 2, C) moments."""

    grams: Features
    moments: Features

    def rows(self, indices: Tensor) -> "StyleTargets":
        """The targets of the rows `indices`, in that order."""
        return StyleTargets(
            grams={layer: target[indices] for layer, target in self.grams.items()},
            moments={layer: target[indices] for layer, target in self.moments.items()},
        )


class Weighted(nn.Module):
    """A term's weight, so that an objective prints what it is made of."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = weight

    def extra_repr(self) -> str:
        """The weight, inside the parentheses of the tree."""
        return f"weight={self.weight:g}"


class ContentTerm(Weighted):
    """Keeps what a photo shows."""

    def forward(self, features: Tensor, reference: Tensor) -> Tensor:
        """Weighted `content_distance`."""
        return self.weight * content_distance(features, reference)


class GramTerm(Weighted):
    """Gives groups of images the texture of a style.

    The images of a group share one Gram matrix, their mean, as if they were parts of one painting: a crop that
    shows nothing but sky does not have to carry the strokes of every other part.
    """

    def forward(self, features: Tensor, target: Tensor) -> Tensor:
        """(N, C, H, W) of N / R consecutive images for each of the R rows of `target` (R, C, C)."""
        rows, channels = target.shape[:2]
        grouped = gram(features).reshape(rows, -1, channels, channels).mean(1)
        return self.weight * relative_distance(grouped, target)


class MomentTerm(Weighted):
    """Gives groups of images the mean and spread of a style's features; groups as in `GramTerm`."""

    def forward(self, features: Tensor, target: Tensor) -> Tensor:
        """(N, C, H, W) of N / R consecutive images for each of the R rows of `target` (R, 2, C)."""
        group = features.shape[0] // target.shape[0]
        parts = [features[first : first + group] for first in range(0, features.shape[0], group)]
        joined = torch.stack([part.transpose(0, 1).flatten(1, 2) for part in parts])  # (R, C, images x H, W)
        return self.weight * relative_distance(moments(joined), target)


class TotalVariationTerm(Weighted):
    """Discourages noise between neighbouring pixels."""

    def forward(self, images: Tensor) -> Tensor:
        """Weighted `total_variation`."""
        return self.weight * total_variation(images)


class StyleObjective(nn.Module):
    """Content, style, moment and smoothness terms of stylised images, each with a name.

    Args:
        content: layer -> weight of the distance to the photo's features.
        style: layer -> weight of the Gram distance.
        moments: layer -> weight of the moment distance.
        smoothness: weight of the total variation.
    """

    def __init__(
        self,
        *,
        content: Mapping[str, float],
        style: Mapping[str, float],
        moments: Mapping[str, float],
        smoothness: float,
    ) -> None:
        super().__init__()
        self.content = nn.ModuleDict({layer: ContentTerm(weight) for layer, weight in content.items()})
        self.style = nn.ModuleDict({layer: GramTerm(weight) for layer, weight in style.items()})
        self.moments = nn.ModuleDict({layer: MomentTerm(weight) for layer, weight in moments.items()})
        self.tv = TotalVariationTerm(smoothness)

    @property
    def layers(self) -> tuple[str, ...]:
        """Every layer that `forward` wants of the stylised images."""
        return tuple(dict.fromkeys([*self.content, *self.style, *self.moments]))

    def targets(self, features: Features) -> StyleTargets:
        """The targets that paintings set: one row per painting of `features`."""
        return StyleTargets(
            grams={layer: gram(features[layer]) for layer in self.style},
            moments={layer: moments(features[layer]) for layer in self.moments},
        )

    def forward(
        self, images: Tensor, features: Features, photo_features: Features, targets: StyleTargets
    ) -> dict[str, Tensor]:
        """The weighted terms, to be summed.

        Args:
            images: (N, 3, H, W) stylised images in [-1, 1].
            features: theirs, for `layers`.
            photo_features: the photos', for the content layers.
            targets: R rows, N a multiple of R: the first N / R images answer to the first row, and so on.

        Returns:
            `content.LAYER`, `style.LAYER`, `moments.LAYER` and `tv` -> scalar.
        """
        return dict(self._terms(images, features, photo_features, targets))

    def _terms(
        self, images: Tensor, features: Features, photo_features: Features, targets: StyleTargets
    ) -> Iterator[tuple[str, Tensor]]:
        for layer, term in self.content.items():
            yield f"content.{layer}", term(features[layer], photo_features[layer])
        for layer, term in self.style.items():
            yield f"style.{layer}", term(features[layer], targets.grams[layer])
        for layer, term in self.moments.items():
            yield f"moments.{layer}", term(features[layer], targets.moments[layer])
        yield "tv", self.tv(images)
