"""Moving codes until statistics of their scenes have changed as wished, and others have not.

A generator bends: a direction that brightens one scene does nothing for the next, or adds a tree to it. So there is no
one direction for a control. For every scene its own smallest move is found, by Levenberg and Marquardt's method (1944,
1963) in coordinates in which codes are standard normal: the smallest move is then the most likely one. Of the many
moves that brighten a scene that is the one which keeps the rest of it.

The way is gone in short stages, each to a part of the whole change. Gradients are exact where a stage begins; its
further moves learn from those before by Broyden's update (1965), which costs one scene instead of one gradient for
every statistic.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F

from shanshui.networks.directions import Directions

Measure: TypeAlias = Callable[[Tensor], Tensor]
"""Codes (N, ...) -> statistics (N, K) in units of their spread; differentiable."""

STAGE = 0.5
"""Longest stage, in standard deviations of the statistic that changes most."""
_DAMPING, _LEAST, _EASE, _BRAKE = 0.1, 0.02, 0.5, 6.0
_TRIES = 3
_SHORTEST = 1e-12


@dataclass(frozen=True, kw_only=True, eq=False)
class Spot:
    """Where a walk is.

    Attributes:
        codes: (N, ...).
        measured: (N, K) statistics there.
        slopes: (N, K, D), their derivatives along the axes.
        damping: (N,), what keeps each scene's next move short.
    """

    codes: Tensor
    measured: Tensor
    slopes: Tensor
    damping: Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Walker:
    """Moves codes along axes.

    Attributes:
        measure: what is to change, and what is to stay.
        axes: coordinates in which codes are standard normal (`directions.standard_axes`).
        on_sphere: the codes are Gaussian latents. Almost all of their likelihood lies near one sphere: they stay at the
            distance from 0 that they have.
    """

    measure: Measure
    axes: Directions
    on_sphere: bool

    def start(self, codes: Tensor) -> Spot:
        """A walk that begins at codes (N, ...)."""
        measured, slopes = self._look_around(codes)
        damping = measured.new_full((len(codes),), _DAMPING)
        return Spot(codes=codes, measured=measured, slopes=slopes, damping=damping)

    def walk(self, start: Spot, changes: Sequence[Tensor]) -> Iterator[Tensor]:
        """The codes (N, ...) with each of `changes`, in this order, each found on from the one before.

        Args:
            start: from `start`.
            changes: (K,) each, wished changes of the statistics since the start; 0 for those that are to stay.
        """
        spot, done = start, torch.zeros_like(start.measured[0])
        for change in changes:
            stages = max(1, math.ceil(float((change - done).abs().max()) / STAGE))
            for stage in range(1, stages + 1):
                if spot is not start:
                    measured, slopes = self._look_around(spot.codes)
                    spot = replace(spot, measured=measured, slopes=slopes)
                goal = start.measured + torch.lerp(done, change, stage / stages)
                for _ in range(_TRIES):
                    spot = self._step(spot, goal)
            done = change
            yield spot.codes

    def _step(self, spot: Spot, goal: Tensor) -> Spot:
        """One move of every scene; a scene that it would not bring nearer to its goal stays, and is damped."""
        missing = goal - spot.measured
        slopes = self._within_reach(spot)
        damped = slopes @ slopes.mT + torch.diag_embed(spot.damping[:, None].expand_as(missing))
        moves = _product(slopes.mT, torch.linalg.solve(damped, missing))
        codes = self._moved(spot.codes, moves)
        with torch.no_grad():
            measured = self.measure(codes)
        nearer = (goal - measured).norm(dim=1) < missing.norm(dim=1)
        surprise = measured - spot.measured - _product(spot.slopes, moves)
        length = moves.square().sum(dim=1).clamp_min(_SHORTEST)
        return Spot(
            codes=torch.where(nearer.view(-1, *(1,) * (codes.ndim - 1)), codes, spot.codes),
            measured=torch.where(nearer[:, None], measured, spot.measured),
            slopes=spot.slopes + surprise[:, :, None] * (moves / length[:, None])[:, None, :],
            damping=torch.where(nearer, (spot.damping * _EASE).clamp_min(_LEAST), spot.damping * _BRAKE),
        )

    def _look_around(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Statistics (N, K) of codes and their derivatives along the axes (N, K, D)."""
        axes = self._axes_for(codes)
        with torch.enable_grad():
            varied = codes.detach().requires_grad_()
            measured = self.measure(varied)
            gradients = [torch.autograd.grad(column.sum(), varied, retain_graph=True)[0] for column in measured.mT]
        return measured.detach(), torch.stack([gradient.flatten(1) @ axes.mT for gradient in gradients], dim=1)

    def _within_reach(self, spot: Spot) -> Tensor:
        """The slopes, without what only leaving the sphere would change."""
        if not self.on_sphere:
            return spot.slopes
        outward = F.normalize(spot.codes.flatten(1) @ self._axes_for(spot.codes).mT, dim=1)
        return spot.slopes - _product(spot.slopes, outward)[:, :, None] * outward[:, None, :]

    def _moved(self, codes: Tensor, moves: Tensor) -> Tensor:
        """Codes (N, ...) after moves (N, D) along the axes."""
        moved = codes + (moves @ self._axes_for(codes)).view_as(codes)
        if not self.on_sphere:
            return moved
        gained = moved.flatten(1).norm(dim=1) / codes.flatten(1).norm(dim=1)
        kept: Tensor = moved / gained.view(-1, *(1,) * (codes.ndim - 1))
        return kept

    def _axes_for(self, codes: Tensor) -> Tensor:
        return self.axes.vectors.expand(-1, *codes.shape[1:]).flatten(1)


def _product(matrices: Tensor, vectors: Tensor) -> Tensor:
    """(N, A, B), (N, B) -> (N, A)."""
    product: Tensor = (matrices @ vectors[:, :, None])[:, :, 0]
    return product
