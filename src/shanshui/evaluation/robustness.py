"""How far pictures move when their photos are changed by next to nothing: at random, and in the worst way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shanshui.errors import DataError, NonFiniteError
from shanshui.evaluation.diversity import PairDistance
from shanshui.evaluation.estimates import Estimate

_STEPS = 127.5
"""Steps of eight bits in a unit of [-1, 1]."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What changes of at most `eps` steps of eight bits did to the pictures of N photos, (N,) each.

    Attributes:
        eps: the largest change of a value.
        photo: root mean square change of the photo, in steps of eight bits; of noise and attack alike.
        noise, attack: that of the picture.
        noise_seen, attack_seen: what a network sees of that: a distance between the pictures.
    """

    eps: float
    photo: NDArray[np.float64]
    noise: NDArray[np.float64]
    attack: NDArray[np.float64]
    noise_seen: NDArray[np.float64]
    attack_seen: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Reach:
    """A mean over photos and styles of what `Trial` holds; standard errors are over photos.

    Attributes:
        ratio: how many times as far the attack reaches as noise of its size does.
    """

    eps: float
    photo: Estimate
    noise: Estimate
    attack: Estimate
    ratio: float
    noise_seen: Estimate
    attack_seen: Estimate


def tried(
    paint: Callable[[Tensor], Tensor],
    photos: Tensor,
    *,
    eps: float,
    attack: Callable[[Tensor, float], Tensor],
    shake: Callable[[Tensor, Tensor], Tensor],
    distance: PairDistance,
) -> Trial:
    """Attack `photos`, shake them as much, and compare what becomes of them.

    Args:
        paint: (N, 3, H, W) in [-1, 1] -> pictures of that shape.
        photos: (N, 3, H, W) in [-1, 1].
        eps: in steps of eight bits.
        attack: photos and a reach in units of [-1, 1] -> photos within it.
        shake: photos and what the attack made of them -> noisy photos, as far away.
        distance: between pictures.

    Raises:
        NonFiniteError: a picture is not finite.
    """
    changed = attack(photos, 2 * eps / 255)
    with torch.no_grad():
        # What is shown ends at black and white, and so does what can be seen of a change.
        still, noisy, worst = (paint(each).float().clamp(-1, 1) for each in (photos, shake(photos, changed), changed))
        seen = [distance(still, each).double().cpu().numpy() for each in (noisy, worst)]
    moved = [_rms(still, each) for each in (noisy, worst)]
    if not np.isfinite([*moved, *seen]).all():
        raise NonFiniteError("A picture of a changed photo is not finite: the network cannot be judged.")
    return Trial(
        eps=eps,
        photo=_rms(photos, changed),
        noise=moved[0],
        attack=moved[1],
        noise_seen=seen[0],
        attack_seen=seen[1],
    )


def reached(trials: Sequence[Trial]) -> Reach:
    """The mean of trials of one `eps` on the same N photos, each in another style.

    Raises:
        DataError: fewer than two photos, whose spread says nothing.
    """
    if len(trials[0].photo) < 2:
        raise DataError("Robustness is a mean over photos with its error: give at least 2 photos.")

    def mean(values: Sequence[NDArray[np.float64]]) -> Estimate:
        photos = np.mean(values, axis=0)
        return Estimate(value=float(photos.mean()), standard_error=float(photos.std(ddof=1) / np.sqrt(len(photos))))

    noise, attack = mean([trial.noise for trial in trials]), mean([trial.attack for trial in trials])
    return Reach(
        eps=trials[0].eps,
        photo=mean([trial.photo for trial in trials]),
        noise=noise,
        attack=attack,
        ratio=attack.value / max(noise.value, np.finfo(np.float64).tiny),
        noise_seen=mean([trial.noise_seen for trial in trials]),
        attack_seen=mean([trial.attack_seen for trial in trials]),
    )


def _rms(images: Tensor, others: Tensor) -> NDArray[np.float64]:
    """(N,) in steps of eight bits."""
    squares = (images - others).double().square().flatten(1).mean(1)
    root: NDArray[np.float64] = (_STEPS * squares.sqrt()).cpu().numpy()
    return root
