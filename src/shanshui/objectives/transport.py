"""Styles as Gaussian clouds of features, and what it costs to carry one into the other.

A Gram matrix mixes where a cloud lies with how it is spread, and squares both, so that its largest entries decide.
The Wasserstein distance of order 2 has neither fault: for two Gaussians it is known exactly (Dowson and Landau 1982),

    W^2 = |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S2^1/2 S1 S2^1/2)^1/2.
"""

import torch
from torch import Tensor

_LEAST = 1e-6  # eigenvalues below this share of the greatest are rounding: their roots would have endless slopes


def gaussian(features: Tensor) -> Tensor:
    """Mean and covariance of the features over space.

    Args:
        features: (N, C, H, W).

    Returns:
        (N, C, 1 + C) float32: the mean in the first column, then the covariance.
    """
    flat = features.flatten(2).float()
    mean = flat.mean(2, keepdim=True)
    centred = flat - mean
    return torch.cat([mean, centred @ centred.transpose(1, 2) / flat.shape[2]], dim=2)


def rooted(gaussians: Tensor) -> Tensor:
    """Mean and covariance as mean and root of the covariance, as the target of `wasserstein` wants them.

    Args:
        gaussians: (N, C, 1 + C) as `gaussian` gives it.

    Returns:
        The same shape; the weighted mean of several is a Gaussian between them.
    """
    # In float32 the decomposition fails where there are fewer places than channels.
    values, vectors = torch.linalg.eigh(gaussians[..., 1:].double())
    root = (vectors * values.clamp(min=0).sqrt()[:, None]) @ vectors.transpose(1, 2)
    return torch.cat([gaussians[..., :1], root.to(gaussians)], dim=2)


def wasserstein(value: Tensor, target: Tensor) -> Tensor:
    """Squared Wasserstein distance of Gaussians, relative to the mean energy of the target: 0 when equal, 1 for zeros.

    Args:
        value: (N, C, 1 + C) as `gaussian` gives it.
        target: the same shape, `rooted`.

    Returns:
        A scalar, the mean over N; gradients flow into `value`.
    """
    target = target.detach()
    mean, root, covariance = target[..., 0], target[..., 1:], value[..., 1:]
    spread = root.square().sum((1, 2))
    common = _spectrum(root @ covariance @ root).sqrt().sum(1)
    apart = (value[..., 0] - mean).square().sum(1) + covariance.diagonal(dim1=1, dim2=2).sum(1) + spread - 2 * common
    distance: Tensor = (apart / (mean.square().sum(1) + spread)).mean()
    return distance


def _spectrum(matrix: Tensor) -> Tensor:
    """Eigenvalues (N, C), none of them so small that its root is steep."""
    values: Tensor = torch.linalg.eigvalsh((matrix + matrix.transpose(1, 2)).double() / 2).to(matrix)
    least = _LEAST * values.detach().amax(1, keepdim=True).clamp(min=torch.finfo(values.dtype).tiny)
    return values.clamp(min=least)
