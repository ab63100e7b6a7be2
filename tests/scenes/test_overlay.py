"""Laying one picture over another finds the crop that was made."""

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image

from shanshui.scenes.overlay import SIDE, crop, lay_over


def test_a_known_crop_is_recovered_whatever_the_brightness() -> None:
    photo = Image.fromarray(load_sample_image("china.jpg")).convert("F")
    made = np.array([[0.04, 0.97, 0.08, 0.95], [0.0, 1.0, 0.0, 1.0], [0.09, 0.96, 0.02, 1.0]], dtype=np.float32)
    boxes = [
        (left * photo.width, top * photo.height, right * photo.width, bottom * photo.height)
        for top, bottom, left, right in made
    ]
    small = [photo.resize((SIDE, SIDE), Image.Resampling.BOX, box=box) for box in boxes]
    targets = np.stack([0.6 * np.asarray(picture, dtype=np.float32) + 20 for picture in small]).astype(np.float32)
    whole = np.stack([np.asarray(photo.resize((SIDE, SIDE), Image.Resampling.BOX))] * len(made))
    start = np.tile(np.array([0.05, 0.95, 0.05, 0.95], dtype=np.float32), (len(made), 1))
    assert np.abs(lay_over(whole, targets, start) - made).max() < 0.006


def test_the_whole_box_is_the_picture_itself_and_half_of_it_is_that_half() -> None:
    ramp = np.tile(np.arange(SIDE, dtype=np.float32), (1, SIDE, 1))
    whole, right = np.array([[0, 1, 0, 1]], np.float32), np.array([[0, 1, 0.5, 1]], np.float32)
    assert np.allclose(crop(ramp, whole), ramp)
    expected = np.minimum(SIDE / 2 + (np.arange(SIDE) + 0.5) / 2 - 0.5, SIDE - 1)
    assert np.allclose(crop(ramp, right)[0], expected)
