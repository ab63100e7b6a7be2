"""From latents to styles: the mapping network (Karras et al. 2019, https://arxiv.org/abs/1812.04948, section 2)."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from shanshui.networks.equalized import ACTIVATION_GAIN, EqualizedLinear, activate

_RATE = 0.01
_EPSILON = 1e-8


class MappingNetwork(nn.Module):
    """Latents (N, latent), labels (N,) -> styles (N, style).

    Latents enter divided by their root mean square. A label has a learned vector, as long as a latent, that enters
    divided by its own, beside the latent (Karras et al. 2020b, https://arxiv.org/abs/2006.06676). All layers learn at
    a hundredth of the network's rate. Computed in the precision of the parameters, whatever autocast says: it is
    cheap, and everything hangs on it.
    """

    def __init__(self, latent: int, style: int, *, depth: int, labels: int = 0) -> None:
        super().__init__()
        self.label_vectors = nn.Embedding(labels, latent) if labels else None
        widths = [latent if self.label_vectors is None else 2 * latent, *[style] * depth]
        self.layers = nn.ModuleList(
            EqualizedLinear(before, after, gain=ACTIVATION_GAIN, rate=_RATE) for before, after in pairwise(widths)
        )

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Styles.

        Raises:
            ValueError: labels for a network without, or none for a network with.
        """
        if (labels is None) != (self.label_vectors is None):
            raise ValueError("labels are given to networks that were made for labels, and always to those")
        with torch.autocast(latents.device.type, enabled=False):
            x = _normalized(latents)
            if self.label_vectors is not None:
                x = torch.cat([x, _normalized(self.label_vectors(labels))], dim=1)
            for layer in self.layers:
                x = activate(layer(x))
        return x


def _normalized(vectors: Tensor) -> Tensor:
    return vectors * (vectors.square().mean(dim=1, keepdim=True) + _EPSILON).rsqrt()
