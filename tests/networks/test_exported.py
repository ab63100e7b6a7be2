"""Exported networks: fed as their convention says, named by what they are, refused in a sentence."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shanshui.errors import ConfigError, ModelError
from shanshui.networks.encoders.conventions import RESIZERS, InputConvention
from shanshui.networks.encoders.exported import DEFAULT, ExportedExtractor, sha256_of

AS_GIVEN = InputConvention(low=-1, high=1, mean=(0, 0, 0), std=(1, 1, 1))


class Maps(nn.Module):
    """A convolution with batch normalisation: what freezing rewrites."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 5, 3, padding=1)
        self.norm = nn.BatchNorm2d(5)
        for tensor in self.parameters():
            nn.init.normal_(tensor, generator=torch.Generator().manual_seed(0))

    def forward(self, x: Tensor) -> Tensor:
        maps: Tensor = self.norm(self.convolution(x))
        return maps


class Vectors(Maps):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).amax((2, 3))


class Pair(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.mean((2, 3)), x


class OnlySquares8(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(-1, 3, 64).mean(2) + torch.zeros(x.shape[0], x.shape[2] - 5) @ torch.zeros(3, 3)


def save(network: nn.Module, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.trace(network.eval(), torch.zeros(1, 3, 8, 8)).save(str(path))
    return path


@pytest.fixture
def images() -> Tensor:
    return torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_vectors_come_out_as_the_network_gives_them(tmp_path: Path, images: Tensor) -> None:
    extractor = ExportedExtractor(save(Vectors(), tmp_path / "net.pt"), convention=AS_GIVEN)
    (rows,) = extractor(images).values()
    assert rows.dtype == torch.float32
    torch.testing.assert_close(rows, Vectors().eval()(images), rtol=1e-4, atol=1e-5)


def test_maps_are_averaged_over_space(tmp_path: Path, images: Tensor) -> None:
    extractor = ExportedExtractor(save(Maps(), tmp_path / "net.pt"), convention=AS_GIVEN)
    (rows,) = extractor(images).values()
    torch.testing.assert_close(rows, Maps().eval()(images).mean((2, 3)), rtol=1e-4, atol=1e-5)


def test_a_name_tells_files_and_conventions_apart(tmp_path: Path, images: Tensor) -> None:
    path = save(Maps(), tmp_path / "My-Net_v2.pt")
    plain = ExportedExtractor(path)
    other = ExportedExtractor(path, convention=AS_GIVEN)
    assert plain.family == f"mynetv2{sha256_of(path)[:8]}"
    assert other.family.startswith(f"{plain.family}c")
    assert list(plain(images)) == [plain.family]
    assert ExportedExtractor(save(Vectors(), path)).family != plain.family
    assert all(name.isalnum() and name == name.lower() for name in (plain.family, other.family))


def test_the_default_is_imagenets_and_every_field_of_a_convention_counts() -> None:
    pixel = np.array([200.0, 100.0, 50.0])
    image = torch.from_numpy(pixel / 127.5 - 1).float().view(1, 3, 1, 1)
    imagenet = (pixel / 255 - (0.485, 0.456, 0.406)) / np.array([0.229, 0.224, 0.225])
    np.testing.assert_allclose(DEFAULT(image).flatten(), imagenet, atol=1e-5)
    caffe = InputConvention(low=0, high=255, channels="bgr", mean=(103.939, 116.779, 123.68), std=(1, 2, 4))
    expected = (pixel[::-1] - (103.939, 116.779, 123.68)) / np.array([1, 2, 4])
    np.testing.assert_allclose(caffe(image).flatten(), expected, rtol=1e-5)
    assert InputConvention(side=5)(image).shape == (1, 3, 5, 5)


@pytest.mark.parametrize("kind", ["bicubic", "bilinear"])
def test_shrinking_is_antialiased_and_stays_within_the_range(kind: str) -> None:
    """A checkerboard becomes grey, an edge does not overshoot; TensorFlow 1 keeps every fourth pixel."""
    checkers = (torch.arange(64)[:, None] + torch.arange(64)) % 2 * 2.0 - 1
    grey = RESIZERS[kind](checkers.expand(1, 3, 64, 64), 16)
    assert grey[..., 1:-1, 1:-1].abs().max() < 0.01
    edge = torch.ones(1, 3, 64, 64)
    edge[..., :32] = -1
    assert RESIZERS[kind](edge, 50).abs().max() <= 1
    assert RESIZERS["tensorflow1"](checkers.expand(1, 3, 64, 64), 16).abs().min() == 1


def test_a_convention_is_stated_beside_the_network(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    assert InputConvention.beside(path) is None
    stated = {"low": -1, "high": 1, "mean": [0, 0, 0], "std": [1, 1, 1], "channels": "bgr", "side": 32}
    (tmp_path / "net.json").write_text(json.dumps(stated))
    assert InputConvention.beside(path) == InputConvention(
        low=-1, high=1, mean=(0, 0, 0), std=(1, 1, 1), channels="bgr", side=32
    )


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("{", "not readable JSON"),
        ("[1]", "not an object"),
        ('{"sides": 3}', "An input convention has low, high"),
        ('{"channels": "grb"}', "rgb or bgr"),
        ('{"resize": "lanczos"}', "one of bicubic"),
        ('{"std": [1, 0, 1]}', "not 0"),
        ('{"mean": [1, 0]}', "three numbers"),
        ('{"mean": 0}', "three numbers"),
        ('{"low": "black"}', "numbers"),
        ('{"side": 0}', "1 or more"),
    ],
)
def test_a_statement_that_cannot_work_is_refused(tmp_path: Path, statement: str, sentence: str) -> None:
    (tmp_path / "net.json").write_text(statement)
    with pytest.raises(ConfigError, match=sentence):
        InputConvention.beside(tmp_path / "net.pt")


def test_other_outputs_and_other_files_are_refused_in_a_sentence(tmp_path: Path, images: Tensor) -> None:
    with pytest.raises(ModelError, match="gave a tuple for 2 images"):
        ExportedExtractor(save(Pair(), tmp_path / "pair.pt"))(images)
    with pytest.raises(ModelError, match=r"failed on images of \(3, 9, 7\): state its input convention in small.json"):
        ExportedExtractor(save(OnlySquares8(), tmp_path / "small.pt"))(torch.zeros(1, 3, 9, 7))
    garbage = tmp_path / "garbage.pt"
    garbage.write_bytes(b"no network")
    with pytest.raises(ModelError, match="neither TorchScript nor ONNX"):
        ExportedExtractor(garbage)
    torch.save({"weights": torch.zeros(3)}, garbage)
    with pytest.raises(ModelError, match="neither TorchScript nor ONNX"):
        ExportedExtractor(garbage)
    with pytest.raises(ModelError, match="check the path"):
        ExportedExtractor(tmp_path / "missing.pt")


def test_onnx_without_its_runtime_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    (tmp_path / "net.onnx").write_bytes(b"")
    with pytest.raises(ModelError, match=r'pip install "shanshui\[metrics\]"'):
        ExportedExtractor(tmp_path / "net.onnx")


def field(number: int, value: bytes | str | int) -> bytes:
    """One field of a protocol buffer; lengths and numbers below 128 only."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    content = value.encode() if isinstance(value, str) else value
    return bytes([number << 3 | 2, len(content)]) + content


def relu_network() -> bytes:
    """An ONNX file by hand, (N, 3, 8, W) -> Relu of it: its format needs no package to write."""
    dimensions = b"".join(field(1, dim) for dim in (field(2, "n"), field(1, 3), field(1, 8), field(2, "w")))
    shape = field(2, field(1, field(1, 1) + field(2, dimensions)))
    node = field(1, "x") + field(2, "y") + field(4, "Relu")
    graph = field(1, node) + field(2, "g") + field(11, field(1, "x") + shape) + field(12, field(1, "y") + shape)
    return field(1, 8) + field(7, graph) + field(8, field(2, 13))


def test_onnx_files_run_and_failures_are_sentences(tmp_path: Path, images: Tensor) -> None:
    pytest.importorskip("onnxruntime")
    path = tmp_path / "net.onnx"
    path.write_bytes(relu_network())
    extractor = ExportedExtractor(path, convention=AS_GIVEN)
    torch.testing.assert_close(extractor(images)[extractor.family], F.relu(images).mean((2, 3)))
    with pytest.raises(ModelError, match="failed on images"):
        extractor(images[:, :, :7])
    path.write_bytes(b"no network")
    with pytest.raises(ModelError, match="not an ONNX network"):
        ExportedExtractor(path)
