"""What two images show at the same places, in a form that can be compared: heads on the maps of an encoder."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from shanshui.networks.normalization import draw_small_normal


class PatchHeads(nn.Module):
    """For each map a perceptron of two layers on single positions, and unit length (Park et al. 2020, section 3.2)."""

    def __init__(self, channels: Mapping[str, int], width: int = 256) -> None:
        """Heads for maps of so many channels, `width` numbers from each; weights from torch's global generator."""
        super().__init__()
        self.heads = nn.ModuleDict(
            {
                name: nn.Sequential(nn.Linear(count, width), nn.ReLU(), nn.Linear(width, width))
                for name, count in channels.items()
            }
        )
        draw_small_normal(self)

    def forward(self, features: Mapping[str, Tensor], places: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Maps (N, C, h, w) at `places` (P,), see `draw_places` -> float32 (N, P, width) of length 1, by name."""
        told = {
            name: head(features[name].flatten(2)[..., places[name]].transpose(1, 2))
            for name, head in self.heads.items()
        }
        return {name: functional.normalize(values.float(), dim=2) for name, values in told.items()}


def draw_places(features: Mapping[str, Tensor], count: int, random: torch.Generator) -> dict[str, Tensor]:
    """Up to `count` different positions of each map (N, C, h, w), as (P,) indices into its h x w.

    Args:
        features: the maps.
        count: positions of a map; all of a smaller one.
        random: source of randomness on the CPU.
    """
    return {
        name: torch.randperm(x.shape[2] * x.shape[3], generator=random)[:count].to(x.device)
        for name, x in features.items()
    }
