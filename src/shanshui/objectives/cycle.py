"""What holds two translations together that have no pairs to learn from (Zhu et al. 2017, CycleGAN).

https://arxiv.org/abs/1703.10593
"""

from torch import Tensor


def cycle_consistency(returned: Tensor, images: Tensor) -> Tensor:
    """E |F(G(x)) - x|, equation 2: there and back again nothing must be lost. Mean over all pixels and channels."""
    return (returned.float() - images.float()).abs().mean()


def identity(translated: Tensor, images: Tensor) -> Tensor:
    """E |G(y) - y|, section 5.2: what is of the wanted kind already stays. Keeps colours from being inverted."""
    return (translated.float() - images.float()).abs().mean()
