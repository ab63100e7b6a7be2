"""Adaptive augmentation: what geometry and colour may do, how often they do it, and what drives the probability."""

import json
import math
from dataclasses import asdict
from typing import get_args

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from shanshui.scenes.adaptive import (
    HIGHEST_PROBABILITY,
    Adaptation,
    AdaptationConfig,
    adapted,
    augment_adaptively,
)
from shanshui.scenes.adaptive_color import recolor
from shanshui.scenes.adaptive_geometry import _maps, _warp, move
from shanshui.scenes.augment import augment
from shanshui.scenes.augmentations import AUGMENTATIONS, AugmentationName
from shanshui.scenes.draws import Draws


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int, height: int = 8, width: int = 12, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, height, width, generator=random(seed)) * 2 - 1


def test_without_probability_images_come_back_bit_for_bit() -> None:
    given = images(5)
    assert torch.equal(augment_adaptively(given, 0.0, random()), given)


def test_with_certainty_every_image_is_changed_and_each_in_its_own_way() -> None:
    given = images(1).expand(6, -1, -1, -1)
    changed = augment_adaptively(given, 1.0, random())
    assert changed.shape == given.shape and changed.isfinite().all()
    for one in range(6):
        for other in range(one):
            assert not torch.allclose(changed[one], changed[other])


def test_randomness_comes_from_the_given_generator_alone() -> None:
    first = augment_adaptively(images(4), 0.6, random(3))
    torch.manual_seed(99)
    assert torch.equal(augment_adaptively(images(4), 0.6, random(3)), first)
    assert not torch.equal(augment_adaptively(images(4), 0.6, random(4)), first)


def test_images_that_no_lottery_chooses_stay_as_they_are() -> None:
    given = images(400, 6, 6)
    moved = move(given, 0.15, Draws(400, random()))
    same = (moved == given).flatten(1).all(1)
    assert 0 < same.sum() < 400
    chosen = (_maps(6, 6, 0.15, Draws(400, random())) != torch.eye(3)).flatten(1).any(1)
    assert not (chosen & same).any()


def test_as_many_images_are_moved_as_chance_has_it() -> None:
    """Seven transformations, each with p; some draw nothing new: a flip of no axis, a turn by nothing, a shift by 0.

    Shifts are up to an eighth of 8 pixels, so that half of them round to 0 on either axis.
    """
    p = 0.3
    still = (1 - p / 2) * (1 - p * 3 / 4) * (1 - p * 3 / 4) * (1 - p) ** 4
    given = images(8000, 8, 8)
    moved = (move(given, p, Draws(8000, random())) != given).flatten(1).any(1).float().mean()
    assert float(moved) == pytest.approx(1 - still, abs=4 * math.sqrt(still / 8000))


def test_as_many_images_are_recoloured_as_chance_has_it() -> None:
    p = 0.3
    still = (1 - p) ** 4 * (1 - p / 2)
    given = images(8000, 2, 2)
    recoloured = (recolor(given, p, Draws(8000, random())) != given).flatten(1).any(1).float().mean()
    assert float(recoloured) == pytest.approx(1 - still, abs=4 * math.sqrt(still / 8000))


def test_geometry_keeps_a_flat_image() -> None:
    flat = torch.tensor([0.3, -0.8, 0.1]).view(1, 3, 1, 1).expand(50, -1, 8, 12)
    torch.testing.assert_close(move(flat, 1.0, Draws(50, random())), flat.contiguous())


def test_geometry_invents_no_colour() -> None:
    given = images(50)
    moved = move(given, 1.0, Draws(50, random()))
    low, high = given.amin((2, 3), keepdim=True), given.amax((2, 3), keepdim=True)
    assert ((moved >= low - 1e-6) & (moved <= high + 1e-6)).all()


def test_colour_does_not_know_where_pixels_are() -> None:
    given = images(50)
    shuffled = torch.randperm(8 * 12, generator=random())
    recoloured = recolor(given, 1.0, Draws(50, random())).flatten(2)[:, :, shuffled]
    other_way = recolor(given.flatten(2)[:, :, shuffled].view_as(given), 1.0, Draws(50, random())).flatten(2)
    torch.testing.assert_close(recoloured, other_way)


def test_colour_keeps_grey_grey() -> None:
    grey = images(50)[:, :1].expand(-1, 3, -1, -1)
    recoloured = recolor(grey, 1.0, Draws(50, random()))
    torch.testing.assert_close(recoloured, recoloured[:, :1].expand_as(recoloured))


