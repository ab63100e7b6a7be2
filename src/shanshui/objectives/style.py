"""What makes an image look like one picture and paint like another.

Content and tone come from the photo; Gram matrices, moments and palette from the painting. The functions are pure;
`StyleObjective` names and weights them and prints as a tree (`style.relu3_1`). Features come from any encoder, as a
mapping of layer name to (N, C, H, W). Departing from Gatys et al. (2016), content, Gram and moment distances are
relative to the size of their target, so that a weight means the same at every layer, for every encoder and style.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional

from shanshui.objectives.transport import gaussian, rooted, wasserstein
from shanshui.together import common_mean

Features = Mapping[str, Tensor]

_TINY = 1e-12  # keeps relative distances and slopes finite where a target or a variance is exactly zero
_FAINT = 0.1  # a contrast, in units of [-1, 1]
_LEVELS = 64  # quantiles that describe a distribution of colours
_LUMINANCE = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601)


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
    flat = features.flatten(2).float()
    mean = flat.mean(2)
    variance = (flat - mean[..., None]).square().mean(2)  # `var_mean` takes three times as long on a processor
    return torch.stack([mean, (variance + _TINY).sqrt()], dim=1)


def palette(images: Tensor, *, cell: int = 4) -> Tensor:
    """The distribution of colours: quantiles along the axes of red, green, blue, grey and two opponent hues.

    Sliced optimal transport (Rabin et al. 2011) with six fixed directions. Statistics of second order, as in a Gram
    matrix, can be met with burnt-out highlights that the painting does not have; its quantiles cannot.

    Args:
        images: (N, 3, H, W) in [-1, 1]; colours are averaged over cells of `cell` pixels first.

    Returns:
        (N, 6, 64), ascending along the last axis.
    """
    cells = functional.avg_pool2d(images.float(), cell).flatten(2)
    axes = cells.new_tensor([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1], [1, -1, 0], [1, 1, -2]])
    ordered = (functional.normalize(axes, dim=1) @ cells).sort(dim=2).values
    ranks = torch.linspace(0, ordered.shape[2] - 1, _LEVELS, device=images.device).round().long()
    return ordered[..., ranks]


def relative_distance(value: Tensor, target: Tensor) -> Tensor:
    """||value - target||^2 / ||target||^2 for each row, averaged over rows: 0 when equal, 1 for a value of zero.

    Args:
        value: (N, ...).
        target: (N, ...), or of a shape that broadcasts to it.

    Returns:
        A float32 scalar; gradients flow into `value`.
    """
    target = target.detach().float().expand_as(value)
    return _relative(value, target, target.flatten(1).square().sum(1))


def content_distance(features: Tensor, reference: Tensor) -> Tensor:
    """Squared error of (N, C, H, W) features, relative to the energy of the whole batch's `reference`.

    The batch, not the image, sets the scale: a plain sky has next to no features, and must not dominate.
    """
    target = reference[None].detach().float()
    return _relative(features[None], target, common_mean(target.flatten(1).square().sum(1)))


def _relative(value: Tensor, target: Tensor, energy: Tensor) -> Tensor:
    return ((value.float() - target).flatten(1).square().sum(1) / (energy + _TINY)).mean()


def total_variation(images: Tensor) -> Tensor:
    """Mean absolute difference of horizontal neighbours plus that of vertical ones; (N, C, H, W), H and W above 1."""
    across = (images[..., 1:] - images[..., :-1]).abs().float().mean()
    down = (images[..., 1:, :] - images[..., :-1, :]).abs().float().mean()
    return across + down


def _joined(maps: Tensor, rows: int) -> Tensor:
    """(N, C, H, W) as `rows` tall images (R, C, N / R x H, W), each of consecutive ones stacked on each other."""
    count, channels, _, width = maps.shape
    return maps.reshape(rows, count // rows, channels, -1, width).transpose(1, 2).reshape(rows, channels, -1, width)


def tone_distance(images: Tensor, photos: Tensor, *, cell: int = 8) -> Tensor:
    """Mean squared difference of two (N, 3, H, W) batches in their layout of light and dark.

    Luminance is averaged over cells of `cell` pixels, then freed of its mean and scaled to unit deviation per image.
    Style statistics are fulfilled just as well by bright blobs in an empty sky or by a negative of the photo, and
    deep features barely see either; this term does. Contrasts far below `_FAINT` count as none: what is flat in
    the photo stays flat.
    """
    return (_layout(images, cell) - _layout(photos, cell)).square().mean()


def _layout(images: Tensor, cell: int) -> Tensor:
    luminance = torch.einsum("nchw,c->nhw", images.float(), images.new_tensor(_LUMINANCE, dtype=torch.float32))
    cells = functional.avg_pool2d(luminance[:, None], cell)
    centred = cells - cells.mean((2, 3), keepdim=True)
    # The root of an exactly flat picture's variance would have an infinite slope.
    deviation = (centred.square().mean((2, 3), keepdim=True) + _TINY).sqrt()
    return centred / (deviation + _FAINT)


def frame_difference(images: Tensor, earlier: Tensor, photos: Tensor, earlier_photos: Tensor) -> Tensor:
    """Mean of ((O_t - O_{t-1}) - (I_t - I_{t-1}))^2: what changes in a film must change as much in its painting.

    Xu, Xiong and Hu (2021), "Frame Difference-Based Temporal Loss for Video Stylization", the term in pixels. All four
    are (N, C, H, W) in [-1, 1] and show the same part of the scene; gradients flow into both paintings.
    """
    change = images.float() - earlier.float()
    return (change - (photos.float() - earlier_photos.float())).square().mean()


@dataclass(frozen=True, kw_only=True)
class StyleTargets:
    """What each of R rows of images should be like.

    Attributes:
        grams: layer -> (R, C, C).
        moments: layer -> (R, 2, C).
        palettes: (R, 6, 64).
        gaussians: layer -> (R, C, 1 + C), `rooted`.
    """

    grams: Features
    moments: Features
    palettes: Tensor
    gaussians: Features = field(default_factory=dict)

    def rows(self, indices: Tensor) -> "StyleTargets":
        """The targets of the rows `indices`, in that order."""
        return StyleTargets(
            grams={layer: target[indices] for layer, target in self.grams.items()},
            moments={layer: target[indices] for layer, target in self.moments.items()},
            palettes=self.palettes[indices],
            gaussians={layer: target[indices] for layer, target in self.gaussians.items()},
        )

    @staticmethod
    def joined(targets: Sequence["StyleTargets"]) -> "StyleTargets":
        """The rows of all `targets` as the rows of one."""
        first = targets[0]
        return StyleTargets(
            grams={layer: torch.cat([target.grams[layer] for target in targets]) for layer in first.grams},
            moments={layer: torch.cat([target.moments[layer] for target in targets]) for layer in first.moments},
            palettes=torch.cat([target.palettes for target in targets]),
            gaussians={layer: torch.cat([target.gaussians[layer] for target in targets]) for layer in first.gaussians},
        )

    def blended(self, shares: Tensor) -> "StyleTargets":
        """One row: the mean of all with the weights `shares` (R,), which sum to 1."""

        def mean(rows: Tensor) -> Tensor:
            return (shares.to(rows).view(-1, *[1] * (rows.dim() - 1)) * rows).sum(0, keepdim=True)

        return StyleTargets(
            grams={layer: mean(rows) for layer, rows in self.grams.items()},
            moments={layer: mean(rows) for layer, rows in self.moments.items()},
            palettes=mean(self.palettes),
            gaussians={layer: mean(rows) for layer, rows in self.gaussians.items()},
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
        return self.weight * relative_distance(moments(_joined(features, target.shape[0])), target)


class TransportTerm(Weighted):
    """Carries the features of groups of images to those of a style as a cloud; groups as in `GramTerm`."""

    def forward(self, features: Tensor, target: Tensor) -> Tensor:
        """(N, C, H, W) of N / R consecutive images for each of the R rows of `target` (R, C, 1 + C)."""
        return self.weight * wasserstein(gaussian(_joined(features, target.shape[0])), target)


class PaletteTerm(Weighted):
    """Gives groups of images the colours of a style; groups as in `GramTerm`."""

    def forward(self, images: Tensor, target: Tensor) -> Tensor:
        """Weighted mean squared difference of the quantiles; `target` (R, 6, 64) as in `GramTerm`."""
        return self.weight * (palette(_joined(images, target.shape[0])) - target.detach()).square().mean()


class ToneTerm(Weighted):
    """Keeps light where the photo has light."""

    def forward(self, images: Tensor, photos: Tensor) -> Tensor:
        """Weighted `tone_distance`."""
        return self.weight * tone_distance(images, photos)


class TotalVariationTerm(Weighted):
    """Discourages noise between neighbouring pixels."""

    def forward(self, images: Tensor) -> Tensor:
        """Weighted `total_variation`."""
        return self.weight * total_variation(images)


class SteadinessTerm(Weighted):
    """Keeps a painting from changing where its photo does not."""

    def forward(self, images: Tensor, earlier: Tensor, photos: Tensor, earlier_photos: Tensor) -> Tensor:
        """Weighted `frame_difference`."""
        return self.weight * frame_difference(images, earlier, photos, earlier_photos)


class StyleObjective(nn.Module):
    """The terms of stylised images, each with a name and a weight.

    Args:
        content: layer -> weight of the distance to the photo's features.
        style: layer -> weight of the Gram distance.
        moments: layer -> weight of the moment distance.
        tone: weight of the tone distance.
        palette: weight of the distance in colours.
        smoothness: weight of the total variation.
        transport: layer -> weight of the Wasserstein distance.
    """

    def __init__(
        self,
        *,
        content: Mapping[str, float],
        style: Mapping[str, float],
        moments: Mapping[str, float],
        tone: float,
        palette: float,
        smoothness: float,
        transport: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        super().__init__()
        self.content = nn.ModuleDict({layer: ContentTerm(weight) for layer, weight in content.items()})
        self.style = nn.ModuleDict({layer: GramTerm(weight) for layer, weight in style.items()})
        self.moments = nn.ModuleDict({layer: MomentTerm(weight) for layer, weight in moments.items()})
        self.tone = ToneTerm(tone)
        self.palette = PaletteTerm(palette)
        self.tv = TotalVariationTerm(smoothness)
        self.transport = nn.ModuleDict({layer: TransportTerm(weight) for layer, weight in transport.items()})

    @property
    def layers(self) -> tuple[str, ...]:
        """Every layer that `forward` wants of the stylised images."""
        return tuple(dict.fromkeys([*self.content, *self.style, *self.moments, *self.transport]))

    def targets(self, paintings: Tensor, features: Features) -> StyleTargets:
        """The targets that `paintings` (R, 3, H, W) in [-1, 1] and their features set: one row for each."""
        return StyleTargets(
            grams={layer: gram(features[layer]) for layer in self.style},
            moments={layer: moments(features[layer]) for layer in self.moments},
            palettes=palette(paintings),
            gaussians={layer: rooted(gaussian(features[layer])) for layer in self.transport},
        )

    def forward(
        self, images: Tensor, photos: Tensor, features: Features, photo_features: Features, targets: StyleTargets
    ) -> dict[str, Tensor]:
        """The weighted terms, to be summed.

        Args:
            images: (N, 3, H, W) stylised images in [-1, 1].
            photos: (N, 3, H, W) what they were made from.
            features: of the images, for `layers`.
            photo_features: of the photos, for the content layers.
            targets: R rows, N a multiple of R: the first N / R images answer to the first row, and so on.

        Returns:
            `content.LAYER`, `style.LAYER`, `moments.LAYER`, `transport.LAYER`, `tone`, `palette` and `tv` -> scalar.
        """
        return dict(self._terms(images, photos, features, photo_features, targets))

    def _terms(
        self, images: Tensor, photos: Tensor, features: Features, photo_features: Features, targets: StyleTargets
    ) -> Iterator[tuple[str, Tensor]]:
        for layer, term in self.content.items():
            yield f"content.{layer}", term(features[layer], photo_features[layer])
        for layer, term in self.style.items():
            yield f"style.{layer}", term(features[layer], targets.grams[layer])
        for layer, term in self.moments.items():
            yield f"moments.{layer}", term(features[layer], targets.moments[layer])
        for layer, term in self.transport.items():
            yield f"transport.{layer}", term(features[layer], targets.gaussians[layer])
        yield "tone", self.tone(images, photos)
        yield "palette", self.palette(images, targets.palettes)
        yield "tv", self.tv(images)
