"""The games: their values at known logits, and which way each player is pushed."""

import math

import pytest
import torch

from shanshui.objectives.adversarial import GAMES, HINGE, MINIMAX, NON_SATURATING, Game

games = pytest.mark.parametrize("game", GAMES.values(), ids=lambda game: game.name)


def slope(loss: torch.Tensor, logit: torch.Tensor) -> float:
    return float(torch.autograd.grad(loss, logit)[0])


def test_an_undecided_discriminator_pays_two_bits_and_the_margin() -> None:
    undecided = torch.zeros(5)
    assert float(MINIMAX.discriminator(undecided, undecided)) == pytest.approx(2 * math.log(2))
    assert float(HINGE.discriminator(undecided, undecided)) == pytest.approx(2.0)


@games
def test_the_discriminator_wants_reals_up_and_fakes_down_and_the_generator_fakes_up(game: Game) -> None:
    real, fake = torch.tensor([0.3], requires_grad=True), torch.tensor([-0.2], requires_grad=True)
    assert slope(game.discriminator(real, fake), real) < 0
    assert slope(game.discriminator(real, fake), fake) > 0
    assert slope(game.generator(fake), fake) < 0


@games
def test_both_losses_are_finite_for_extreme_logits(game: Game) -> None:
    extreme = torch.tensor([-1e4, 1e4])
    assert torch.isfinite(game.discriminator(extreme, extreme))
    assert torch.isfinite(game.generator(extreme))


def test_a_beaten_generator_learns_nothing_from_minimax_and_much_from_non_saturating() -> None:
    fake = torch.tensor([-12.0], requires_grad=True)
    assert abs(slope(MINIMAX.generator(fake), fake)) < 1e-4
    assert abs(slope(NON_SATURATING.generator(fake), fake)) > 0.99


def test_the_hinge_discriminator_rests_beyond_the_margin() -> None:
    real, fake = torch.tensor([1.5], requires_grad=True), torch.tensor([-1.5], requires_grad=True)
    loss = HINGE.discriminator(real, fake)
    assert slope(loss, real) == 0 and slope(HINGE.discriminator(real, fake), fake) == 0


@games
def test_the_shape_of_the_logits_does_not_matter(game: Game) -> None:
    real, fake = torch.randn(4, 6), torch.randn(4, 6)
    assert torch.allclose(game.discriminator(real, fake), game.discriminator(real.flatten(), fake.view(2, 3, 4)))
