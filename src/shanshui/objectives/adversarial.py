"""The games that a generator and a discriminator play: pure functions of logits.

Each game is a pair of losses to be minimised, averaged over every logit. Logits (high for images held to be real) may
have any shape; the result is a scalar.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from shanshui.together import own, whole

_LOWEST_SOFT_LABEL = 0.8


@dataclass(frozen=True)
class Game:
    """One adversarial objective: what the discriminator and what the generator minimises.

    Attributes:
        name: of the game, as recipes and logged terms know it.
        discriminator: loss of the logits of (real, fake) images; soft labels come from the CPU generator `random`, from
            which the other games draw nothing.
        generator: loss of the logits of (fake, real) images; only a game with `needs_real_logits` looks at the real
            ones, so the others can be given any.
        needs_real_logits: the generator is judged against real images, as many as it made itself.
        lipschitz: the discriminator's loss has no lower bound, so that it means something only where weight clipping
            or a gradient penalty bounds the slope of the discriminator.
    """

    name: str
    discriminator: Callable[[Tensor, Tensor, torch.Generator], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    needs_real_logits: bool = False
    lipschitz: bool = False


def minimax_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """-E log s(D(x)) - E log(1 - s(D(G(z)))), Goodfellow et al. 2014 (https://arxiv.org/abs/1406.2661), equation 1."""
    return softplus(-real).mean() + softplus(fake).mean()


def minimax_generator(fake: Tensor) -> Tensor:
    """E log(1 - s(D(G(z)))): the same game seen from the generator. Saturates while the discriminator wins."""
    return -softplus(fake).mean()


def non_saturating_generator(fake: Tensor) -> Tensor:
    """-E log s(D(G(z))), Goodfellow et al. 2014, section 3: strong gradients while the discriminator wins."""
    return softplus(-fake).mean()


def least_squares_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """1/2 E (D(x) - 1)^2 + 1/2 E D(G(z))^2, Mao et al. 2017 (https://arxiv.org/abs/1611.04076), equation 9."""
    return 0.5 * ((real - 1).square().mean() + fake.square().mean())


def least_squares_generator(fake: Tensor) -> Tensor:
    """1/2 E (D(G(z)) - 1)^2, the partner of `least_squares_discriminator`."""
    return 0.5 * (fake - 1).square().mean()


def hinge_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """E relu(1 - D(x)) + E relu(1 + D(G(z))), Lim and Ye 2017 (https://arxiv.org/abs/1705.02894)."""
    return relu(1 - real).mean() + relu(1 + fake).mean()


def soft_hinge_discriminator(real: Tensor, fake: Tensor, random: torch.Generator) -> Tensor:
    """E relu(l - D(x)) + E relu(l + D(G(z))): the hinge with a soft label l ~ U(.8, 1) for every logit.

    As the authors' program of FastGAN does it (Liu et al. 2021, https://arxiv.org/abs/2101.04775); the paper writes the
    plain hinge.

    Args:
        real, fake: logits.
        random: source of the labels, on the CPU whatever the logits' device.
    """
    return relu(_soft_labels(real, random) - real).mean() + relu(_soft_labels(fake, random) + fake).mean()


def wasserstein_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """E D(G(z)) - E D(x), Arjovsky et al. 2017 (https://arxiv.org/abs/1701.07875): minus the distance of real and fake.

    A distance only while D is Lipschitz: see `penalties.gradient_penalty` and `regularizers.clip_weights`.
    """
    return fake.mean() - real.mean()


def raise_fakes(fake: Tensor) -> Tensor:
    """-E D(G(z)): the generator's part in the hinge and the Wasserstein game."""
    return -fake.mean()


def relativistic_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """E f(-(D(x) - D(G(z)))) over pairs, f(t) = log(1 + e^t), Huang et al. 2024 (https://arxiv.org/abs/2501.05441).

    Only the order within a pair counts: logits must be as many on both sides, and a constant added to all changes
    nothing.
    """
    return softplus(fake - real).mean()


def relativistic_generator(fake: Tensor, real: Tensor) -> Tensor:
    """E f(-(D(G(z)) - D(x))): the same pairs in the opposite order."""
    return softplus(real - fake).mean()


def _soft_labels(logits: Tensor, random: torch.Generator) -> Tensor:
    drawn = own(torch.rand(whole(len(logits)), *logits.shape[1:], generator=random))
    drawn = drawn * (1 - _LOWEST_SOFT_LABEL) + _LOWEST_SOFT_LABEL
    return drawn.to(logits.device, logits.dtype)


def _hard(loss: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor, torch.Generator], Tensor]:
    """A discriminator's loss that draws nothing."""
    return lambda real, fake, random: loss(real, fake)


def _of_fakes(loss: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """A generator's loss that does not look at real images."""
    return lambda fake, real: loss(fake)


MINIMAX = Game("minimax", _hard(minimax_discriminator), _of_fakes(minimax_generator))
NON_SATURATING = Game("non-saturating", _hard(minimax_discriminator), _of_fakes(non_saturating_generator))
LEAST_SQUARES = Game("least-squares", _hard(least_squares_discriminator), _of_fakes(least_squares_generator))
HINGE = Game("hinge", _hard(hinge_discriminator), _of_fakes(raise_fakes))
SOFT_HINGE = Game("soft-hinge", soft_hinge_discriminator, _of_fakes(raise_fakes))
WASSERSTEIN = Game("wasserstein", _hard(wasserstein_discriminator), _of_fakes(raise_fakes), lipschitz=True)
RELATIVISTIC = Game("relativistic", _hard(relativistic_discriminator), relativistic_generator, needs_real_logits=True)

GAMES: Mapping[str, Game] = {
    game.name: game for game in (MINIMAX, NON_SATURATING, LEAST_SQUARES, HINGE, SOFT_HINGE, WASSERSTEIN, RELATIVISTIC)
}
