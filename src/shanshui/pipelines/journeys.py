"""Journeys through the codes of a generator: from scene to scene, or round and back to where they began.

Styles are travelled straight. Gaussian latents are travelled on the sphere: their norm is nearly the same for all (in n
dimensions sqrt n, give or take 0.7), so that the straight way between two, whose middle is 0.7 times as long, leads
through latents that the generator has never seen, and to dull scenes (White 2016, https://arxiv.org/abs/1609.04468).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from shanshui.errors import ConfigError

Curve: TypeAlias = Callable[[Tensor], Tensor]
"""Times (T,) float64 in [0, 1] -> codes (T, ...) float64."""

_PARALLEL = 1e-6
_STANDSTILL = 1e-9
_SAMPLES_PER_STOP = 64


@dataclass(frozen=True, kw_only=True)
class Journey:
    """A way through codes.

    Attributes:
        curve: where it is at a time.
        closed: it ends where it began, and moves there as it did in the beginning.
    """

    curve: Curve
    closed: bool

    def codes(self, count: int) -> Tensor:
        """Codes (count, ...) float32 at equal distances in time.

        The first and the last are the ends. Those of a closed journey go round without the end, which is the first.

        Raises:
            ConfigError: fewer than two.
        """
        if count < 2:
            raise ConfigError(f"A journey in {count} pictures goes nowhere: ask for at least 2.")
        ends = torch.arange(count, dtype=torch.float64)
        return self.curve(ends / (count if self.closed else count - 1)).float()


def straight(stops: Tensor) -> Journey:
    """Through `stops` (K, ...), in order, by straight lines at one speed.

    Raises:
        ConfigError: fewer than two stops, or two alike in a row.
    """
    return _by_segments(stops, torch.lerp)


def on_spheres(stops: Tensor) -> Journey:
    """Through latents (K, latent, ...), in order, by great arcs at one speed (Shoemake 1985, "slerp").

    Between stops of different norms the norm changes evenly.

    Raises:
        ConfigError: fewer than two stops, or two alike in a row.
    """
    return _by_segments(stops, _slerp)


def round_trip(stops: Tensor) -> Journey:
    """Through `stops` (K, ...) and back to the first on a smooth curve at one speed: the periodic cubic spline.

    Speed and bend are continuous everywhere, also where it closes.

    Raises:
        ConfigError: fewer than three stops, or two alike in a row.
    """
    places = _distinct(stops, closed=True)
    return evenly(Journey(curve=_spline(places), closed=True), _itself, _SAMPLES_PER_STOP * len(places))


def round_trip_on_spheres(stops: Tensor) -> Journey:
    """`round_trip` for latents (K, latent, ...): the spline gives the direction, and the norm stays theirs.

    Between stops of different norms the norm goes from one to the other without overshooting.

    Raises:
        ConfigError: fewer than three stops, or two alike in a row.
    """
    places = _distinct(stops, closed=True)
    norms, directions = _norms(places), _spline(places)

    def curve(times: Tensor) -> Tensor:
        spline = directions(times)
        before, after, share = _segment(_knots(places, closed=True), times)
        share = _like(share * share * (3 - 2 * share), spline)
        norm = torch.lerp(norms[before], norms[after % len(norms)], share)
        return spline * (norm / _norms(spline))

    return evenly(Journey(curve=curve, closed=True), _itself, _SAMPLES_PER_STOP * len(places))


def evenly(journey: Journey, view: Callable[[Tensor], Tensor], samples: int) -> Journey:
    """The same way in the same order, at a speed that is even in what `view` shows of it.

    Args:
        journey: whose pace is to change.
        view: codes (T, ...) -> anything (T, ...); speed is the Euclidean distance of what it shows.
        samples: places at which it is measured; between them the speed is taken as even.

    Raises:
        ConfigError: the view does not change at all.
    """
    times = torch.linspace(0, 1, samples + 1, dtype=torch.float64)
    steps = torch.linalg.vector_norm(view(journey.curve(times)).double().flatten(1).diff(dim=0), dim=1).cpu()
    if not steps.sum() > 0:
        raise ConfigError("All scenes of the journey look the same: name scenes that differ.")
    # A step that shows nothing takes hardly any time, but some: only a growing function has an inverse.
    way = _cumulative(steps + _STANDSTILL * steps.sum())

    def curve(at: Tensor) -> Tensor:
        before, after, share = _segment(way, at)
        return journey.curve(torch.lerp(times[before], times[after], share))

    return Journey(curve=curve, closed=journey.closed)


def _by_segments(stops: Tensor, between: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Journey:
    places = _distinct(stops, closed=False)

    def curve(times: Tensor) -> Tensor:
        before, after, share = _segment(torch.linspace(0, 1, len(places), dtype=torch.float64), times)
        return between(places[before], places[after], _like(share, places))

    return evenly(Journey(curve=curve, closed=False), _itself, _SAMPLES_PER_STOP * (len(places) - 1))


def _slerp(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """Great arcs over dimension 1; exactly `first` where the share is 0, exactly `second` where it is 1."""
    norms = _norms(first), _norms(second)
    norm = (1 - share) * norms[0] + share * norms[1]
    angle = (first * second).sum(1, keepdim=True).div(norms[0] * norms[1]).clamp(-1, 1).acos()
    curved = angle.sin() > _PARALLEL
    sine = torch.where(curved, angle.sin(), 1.0)
    weights = [torch.where(curved, (part * angle).sin() / sine, part) for part in (1 - share, share)]
    return weights[0] * (norm / norms[0]) * first + weights[1] * (norm / norms[1]) * second


def _spline(places: Tensor) -> Curve:
    """The periodic cubic spline through places (K, ...), K at least 3, with chords as intervals.

    Its slopes m solve h_i m_(i-1) + 2 (h_(i-1) + h_i) m_i + h_(i-1) m_(i+1) = 3 (h_i d_(i-1) + h_(i-1) d_i), where h_i
    is the interval behind place i and d_i the slope of the chord over it (de Boor 1978, chapter IV).
    """
    knots = _knots(places, closed=True)
    behind = knots.diff()
    ahead = behind.roll(1)
    chords = (places.roll(-1, 0) - places) / _like(behind, places)
    each = torch.arange(len(places))
    system = torch.zeros(len(places), len(places), dtype=torch.float64)
    system[each, each - 1] = behind
    system[each, each] = 2 * (ahead + behind)
    system[each, (each + 1) % len(places)] = ahead
    pulls = 3 * (_like(behind, places) * chords.roll(1, 0) + _like(ahead, places) * chords)
    slopes: Tensor = torch.linalg.solve(system, pulls.flatten(1)).view_as(places)

    def curve(times: Tensor) -> Tensor:
        before, after, part = _segment(knots, times)
        after, t, step = after % len(places), _like(part, places), _like(behind[before], places)
        from_places = (1 - t) ** 2 * (1 + 2 * t) * places[before] + t**2 * (3 - 2 * t) * places[after]
        from_slopes = t * (1 - t) ** 2 * slopes[before] - t**2 * (1 - t) * slopes[after]
        return from_places + step * from_slopes

    return curve


def _knots(places: Tensor, *, closed: bool) -> Tensor:
    """Times of the places, from 0 to 1, in proportion to the chords between them."""
    ends = torch.cat([places, places[:1]]) if closed else places
    return _cumulative(torch.linalg.vector_norm(ends.diff(dim=0).flatten(1), dim=1))


def _cumulative(steps: Tensor) -> Tensor:
    """Steps (S,) as places (S + 1,) from exactly 0 to exactly 1."""
    sums = steps.cumsum(0)
    return torch.cat([sums.new_zeros(1), sums / sums[-1]])


def _segment(knots: Tensor, times: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For each time the numbers of the knots before and after it, and the share of the way between them."""
    before = (torch.searchsorted(knots, times.contiguous(), right=True) - 1).clamp(0, len(knots) - 2)
    share = (times - knots[before]) / (knots[before + 1] - knots[before])
    return before, before + 1, share.clamp(0, 1)


def _distinct(stops: Tensor, *, closed: bool) -> Tensor:
    """The stops in float64 on the CPU, once they are known to make a way."""
    least = 3 if closed else 2
    if len(stops) < least:
        kind = "A loop" if closed else "A journey"
        raise ConfigError(f"{kind} through {len(stops)} scenes goes nowhere new: name at least {least}.")
    places = stops.detach().double().cpu()
    following = places.roll(-1, 0) if closed else places[1:]
    if bool((places[: len(following)] == following).flatten(1).all(dim=1).any()):
        raise ConfigError("Two scenes in a row are the same, so there is no way between them: name different ones.")
    return places


def _norms(places: Tensor) -> Tensor:
    """(T, latent, ...) -> (T, 1, ...)."""
    norms: Tensor = torch.linalg.vector_norm(places, dim=1, keepdim=True)
    return norms


def _like(values: Tensor, places: Tensor) -> Tensor:
    """(T,) with as many dimensions as `places`."""
    return values.view(-1, *(1 for _ in places.shape[1:]))


def _itself(codes: Tensor) -> Tensor:
    return codes
