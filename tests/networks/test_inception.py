"""The 2015 Inception: our rewired network is the plain one, and images reach it as TensorFlow 1 would bring them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from shanshui.errors import ModelError
from shanshui.networks.encoders.inception import CONVENTION, Inception2015, InceptionNetwork


class PlainInception:
    """The network as Szegedy et al. and TensorFlow's graph write it, inventing small weights as it goes."""

    def __init__(self) -> None:
        self.stored: dict[str, Tensor] = {}
        self.random = torch.Generator().manual_seed(0)

    def __call__(self, x: Tensor) -> Tensor:
        x = self.conv("conv", x, 4, (3, 3), stride=2)
        x = self.conv("conv_1", x, 4, (3, 3))
        x = self.conv("conv_2", x, 5, (3, 3), pad=True)
        x = self.conv("conv_3", F.max_pool2d(x, 3, 2), 6, (1, 1))
        x = F.max_pool2d(self.conv("conv_4", x, 7, (3, 3)), 3, 2)
        for block in ("mixed", "mixed_1", "mixed_2"):
            x = self.mixed(block, x, first=[(5, 5)], second=[(3, 3)] * 2)
        second = self.conv("mixed_3.tower.conv_1", self.conv("mixed_3.tower.conv", x, 3, (1, 1)), 4, (3, 3), pad=True)
        second = self.conv("mixed_3.tower.conv_2", second, 5, (3, 3), stride=2)
        x = torch.cat([self.conv("mixed_3.conv", x, 4, (3, 3), stride=2), second, F.max_pool2d(x, 3, 2)], 1)
        for index in range(4, 8):
            x = self.mixed(f"mixed_{index}", x, first=[(1, 7), (7, 1)], second=[(7, 1), (1, 7)] * 2)
        first = self.conv("mixed_8.tower.conv", x, 3, (1, 1))
        first = self.conv("mixed_8.tower.conv_1", first, 5, (3, 3), stride=2)
        second = self.conv("mixed_8.tower_1.conv", x, 3, (1, 1))
        second = self.conv("mixed_8.tower_1.conv_1", second, 3, (1, 7), pad=True)
        second = self.conv("mixed_8.tower_1.conv_2", second, 4, (7, 1), pad=True)
        second = self.conv("mixed_8.tower_1.conv_3", second, 4, (3, 3), stride=2)
        x = torch.cat([first, second, F.max_pool2d(x, 3, 2)], 1)
        x = self.forked("mixed_9", x, F.avg_pool2d(x, 3, 1, 1, count_include_pad=False))
        x = self.forked("mixed_10", x, F.max_pool2d(x, 3, 1, 1))
        return x.mean((2, 3))

    def mixed(self, block: str, x: Tensor, first: list[tuple[int, int]], second: list[tuple[int, int]]) -> Tensor:
        parts = [self.conv(f"{block}.conv", x, 3, (1, 1))]
        for tower, kernels in (("tower", first), ("tower_1", second)):
            y = self.conv(f"{block}.{tower}.conv", x, 4, (1, 1))
            for index, kernel in enumerate(kernels, 1):
                y = self.conv(f"{block}.{tower}.conv_{index}", y, 4 + index, kernel, pad=True)
            parts.append(y)
        pooled = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        return torch.cat([*parts, self.conv(f"{block}.tower_2.conv", pooled, 2, (1, 1))], 1)

    def forked(self, block: str, x: Tensor, pooled: Tensor) -> Tensor:
        first = self.conv(f"{block}.tower_conv", x, 3, (1, 1))
        second = self.conv(
            f"{block}.tower_1_conv_1", self.conv(f"{block}.tower_1_conv", x, 4, (1, 1)), 5, (3, 3), pad=True
        )
        return torch.cat(
            [
                self.conv(f"{block}.conv", x, 3, (1, 1)),
                self.conv(f"{block}.tower_mixed_conv", first, 2, (1, 3), pad=True),
                self.conv(f"{block}.tower_mixed_conv_1", first, 2, (3, 1), pad=True),
                self.conv(f"{block}.tower_1_mixed_conv", second, 3, (1, 3), pad=True),
                self.conv(f"{block}.tower_1_mixed_conv_1", second, 3, (3, 1), pad=True),
                self.conv(f"{block}.tower_2_conv", pooled, 4, (1, 1)),
            ],
            1,
        )

    def draw(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.random, dtype=torch.float64)

    def conv(
        self, name: str, x: Tensor, channels: int, kernel: tuple[int, int], *, stride: int = 1, pad: bool = False
    ) -> Tensor:
        weight = self.draw(channels, x.shape[1], *kernel) / (x.shape[1] * kernel[0] * kernel[1]) ** 0.5
        beta, mean = self.draw(2, channels) * 0.3
        var = self.draw(channels).square() + 0.1
        self.stored |= {f"{name}.{k}": v for k, v in {"weight": weight, "beta": beta, "mean": mean, "var": var}.items()}
        padding = (kernel[0] // 2, kernel[1] // 2) if pad else 0
        return F.relu(F.batch_norm(F.conv2d(x, weight, None, stride, padding), mean, var, None, beta, eps=1e-3))


def test_the_rewired_network_is_the_plain_one() -> None:
    plain = PlainInception()
    images = torch.randn(2, 3, 139, 107, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = plain(images)
    network = InceptionNetwork(plain.stored)
    assert expected.shape == (2, 17)
    assert (expected > 0).double().mean() > 0.3
    torch.testing.assert_close(network(images), expected, rtol=1e-9, atol=1e-12)
    assert not any(parameter.requires_grad for parameter in network.train().parameters())
    assert not network.training


@pytest.mark.parametrize("shape", [(20, 31), (299, 299), (400, 310)])
def test_images_are_resized_as_tensorflow_1_did(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, *shape)).astype(np.float64)
    rows, columns = (np.arange(299) * size / 299 for size in shape)
    tall = np.apply_along_axis(lambda line: np.interp(rows, np.arange(shape[0]), line), 1, pixels)
    square = np.apply_along_axis(lambda line: np.interp(columns, np.arange(shape[1]), line), 2, tall)
    seen = CONVENTION(torch.from_numpy(pixels[None] / 127.5 - 1))
    np.testing.assert_allclose(seen[0].numpy(), (square - 128) / 128, atol=1e-5)


def test_another_file_is_refused_before_it_is_loaded(tmp_path: Path) -> None:
    other = tmp_path / "default_1.pt"
    other.write_bytes(b"other weights")
    with pytest.raises(ModelError, match="take default_1"):
        Inception2015(other)
    with pytest.raises(ModelError, match="check the path"):
        Inception2015(tmp_path / "missing.pt")
