"""The games that a generator and a discriminator play: pure functions of logits.

Each game is a pair of losses to be minimised, averaged over every logit: `discriminator(real, fake)` and
`generator(fake)`. Logits may have any shape; the result is a scalar.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import relu, softplus


@dataclass(frozen=True)
class Game:
    """One adversarial objective: what the discriminator and what the generator minimises."""

    name: str
    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


def minimax_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """-E log s(D(x)) - E log(1 - s(D(G(z)))), Goodfellow et al. 2014 (https://arxiv.org/abs/1406.2661), equation 1."""
    return softplus(-real).mean() + softplus(fake).mean()


def minimax_generator(fake: Tensor) -> Tensor:
    """E log(1 - s(D(G(z)))): the same game seen from the generator. Saturates while the discriminator wins."""
    return -softplus(fake).mean()


def non_saturating_generator(fake: Tensor) -> Tensor:
    """-E log s(D(G(z))), Goodfellow et al. 2014, section 3: strong gradients while the discriminator wins."""
    return softplus(-fake).mean()


def hinge_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """E relu(1 - D(x)) + E relu(1 + D(G(z))), Lim and Ye 2017 (https://arxiv.org/abs/1705.02894)."""
    return relu(1 - real).mean() + relu(1 + fake).mean()


def hinge_generator(fake: Tensor) -> Tensor:
    """-E D(G(z)), the partner of `hinge_discriminator`."""
    return -fake.mean()


MINIMAX = Game("minimax", minimax_discriminator, minimax_generator)
NON_SATURATING = Game("non-saturating", minimax_discriminator, non_saturating_generator)
HINGE = Game("hinge", hinge_discriminator, hinge_generator)

GAMES: Mapping[str, Game] = {game.name: game for game in (MINIMAX, NON_SATURATING, HINGE)}
