"""Robustness figures: known movements come out in steps of eight bits, errors are over photos."""

import numpy as np
import pytest
import torch
from torch import Tensor

from shanshui.errors import DataError, NonFiniteError
from shanshui.evaluation.robustness import Trial, reached, tried


def photos(count: int = 3) -> Tensor:
    return torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(0)) / 2 - 0.25


def brighter(images: Tensor, reach: float) -> Tensor:
    return images + reach


def darker(images: Tensor, changed: Tensor) -> Tensor:
    return images - (changed - images) / 2


def far(first: Tensor, second: Tensor) -> Tensor:
    return (first - second).abs().flatten(1).amax(1)


def trial(factor: float, eps: float = 2.0, count: int = 3) -> Trial:
    return tried(lambda x: factor * x, photos(count), eps=eps, attack=brighter, shake=darker, distance=far)


def test_movements_are_counted_in_steps_of_eight_bits() -> None:
    found = trial(3.0)
    np.testing.assert_allclose(found.photo, 2.0, rtol=1e-5)
    np.testing.assert_allclose(found.attack, 6.0, rtol=1e-5)
    np.testing.assert_allclose(found.noise, 3.0, rtol=1e-5)
    np.testing.assert_allclose(found.attack_seen, 6 / 127.5, rtol=1e-4)


def test_what_is_beyond_white_is_not_seen_to_move() -> None:
    np.testing.assert_allclose(trial(1e6).attack[:, None] > 0, True)
    white = tried(lambda x: x + 5, photos(), eps=2.0, attack=brighter, shake=darker, distance=far)
    np.testing.assert_array_equal(white.attack, 0)


def test_styles_are_averaged_and_errors_are_over_photos() -> None:
    reach = reached([trial(1.0), trial(3.0)])
    assert reach.attack.value == pytest.approx(4.0, rel=1e-4)
    assert reach.ratio == pytest.approx(2.0, rel=1e-4)
    assert reach.attack.standard_error == pytest.approx(0, abs=1e-5)  # styles differ, photos do not
    one = trial(1.0)
    uneven = Trial(**{**vars(one), "attack": np.array([1.0, 2.0, 3.0])})
    assert reached([uneven]).attack.standard_error == pytest.approx(1 / np.sqrt(3))


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(DataError, match="at least 2 photos"):
        reached([trial(1.0, count=1)])
    with pytest.raises(NonFiniteError):
        tried(lambda x: x * torch.nan, photos(), eps=1.0, attack=brighter, shake=darker, distance=far)