def matrix(*rows: tuple[float, float, float]) -> Tensor:
    return torch.tensor([*rows, (0.0, 0.0, 1.0)])[None]


def test_flips_quarter_turns_and_whole_shifts_only_permute_pixels() -> None:
    given = images(1, 8, 8)
    mirror, turn = matrix((-1, 0, 0), (0, 1, 0)), matrix((0, -1, 0), (1, 0, 0))
    assert torch.equal(_warp(given, mirror), given.flip(3))
    assert torch.equal(_warp(given, turn), given.rot90(1, (2, 3)))
    shift = matrix((1, 0, -3), (0, 1, 2))  # looks 3 to the left and 2 down: content goes right and up
    padded = torch.nn.functional.pad(given, (3, 0, 0, 2), mode="reflect")
    assert torch.equal(_warp(given, shift), padded[:, :, 2:, :8])


def test_any_other_map_interpolates_between_mirrored_neighbours() -> None:
    given = images(1, 8, 12)[0]
    maps = _maps(8, 12, 1.0, Draws(4, random(5)))
    warped = _warp(given.expand(4, -1, -1, -1), maps)
    centre = np.array([3.5, 5.5])
    for one in range(4):
        linear = maps[one, [[1, 1], [0, 0]], [[1, 0], [1, 0]]].double().numpy()  # SciPy says (row, column)
        offset = maps[one, [1, 0], [2, 2]].double().numpy() + centre - linear @ centre
        for channel in range(3):
            expected = ndimage.affine_transform(given[channel].double().numpy(), linear, offset, order=1, mode="mirror")
            np.testing.assert_allclose(warped[one, channel].numpy(), expected, atol=1e-4)


class Settled(Draws):
    """Instead of drawing, the values given, in the order in which they are asked for."""

    def __init__(self, *values: float) -> None:
        super().__init__(1, random())
        self._values = iter(values)

    def uniform(self, reach: float, probability: float, values: int = 1) -> tuple[Tensor, ...]:
        return tuple(torch.tensor([float(next(self._values))]) for _ in range(values))

    def normal(self, deviation: float, probability: float, values: int = 1) -> tuple[Tensor, ...]:
        return self.uniform(deviation, probability, values)

    def factor(self, octaves: float, probability: float) -> Tensor:
        return torch.tensor([float(next(self._values))])

    def choice(self, options: int, probability: float) -> Tensor:
        return torch.tensor([int(next(self._values))])


def colored(
    brightness: float = 0, contrast: float = 1, flip: float = 0, hue: float = 0, saturation: float = 1
) -> Tensor:
    return recolor(images(1), 1.0, Settled(brightness, contrast, flip, hue, saturation))


def test_each_change_of_colour_is_what_its_name_says() -> None:
    given = images(1)
    grey = given.mean(1, keepdim=True)
    torch.testing.assert_close(colored(brightness=0.1, contrast=2), 2 * (given + 0.1))
    torch.testing.assert_close(colored(flip=1), given - 2 * grey)
    torch.testing.assert_close(colored(hue=2 * math.pi / 3), given[:, [2, 0, 1]])  # red becomes green
    torch.testing.assert_close(colored(saturation=3), grey + 3 * (given - grey))
    torch.testing.assert_close(colored(saturation=0, brightness=0.2), (grey + 0.2).expand_as(given))


def test_each_move_is_what_its_name_says() -> None:
    """Flip, quarter turns, shift (2), scale, angle, stretch, angle, shift (2), of a place 2 pixels right and 1 down."""
    still = [0, 0, 0, 0, 1, 0, 1, 0, 0, 0]
    expected = {
        (0, 1): (-2, 1),
        (1, 1): (-1, 2),
        (2, 0.125): (2 - 2, 1),
        (3, 0.1): (2, 1 - 1),  # 0.8 pixels, rounded
        (4, 2): (1, 0.5),
        (5, math.pi): (-2, -1),
        (6, 2): (1, 2),
        (7, math.pi / 2): (-1, 2),
        (8, 0.1): (2 - 1.6, 1),
        (9, 0.1): (2, 1 - 0.8),
    }
    for (which, value), place in expected.items():
        values = [*still[:which], value, *still[which + 1 :]]
        looked_at = _maps(8, 16, 1.0, Settled(*values))[0] @ torch.tensor([2.0, 1.0, 1.0])
        torch.testing.assert_close(looked_at, torch.tensor([*place, 1.0]), msg=f"parameter {which}")


