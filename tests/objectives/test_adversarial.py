"""The games: their values at known logits, and which way each player is pushed."""

import math

import pytest
import torch
from torch import Tensor

from shanshui.objectives.adversarial import (
    GAMES,
    HINGE,
    MINIMAX,
    NON_SATURATING,
    RELATIVISTIC,
    SOFT_HINGE,
    Game,
)

games = pytest.mark.parametrize("game", GAMES.values(), ids=lambda game: game.name)


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def slope(loss: Tensor, logit: Tensor) -> float:
    return float(torch.autograd.grad(loss, logit)[0])


# Two pairs of logits, chosen so that a sigmoid is a fraction: s(log 3) = 3/4, s(-log 3) = 1/4, s(0) = 1/2.
REAL, FAKE = torch.tensor([math.log(3), 0.0]), torch.tensor([-math.log(3), 0.0])


@pytest.mark.parametrize(
    ("name", "discriminator", "generator"),
    [
        (
            "minimax",
            -(math.log(3 / 4) + math.log(1 / 2)) / 2 - (math.log(3 / 4) + math.log(1 / 2)) / 2,
            (math.log(3 / 4) + math.log(1 / 2)) / 2,
        ),
        (
            "non-saturating",
            -(math.log(3 / 4) + math.log(1 / 2)),
            -(math.log(1 / 4) + math.log(1 / 2)) / 2,
        ),
        (
            "least-squares",
            ((math.log(3) - 1) ** 2 + 1) / 4 + math.log(3) ** 2 / 4,
            ((math.log(3) + 1) ** 2 + 1) / 4,
        ),
        ("hinge", 1 / 2 + 1 / 2, math.log(3) / 2),  # log 3 is beyond the margin
        ("wasserstein", -math.log(3), math.log(3) / 2),
        # The differences of the pairs are 2 log 3 and 0, whose sigmoids are 9/10 and 1/2.
        (
            "relativistic",
            -(math.log(9 / 10) + math.log(1 / 2)) / 2,
            -(math.log(1 / 10) + math.log(1 / 2)) / 2,
        ),
    ],
)
def test_losses_are_those_of_the_papers(name: str, discriminator: float, generator: float) -> None:
    game = GAMES[name]
    assert float(game.discriminator(REAL, FAKE, random())) == pytest.approx(discriminator)
    assert float(game.generator(FAKE, REAL)) == pytest.approx(generator)


@games
def test_the_discriminator_wants_reals_up_and_fakes_down_and_the_generator_fakes_up(game: Game) -> None:
    real, fake = torch.tensor([0.6], requires_grad=True), torch.tensor([0.2], requires_grad=True)
    assert slope(game.discriminator(real, fake, random()), real) < 0
    assert slope(game.discriminator(real, fake, random()), fake) > 0
    assert slope(game.generator(fake, real.detach()), fake) < 0


@games
def test_both_losses_are_finite_for_extreme_logits(game: Game) -> None:
    extreme = torch.tensor([-1e4, 1e4])
    assert torch.isfinite(game.discriminator(extreme, extreme.flip(0), random()))
    assert torch.isfinite(game.generator(extreme, extreme.flip(0)))


@games
def test_the_shape_of_the_logits_does_not_matter(game: Game) -> None:
    real, fake = torch.randn(4, 6), torch.randn(4, 6)
    shaped, flat = (real, fake), (real.flatten(), fake.flatten())
    assert torch.allclose(game.discriminator(*shaped, random()), game.discriminator(*flat, random()))
    assert torch.allclose(game.generator(*shaped), game.generator(*flat))


@games
def test_a_game_says_whether_its_generator_looks_at_real_logits(game: Game) -> None:
    fake = torch.tensor([0.3, -0.4])
    indifferent = torch.equal(game.generator(fake, torch.zeros(2)), game.generator(fake, torch.ones(2)))
    assert indifferent is not game.needs_real_logits


@games
def test_a_game_without_a_lower_bound_says_that_it_needs_a_bounded_slope(game: Game) -> None:
    certain = torch.tensor([1e6])
    assert (float(game.discriminator(certain, -certain, random())) < 0) is game.lipschitz


def test_a_beaten_generator_learns_nothing_from_minimax_and_much_from_non_saturating() -> None:
    fake = torch.tensor([-12.0], requires_grad=True)
    assert abs(slope(MINIMAX.generator(fake, fake), fake)) < 1e-4
    assert abs(slope(NON_SATURATING.generator(fake, fake), fake)) > 0.99


def test_the_hinge_discriminator_rests_beyond_the_margin() -> None:
    real, fake = torch.tensor([1.5], requires_grad=True), torch.tensor([-1.5], requires_grad=True)
    assert slope(HINGE.discriminator(real, fake, random()), real) == 0
    assert slope(HINGE.discriminator(real, fake, random()), fake) == 0


def test_soft_labels_lie_between_four_fifths_and_one_and_differ_for_every_logit() -> None:
    """At logits of 0 each half of the loss is its mean label; at .8 no real logit pays more than .2."""
    zeros = torch.zeros(20_000)
    assert float(SOFT_HINGE.discriminator(zeros, zeros, random())) == pytest.approx(2 * 0.9, abs=0.005)
    assert float(SOFT_HINGE.discriminator(zeros + 0.8, -zeros - 0.8, random())) == pytest.approx(2 * 0.1, abs=0.005)
    real = torch.full((1000,), 0.9, requires_grad=True)
    (slopes,) = torch.autograd.grad(SOFT_HINGE.discriminator(real, zeros, random()), real)
    assert 400 < (slopes == 0).sum() < 600
    assert SOFT_HINGE.discriminator(zeros + 1, -zeros - 1, random()) == 0


def test_soft_labels_come_from_the_given_generator_and_other_games_leave_it_alone() -> None:
    logits = torch.zeros(5)
    for name, game in GAMES.items():
        used, untouched = random(), random()
        first = game.discriminator(logits, logits, used)
        assert torch.equal(first, game.discriminator(logits, logits, untouched))
        assert torch.equal(used.get_state(), random().get_state()) is (name != "soft-hinge")


def test_pairs_know_only_their_own_order() -> None:
    real, fake = torch.tensor([3.0, -1.0]), torch.tensor([1.0, -2.0])
    moved = RELATIVISTIC.discriminator(real + 7, fake + 7, random())
    torch.testing.assert_close(moved, RELATIVISTIC.discriminator(real, fake, random()))
