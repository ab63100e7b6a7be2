"""The joint pipeline as one network: photo -> style-transfer module -> painting -> natural-scene module -> scene."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from shanshui.networks.composer import Composer, ComposerConfig
from shanshui.networks.stylizers.feedforward import FeedForwardConfig, FeedForwardStylizer


@dataclass(frozen=True, kw_only=True)
class JointConfig:
    """What a `JointPipeline` is made of: its two modules."""

    stylizer: FeedForwardConfig
    composer: ComposerConfig


class JointPipeline(nn.Module):
    """Photos to stylised natural scenes; the scene generator, which makes photos, stands before it."""

    def __init__(self, config: JointConfig) -> None:
        """Weights from torch's global generator."""
        super().__init__()
        self.config = config
        self.stylizer = FeedForwardStylizer(config.stylizer)
        self.composer = Composer(config.composer)

    def forward(
        self,
        photos: Tensor,
        weights: Tensor,
        latents: Tensor,
        naturalness: Tensor,
        random: torch.Generator | None = None,
    ) -> Tensor:
        """Scenes (N, 3, H, W) of photos of that shape in [-1, 1].

        Args:
            photos: RGB; any H and W.
            weights: (N, S) shares of the styles, as for `FeedForwardStylizer`.
            latents, naturalness, random: as for `Composer`.
        """
        paintings: Tensor = self.stylizer(photos, weights)
        scenes: Tensor = self.composer(paintings.float(), latents, naturalness, random)
        return scenes
