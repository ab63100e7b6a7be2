"""Any rows of a scaled image are those of the whole."""

import itertools

import pytest
import torch
from torch.nn import functional

from shanshui.pipelines.scaling import scaled


@pytest.mark.parametrize("size", [(30, 50), (97, 61), (200, 40), (1, 1), (13, 7)])
def test_rows_are_those_of_the_whole(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    image = torch.rand(1, 3, 61, 43) * 2 - 1
    asked: list[tuple[int, int]] = []

    def source(first: int, last: int) -> torch.Tensor:
        asked.append((first, last))
        return image[:, :, first:last]

    rows = scaled(source, 61, 43, *size)
    whole = functional.interpolate(image, size=size, mode="bicubic", antialias=True, align_corners=False).clamp(-1, 1)
    cuts = sorted({0, size[0] // 3, size[0] // 2, size[0]})
    parts = [rows(first, last) for first, last in itertools.pairwise(cuts)]
    torch.testing.assert_close(torch.cat(parts, dim=2), whole, atol=1e-5, rtol=0)
    assert all(0 <= first < last <= 61 for first, last in asked)
    if size[0] == 200:
        assert max(last - first for first, last in asked) < 61 / 2 + 10
