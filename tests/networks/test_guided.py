"""The guided filter against arithmetic that knows nothing of it, and what it is for: edges."""

import pytest
import torch
from torch import Tensor

from shanshui.networks.guided import apply, box_mean, fit, guided_filter


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def plain_box_mean(x: Tensor, radius: int) -> Tensor:
    """Window by window."""
    rows, columns = x.shape[2:]
    means = torch.empty_like(x)
    for i in range(rows):
        for j in range(columns):
            window = x[:, :, max(i - radius, 0) : i + radius + 1, max(j - radius, 0) : j + radius + 1]
            means[:, :, i, j] = window.mean(dim=(2, 3))
    return means


def step(*, blurred_by: int = 0) -> Tensor:
    """Dark on the left, light on the right, (1, 1, 24, 32)."""
    edge = (torch.arange(32) >= 16).float().expand(1, 1, 24, 32)
    return box_mean(edge, blurred_by) if blurred_by else edge


def jump(x: Tensor) -> float:
    """Across the edge of `step`, from one pixel to the next."""
    return float((x[..., 16] - x[..., 15]).mean())


@pytest.mark.parametrize("radius", [1, 3, 40])
def test_the_box_mean_is_the_mean_of_each_window(radius: int) -> None:
    x = noise(2, 3, 9, 13)
    assert torch.allclose(box_mean(x, radius), plain_box_mean(x, radius), atol=1e-6)


def test_a_grey_guide_gives_the_line_of_least_squares_of_each_window() -> None:
    """Equations 5, 6 and 8 of the paper, window by window, for one channel and one mask."""
    guide, mask, radius, epsilon = noise(1, 1, 8, 11, seed=1), noise(1, 1, 8, 11, seed=2), 2, 0.01
    slopes, offsets = torch.empty_like(guide), torch.empty_like(guide)
    for i in range(8):
        for j in range(11):
            place = (..., slice(max(i - radius, 0), i + radius + 1), slice(max(j - radius, 0), j + radius + 1))
            colours, values = guide[place].flatten().double(), mask[place].flatten().double()
            covariance = ((colours - colours.mean()) * (values - values.mean())).mean()
            slope = covariance / (colours.var(correction=0) + epsilon)
            slopes[0, 0, i, j], offsets[0, 0, i, j] = slope, values.mean() - slope * colours.mean()
    expected = plain_box_mean(slopes, radius) * guide + plain_box_mean(offsets, radius)
    assert torch.allclose(guided_filter(guide, mask, radius=radius, epsilon=epsilon), expected, atol=1e-5)


def test_a_constant_guide_averages_twice() -> None:
    mask = noise(1, 2, 16, 20)
    filtered = guided_filter(torch.full((1, 3, 16, 20), 0.7), mask, radius=3, epsilon=1e-3)
    assert torch.allclose(filtered, plain_box_mean(plain_box_mean(mask, 3), 3), atol=1e-5)


def test_a_mask_that_is_a_channel_of_the_guide_comes_back() -> None:
    guide = noise(1, 3, 20, 24)
    assert torch.allclose(guided_filter(guide, guide[:, 1:2], radius=4, epsilon=1e-7), guide[:, 1:2], atol=1e-3)


def test_a_large_epsilon_is_a_blur_whatever_the_guide() -> None:
    mask = noise(1, 1, 16, 20)
    filtered = guided_filter(noise(1, 3, 16, 20, seed=1), mask, radius=3, epsilon=1e6)
    assert torch.allclose(filtered, plain_box_mean(plain_box_mean(mask, 3), 3), atol=1e-4)


def test_an_edge_is_kept_where_a_box_of_the_same_radius_blurs_it() -> None:
    photo = torch.cat([step(), 1 - step(), 0.3 * step()], dim=1) * 2 - 1
    filtered = guided_filter(photo, step(), radius=6, epsilon=1e-3)
    assert (filtered - step()).abs().mean() < 0.05 * (box_mean(step(), 6) - step()).abs().mean()


def test_a_blurred_mask_gets_the_edge_of_the_photo_back() -> None:
    photo = torch.cat([step(), 1 - step(), 0.3 * step()], dim=1) * 2 - 1
    filtered = guided_filter(photo, step(blurred_by=4), radius=6, epsilon=1e-3)
    assert jump(filtered) > 5 * jump(step(blurred_by=4))


def test_masks_that_sum_to_one_still_do() -> None:
    masks = noise(2, 5, 20, 24).softmax(dim=1)
    filtered = guided_filter(noise(2, 3, 20, 24, seed=1) * 2 - 1, masks, radius=4, epsilon=1e-3)
    assert torch.allclose(filtered.sum(dim=1), torch.ones(2, 20, 24), atol=1e-5)


def test_a_fit_on_a_small_photo_draws_edges_of_the_large_one() -> None:
    small = step().expand(1, 3, -1, -1) * 2 - 1
    large = small.repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)
    filtered = apply(large, fit(small, step(blurred_by=4), radius=6, epsilon=1e-3))
    assert filtered.shape == (1, 1, 192, 256)
    # From one pixel to the next, where an enlarged mask would take eight.
    assert filtered[..., 128].mean() - filtered[..., 127].mean() > 0.5
