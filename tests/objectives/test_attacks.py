"""Attacks: they stay within reach, find the worst where it is known, and noise of their size does less."""

import torch
from torch import Tensor, nn

from shanshui.objectives.attacks import attacked, movement, shaken

REACH = 4 / 255


def source(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def photos(low: float = -1.0) -> Tensor:
    return torch.rand(2, 3, 12, 16, generator=source(1)) * (1 - low) + low


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.InstanceNorm2d(8), nn.ReLU(), nn.Conv2d(8, 3, 3, padding=1))


def test_an_attack_stays_within_reach_and_among_colours() -> None:
    edges = photos().sign() * 0.99
    for steps in (1, 5):
        changed = attacked(network(), edges, reach=REACH, steps=steps, random=source())
        assert float((changed - edges).abs().max()) <= REACH + 1e-6
        assert float(changed.abs().max()) <= 1
        assert not changed.requires_grad


def test_the_worst_of_a_linear_network_is_found() -> None:
    """|sum w d| within |d| <= r is largest at d = r sign(w)."""
    weights = torch.randn(3, 12, 16, generator=source(2))

    def paint(images: Tensor) -> Tensor:
        return (images * weights).sum((1, 2, 3), keepdim=True).expand_as(images)

    inside = photos(low=-0.5) * 0.9
    for steps in (1, 4):
        changed = attacked(paint, inside, reach=REACH, steps=steps, random=source())
        found = movement(paint(changed), paint(inside)).sqrt()
        torch.testing.assert_close(found, (REACH * weights.abs().sum()).expand(2), rtol=1e-4, atol=1e-5)


def test_an_attack_moves_pictures_farther_than_noise_of_its_size() -> None:
    paint, untouched = network(), photos()
    changed = attacked(paint, untouched, reach=REACH, steps=8, random=source())
    noisy = shaken(untouched, changed, source(3))
    still = paint(untouched)
    assert (movement(paint(changed), still) > 2 * movement(paint(noisy), still)).all()
    few = attacked(paint, untouched, reach=REACH, steps=1, random=source())
    assert (movement(paint(changed), still) > movement(paint(few), still)).all()


def test_noise_is_exactly_as_large_as_the_attack() -> None:
    edges = photos().sign() * 0.995
    changed = attacked(network(), edges, reach=REACH, steps=2, random=source())
    noisy = shaken(edges, changed, source(3))
    torch.testing.assert_close((noisy - edges).abs(), (changed - edges).abs(), rtol=0, atol=1e-6)
    assert float(noisy.abs().max()) <= 1
    middle = photos() / 2
    signs = (shaken(middle, middle + REACH, source(3)) - middle).sign()
    assert abs(float(signs.mean())) < 0.1


def test_parameters_get_no_gradient_and_seeds_repeat() -> None:
    paint = network()
    first, second, other = (attacked(paint, photos(), reach=REACH, steps=1, random=source(n)) for n in (0, 0, 1))
    assert all(parameter.grad is None for parameter in paint.parameters())
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
