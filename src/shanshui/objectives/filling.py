"""What makes a filled hole a part of its picture.

Pixels near the rim of a hole have to be those of the photo; the further away from it, the less does the photo tell what
must be there, and the more is left to features, textures and the game. Features and textures are compared in the hole
alone: beside all that is known of the picture, a hole without texture would be a small mistake. Features come from any
encoder, as in `style`.
"""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from shanshui.objectives.style import Features, Weighted, gram
from shanshui.together import common_mean

_TINY = 1e-8


def nearness(masks: Tensor, decay: float) -> Tensor:
    """decay^d, d the number of steps, also diagonal ones, to the nearest known pixel; 1 where a pixel is known.

    Spatially discounted reconstruction (Yu et al. 2018, https://arxiv.org/abs/1801.07892, section 3.2).

    Args:
        masks: (N, 1, H, W), 1 where a pixel is missing, 0 elsewhere.
        decay: above 0, at most 1.

    Returns:
        (N, 1, H, W); 0 in an image without a known pixel.
    """
    near = 1 - masks
    for _ in range(max(masks.shape[2:])):
        if (near > 0).all():
            break
        near = torch.maximum(near, decay * functional.max_pool2d(near, 3, stride=1, padding=1) * (near == 0))
    return near


def likeness(first: Tensor, second: Tensor, masks: Tensor, wanted: float, *, cell: int = 8) -> Tensor:
    """How far two fills of the same holes fall short of being `wanted` apart: 1 for equal ones, 0 from there on.

    What mode seeking is for (Mao et al. 2019, https://arxiv.org/abs/1903.05628), but with an end: the inverse of the
    distance, which they minimise, has no bound where two fills are equal, as untrained ones are, and never rests.

    Args:
        first, second: (N, 3, H, W).
        masks: (N, 1, H, W), 1 where a pixel is missing, 0 elsewhere.
        wanted: mean absolute difference of colours, averaged over cells so that noise does not count; above 0.
        cell: pixels of the sides of a cell.
    """
    holes = functional.avg_pool2d(masks, cell)
    apart = functional.avg_pool2d((first - second) * masks, cell).abs().mean(1, keepdim=True)
    distance = apart.sum((1, 2, 3)) / holes.sum((1, 2, 3)).clamp(min=1)
    return functional.relu(1 - distance / wanted).mean()


class PixelTerm(Weighted):
    """Keeps the colours of a photo where they are weighed."""

    def forward(self, images: Tensor, photos: Tensor, places: Tensor) -> Tensor:
        """Weighted mean absolute difference of (N, 3, H, W) over `places` (N, 1, H, W), each counted as it weighs."""
        difference = (images.float() - photos.float()).abs().mean(1, keepdim=True)
        return self.weight * (places * difference).sum() / common_mean(places.sum()).clamp(min=1)


class DetailTerm(Weighted):
    """Gives each hole the features of its photo."""

    def forward(self, features: Tensor, reference: Tensor, whole: Tensor, share: Tensor) -> Tensor:
        """Weighted squared difference of (N, C, H, W), relative to the energy of the `whole` photos' features.

        Args:
            features, reference: of fills and photos, 0 outside the holes.
            whole: of the photos, in the holes and outside them: beside its own features alone, a dark hole would count
                for more than all others together.
            share: (), of the positions that lie in holes.
        """
        error = (features.float() - reference.float()).square().mean()
        return self.weight * error / _scale(whole.float().square().mean(), share)


class TextureTerm(Weighted):
    """Gives each hole the texture of its photo."""

    def forward(self, features: Tensor, reference: Tensor, whole: Tensor, share: Tensor) -> Tensor:
        """Weighted absolute difference of the Gram matrices of (N, C, H, W), relative to those of `whole`.

        Not squared (Liu et al. 2018, https://arxiv.org/abs/1804.07723, equation 4). Arguments as for `DetailTerm`.
        """
        error = (gram(features) - gram(reference)).abs().mean()
        return self.weight * error / _scale(gram(whole).abs().mean(), share)


class FillObjective(nn.Module):
    """The terms of filled images, each with a name and a weight.

    Args:
        hole: weight of the colours in the hole, as near as they are to its rim.
        known: weight of the colours outside it.
        decay: how fast nearness to the rim fades, as for `nearness`.
        content: layer -> weight of the distance of features.
        style: layer -> weight of the distance of Gram matrices.
    """

    def __init__(
        self, *, hole: float, known: float, decay: float, content: Mapping[str, float], style: Mapping[str, float]
    ) -> None:
        super().__init__()
        self.hole, self.known, self.decay = PixelTerm(hole), PixelTerm(known), decay
        self.content = nn.ModuleDict({layer: DetailTerm(weight) for layer, weight in content.items()})
        self.style = nn.ModuleDict({layer: TextureTerm(weight) for layer, weight in style.items()})

    @property
    def layers(self) -> tuple[str, ...]:
        """Every layer that `forward` wants."""
        return tuple(dict.fromkeys([*self.content, *self.style]))

    def forward(
        self,
        images: Tensor,
        photos: Tensor,
        masks: Tensor,
        features: Features,
        photo_features: Features,
        seen: Tensor,
    ) -> dict[str, Tensor]:
        """The weighted terms, to be summed.

        Args:
            images: (N, 3, H, W) what a network makes of photos with holes, in [-1, 1], in the holes and outside them.
            photos: (N, 3, H, W).
            masks: (N, 1, H, W), 1 where a pixel was missing, 0 elsewhere.
            features: of the photos whose holes are filled, for `layers`.
            photo_features: of the photos.
            seen: (N, 1, H', W'), the part of the masks that the encoder saw: features count where they saw a hole.

        Returns:
            `pixels.hole`, `pixels.known`, `content.LAYER` and `style.LAYER` -> scalar.
        """
        return {
            "pixels.hole": self.hole(images, photos, masks * nearness(masks, self.decay)),
            "pixels.known": self.known(images, photos, 1 - masks),
            **dict(self._seen(features, photo_features, seen)),
        }

    def _seen(self, features: Features, photo_features: Features, seen: Tensor) -> Iterator[tuple[str, Tensor]]:
        for kind, terms in (("content", self.content), ("style", self.style)):
            for layer, term in terms.items():
                maps, wanted = features[layer], photo_features[layer].detach()
                holes = functional.adaptive_max_pool2d(seen, maps.shape[2:]).to(maps.dtype)
                yield f"{kind}.{layer}", term(maps * holes, wanted * holes, wanted, holes.float().mean())


def _scale(energy: Tensor, share: Tensor) -> Tensor:
    """What the holes' part of `energy` would be, if they had as much of it as the rest; of all processes' photos."""
    return (common_mean(energy) * common_mean(share)).clamp(min=_TINY)
