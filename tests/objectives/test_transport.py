"""Gaussians of features and the Wasserstein distance between them, against what arithmetic says."""

import pytest
import torch
from torch import Tensor

from shanshui.objectives.transport import gaussian, rooted, wasserstein


def cloud(mean: float, deviation: float) -> Tensor:
    return torch.tensor([[[mean, deviation**2]]])


def random_gaussian(seed: int, channels: int = 5) -> Tensor:
    features = torch.randn(1, channels, 6, 7, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return gaussian(features).double()


def test_a_gaussian_is_mean_and_covariance_over_space() -> None:
    features = torch.tensor([[[[1.0, 3.0]], [[0.0, 4.0]]]])  # two channels at two places
    expected = torch.tensor([[[2.0, 1.0, 2.0], [2.0, 2.0, 4.0]]])
    torch.testing.assert_close(gaussian(features), expected)


def test_in_one_dimension_means_and_deviations_differ() -> None:
    # W^2 = (m1 - m2)^2 + (s1 - s2)^2, over the target's m^2 + s^2
    distance = wasserstein(cloud(1.0, 2.0), rooted(cloud(3.0, 5.0)))
    assert distance.item() == pytest.approx((4 + 9) / (9 + 25))


def test_equal_clouds_are_not_apart_and_nothing_is_one_apart() -> None:
    target = random_gaussian(0)
    assert wasserstein(target, rooted(target)).item() == pytest.approx(0, abs=1e-6)
    assert wasserstein(torch.zeros_like(target), rooted(target)).item() == pytest.approx(1, abs=5e-3)


def test_turning_the_axes_of_both_changes_nothing() -> None:
    value, target = random_gaussian(1), random_gaussian(2)
    turn = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)).Q

    def turned(each: Tensor) -> Tensor:
        return torch.cat([turn @ each[..., :1], turn @ each[..., 1:] @ turn.T], dim=2)

    assert wasserstein(turned(value), rooted(turned(target))).item() == pytest.approx(
        wasserstein(value, rooted(target)).item()
    )


def test_halfway_between_two_clouds_of_one_dimension_lies_their_mean() -> None:
    halfway = (rooted(cloud(1.0, 2.0)) + rooted(cloud(3.0, 6.0))) / 2
    assert wasserstein(cloud(2.0, 4.0), halfway).item() == pytest.approx(0, abs=1e-6)


def test_its_gradient_is_that_of_finite_differences() -> None:
    features = torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    target = random_gaussian(5, channels=3)

    def distance(x: Tensor) -> Tensor:
        flat = x.flatten(2)
        mean = flat.mean(2, keepdim=True)
        spread = (flat - mean) @ (flat - mean).transpose(1, 2) / flat.shape[2]
        return wasserstein(torch.cat([mean, spread], dim=2), rooted(target))

    assert torch.autograd.gradcheck(distance, (features.requires_grad_(),))


def test_fewer_places_than_channels_still_have_finite_slopes() -> None:
    features = torch.randn(1, 16, 2, 2, generator=torch.Generator().manual_seed(6)).requires_grad_()
    wasserstein(gaussian(features), rooted(random_gaussian(7, channels=16).float())).backward()
    assert features.grad is not None
    assert torch.isfinite(features.grad).all()
