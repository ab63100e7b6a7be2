"""What a picture shows at a place must be told from the photo at that place: the patchwise contrastive objective."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

TEMPERATURE = 0.07


def patch_nce(queries: Tensor, keys: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """-log exp(q_p k_p / t) / sum_r exp(q_p k_r / t), Park et al. 2020 (https://arxiv.org/abs/2007.15651), equation 3.

    The mean over all places p of all images: the key of the same place is right, those of the other places of the same
    image are wrong. Keys are what has to be found: no gradient flows into them.

    Args:
        queries: (N, P, D) of length 1, what a picture shows at P places.
        keys: (N, P, D) of length 1, what its photo shows there.
        temperature: t.

    Returns:
        A float32 scalar: log P where nothing can be told apart.
    """
    likeness = queries.float() @ keys.detach().float().transpose(1, 2) / temperature
    count, places = likeness.shape[:2]
    right = torch.arange(places, device=likeness.device).repeat(count)
    return cross_entropy(likeness.flatten(0, 1), right)


def contrast(queries: Mapping[str, Tensor], keys: Mapping[str, Tensor], temperature: float = TEMPERATURE) -> Tensor:
    """The mean of `patch_nce` over several maps (equation 4; the authors' program divides by their number)."""
    return torch.stack([patch_nce(query, keys[name], temperature) for name, query in queries.items()]).mean()
