"""Edges that join: nothing shows there when a painting is tiled, looked around in, or put on a sphere."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from shanshui.networks.stylizers.feedforward import FeedForwardConfig, FeedForwardStylizer
from shanshui.pipelines.painters import NamedPainter
from shanshui.pipelines.seamless import seamless
from shanshui.pipelines.stylize import Stylizer
from shanshui.pipelines.treatment import Treatment, Wrap

Deep = NDArray[np.uint16]


@pytest.fixture(scope="module")
def stylizer() -> Stylizer:
    torch.manual_seed(0)
    network = FeedForwardStylizer(FeedForwardConfig(styles=("wild",), width=8, blocks=2, deep_width=8, deep_blocks=3))
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith(("gamma", "beta")):
                parameter.add_(0.2 * torch.randn_like(parameter))
    return Stylizer(NamedPainter(network))


def ring(height: int, width: int) -> NDArray[np.uint8]:
    """A picture whose edges all join: waves of whole periods."""
    y, x = np.mgrid[:height, :width]
    waves = [
        np.sin(2 * np.pi * (3 * x / width + 2 * y / height)),
        np.sin(2 * np.pi * 5 * x / width),
        np.cos(2 * np.pi * 4 * y / height),
    ]
    return (127 + 100 * np.stack(waves, axis=2)).astype(np.uint8)


def seam(picture: NDArray[np.uint8], axis: int) -> float:
    """Difference across the join over the largest difference of neighbouring lines inside."""
    lines = np.moveaxis(picture.astype(float), axis, 0)
    inside = np.abs(np.diff(lines, axis=0)).reshape(len(lines) - 1, -1).mean(1)
    return float(np.abs(lines[0] - lines[-1]).mean() / inside.max())


def paint(stylizer: Stylizer, photo: NDArray[np.uint8], wrap: Wrap) -> NDArray[np.uint8]:
    return stylizer.paint(photo, "wild", Treatment(wrap=wrap, flat_skies=False)).pixels.astype(np.uint8)


@pytest.mark.parametrize("size", [(96, 128), (75, 101)])
@pytest.mark.parametrize(("wrap", "joined"), [("x", (1,)), ("y", (0,)), ("both", (0, 1))])
def test_no_seam_is_seen_where_edges_join(
    stylizer: Stylizer, size: tuple[int, int], wrap: Wrap, joined: tuple[int, ...]
) -> None:
    photo = ring(*size)
    plain, wrapped = paint(stylizer, photo, "no"), paint(stylizer, photo, wrap)
    assert wrapped.shape == photo.shape
    for axis in joined:
        assert seam(wrapped, axis) <= 1
        assert seam(wrapped, axis) < seam(plain, axis)


def test_a_ring_may_be_turned_before_or_after(stylizer: Stylizer) -> None:
    photo = ring(64, 128)

    def difference(wrap: Wrap) -> float:
        turned = np.roll(paint(stylizer, photo, wrap), 40, axis=1).astype(int)
        return float(np.abs(paint(stylizer, np.roll(photo, 40, axis=1), wrap) - turned).mean())

    assert difference("x") < difference("no") / 2


def test_colours_may_be_kept_on_a_ring(stylizer: Stylizer) -> None:
    photo = ring(64, 128)
    kept = stylizer.paint(photo, "wild", Treatment(wrap="both", colors="luminance")).pixels
    assert kept.shape == photo.shape
    assert seam(kept.astype(np.uint8), 1) <= 1


def stripes_on_canvas(pixels: NDArray[np.uint8 | np.uint16]) -> Deep:
    """A painter that paints stripes 8 pixels wide, whatever it sees."""
    columns = np.arange(pixels.shape[1]) // 8 % 2 * 65535
    return np.broadcast_to(columns[None, :, None], pixels.shape).astype(np.uint16)


def test_strokes_at_a_pole_are_as_broad_as_elsewhere() -> None:
    """On the sphere: the stripes of a plain painting become wedges that meet at the pole; those of a view do not."""
    height, width = 192, 384
    photo = np.full((height, width, 3), 90, np.uint8)

    def across(painting: Deep, row: int) -> int:
        return int((np.diff(painting[row, :, 0] > 32767, append=painting[row, :1, 0] > 32767)).sum())

    plain, sphere = seamless(stripes_on_canvas, photo, "x"), seamless(stripes_on_canvas, photo, "sphere")
    circle = width * math.sin(math.pi * 2.5 / height)  # the length in pixels of what row 2 is on the sphere
    assert across(plain, 2) == width // 8
    assert across(sphere, 2) <= 2 + 2 * circle / 8
    assert across(sphere, -3) <= 2 + 2 * circle / 8
    np.testing.assert_array_equal(sphere[height // 2], plain[height // 2])


def test_both_poles_show_what_lies_there() -> None:
    """With a painter that changes nothing a sphere stays itself, but for sampling."""
    photo = ring(128, 256)
    photo[:] = (photo.astype(float) * np.sin(np.linspace(0, np.pi, 128))[:, None, None]).astype(np.uint8)
    result = seamless(lambda pixels: pixels.astype(np.uint16) * 257, photo, "sphere")
    assert np.abs(result / 257 - photo).mean() < 1.5
