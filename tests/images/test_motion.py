"""Motion: found where it is known, doubted where it cannot be, and what flickers apart from it."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_sample_image

from shanshui.images.motion import Motion, motion_between, warping_error
from shanshui.images.pixels import Pixels

pytest.importorskip("cv2", reason="motion needs the extra `video`")

HEIGHT, WIDTH = 96, 160


@pytest.fixture(scope="module")
def scene() -> NDArray[np.uint8]:
    image: NDArray[np.uint8] = load_sample_image("china.jpg")[150:330, 100:400]
    return image


def window(scene: Pixels, top: int, left: int) -> Pixels:
    return np.ascontiguousarray(scene[top : top + HEIGHT, left : left + WIDTH])


def test_a_pan_is_found_and_undone(scene: Pixels) -> None:
    before, after = window(scene, 10, 20), window(scene, 12, 25)
    motion = motion_between(before, after)
    inner = (slice(16, -16), slice(16, -16))
    assert np.abs(motion.back[inner] - [5, 2]).mean() < 0.1
    assert motion.seen[inner].mean() > 0.95
    assert warping_error(after, before, motion) < 0.05 * np.square(after / 255 - before / 255).mean()


def test_what_was_outside_or_hidden_was_not_seen(scene: Pixels) -> None:
    motion = motion_between(window(scene, 10, 20), window(scene, 10, 32))
    assert motion.seen[:, -10:].mean() < 0.2 < 0.8 < motion.seen[:, :-30].mean()
    after = window(scene, 10, 20).copy()
    after[30:60, 50:90] = 255 - after[30:60, 50:90]
    assert motion_between(window(scene, 10, 20), after).seen[36:54, 56:84].mean() < 0.3


def test_unlike_frames_have_nothing_in_common(scene: Pixels) -> None:
    other = window(scene[::-1, ::-1], 40, 90)
    assert motion_between(window(scene, 10, 20), other).seen.mean() < 0.5


def test_the_warping_error_is_what_flickers_where_it_can_be_seen() -> None:
    back = np.zeros((4, 6, 2), np.float32)
    seen = np.ones((4, 6), np.float32)
    seen[:, 3:] = 0
    before = np.full((4, 6, 3), 51, np.uint8)
    after = before.copy()
    after[:, :3] += 51  # a fifth of white
    after[:, 3:] = 255  # not seen before
    assert warping_error(after, before, Motion(back, seen)) == pytest.approx(0.04)
    deep = warping_error(after.astype(np.uint16) * 257, before.astype(np.uint16) * 257, Motion(back, seen))
    assert deep == pytest.approx(0.04)
    assert warping_error(after, before, Motion(back, 0 * seen)) == 0


def test_whole_steps_are_carried_exactly() -> None:
    back = np.zeros((5, 7, 2), np.float32)
    back[..., 0] = -2
    earlier = np.random.default_rng(0).integers(0, 65536, (5, 7, 3), dtype=np.uint16)
    carried = Motion(back, np.ones((5, 7), np.float32)).carried(earlier)
    np.testing.assert_array_equal(carried[:, 2:], earlier[:, :-2])


@pytest.mark.parametrize("size", [(1, 1), (9, 40), (31, 47)])
def test_the_smallest_frames_stand_still(size: tuple[int, int]) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    motion = motion_between(frame, frame)
    assert motion.back.shape == (*size, 2)
    assert motion.seen.shape == size
    np.testing.assert_allclose(motion.seen, 1)