def test_draws_have_the_spread_that_is_asked_for_and_the_share_that_wins() -> None:
    draws = Draws(20_000, random())
    (wide,) = draws.uniform(0.5, 1.0)
    (bell,) = draws.normal(0.2, 1.0)
    octaves = draws.factor(0.3, 1.0).log2()
    assert wide.abs().max() < 0.5 and float(wide.std()) == pytest.approx(1 / math.sqrt(12), rel=0.03)
    assert float(bell.std()) == pytest.approx(0.2, rel=0.03)
    assert float(octaves.std()) == pytest.approx(0.3, rel=0.03) and abs(float(octaves.mean())) < 0.01
    assert float((draws.factor(0.3, 0.3) != 1).float().mean()) == pytest.approx(0.3, abs=0.015)
    assert draws.choice(4, 1.0).bincount().tolist() == pytest.approx([5000] * 4, rel=0.05)
    across, down = draws.uniform(1.0, 0.5, values=2)
    assert torch.equal(across == 0, down == 0)


def test_gradients_reach_the_images_through_everything_twice() -> None:
    given = images(2, 4, 4).double().requires_grad_()

    def changed(batch: Tensor) -> Tensor:
        return augment_adaptively(batch, 1.0, random(1))

    assert torch.autograd.gradcheck(changed, given, fast_mode=True)
    assert torch.autograd.gradgradcheck(changed, given, fast_mode=True)


def judged(signs: list[float]) -> Tensor:
    return torch.tensor(signs)[:, None] * 3.7


SURE, LOST = judged([1.0] * 8), judged([1.0] * 4 + [-1.0] * 4)
CONFIG = AdaptationConfig(every=16, adjustment_images=1000)


def test_a_discriminator_that_is_sure_of_the_photographs_drives_the_probability_up() -> None:
    state = adapted(adapted(Adaptation(), CONFIG, SURE), CONFIG, SURE)
    assert state == Adaptation(probability=16 / 1000)
    assert adapted(state, CONFIG, SURE).probability == state.probability  # not before 16 more


def test_one_that_is_at_a_loss_drives_it_down_and_never_below_zero() -> None:
    state = Adaptation(probability=0.02)
    for expected in (0.02, 0.004, 0.004, 0.0, 0.0, 0.0):
        state = adapted(state, CONFIG, LOST)
        assert state.probability == pytest.approx(expected)


def test_the_mean_sign_is_compared_with_the_target_and_sizes_of_logits_do_not_count() -> None:
    """13 of 16 are taken for real: a mean sign of 10/16 = .625, above .6; 12 of 16 give .5, below it."""
    for right, direction in ((13, 1), (12, -1)):
        logits = torch.tensor([[1e-3]] * right + [[-1e3]] * (16 - right))
        state = adapted(Adaptation(probability=0.5), CONFIG, logits)
        assert state.probability == pytest.approx(0.5 + direction * 0.016)


def test_at_the_target_it_rests() -> None:
    state = adapted(Adaptation(probability=0.5), AdaptationConfig(target=0.5, every=8), judged([1.0] * 6 + [-1.0] * 2))
    assert state == Adaptation(probability=0.5)


def test_it_stops_where_augmentations_would_leak() -> None:
    state = Adaptation(probability=0.849)
    for _ in range(4):
        state = adapted(state, CONFIG, SURE)
    assert state.probability == HIGHEST_PROBABILITY == 0.85


def test_from_nothing_to_certainty_takes_half_a_million_images() -> None:
    config, state = AdaptationConfig(), Adaptation()
    for _ in range(40):
        state = adapted(state, config, SURE.expand(-1, 5).repeat(8, 1))
    assert state.probability == pytest.approx(40 * 64 / 500_000)


def test_a_saved_state_goes_on_where_it_was() -> None:
    state = adapted(Adaptation(probability=0.3), CONFIG, LOST)
    restored = Adaptation(**json.loads(json.dumps(asdict(state))))
    assert restored == state != Adaptation(probability=0.3)
    assert adapted(restored, CONFIG, SURE) == adapted(state, CONFIG, SURE)


def test_augmentations_are_chosen_by_name() -> None:
    assert set(AUGMENTATIONS) == set(get_args(AugmentationName))
    given = images(3)
    assert torch.equal(AUGMENTATIONS["none"](given, 1.0, random()), given)
    assert torch.equal(AUGMENTATIONS["diffaugment"](given, 0.0, random()), given)
    assert torch.equal(AUGMENTATIONS["diffaugment"](given, 1.0, random()), augment(given, random()))
    assert torch.equal(AUGMENTATIONS["ada"](given, 0.7, random()), augment_adaptively(given, 0.7, random()))
