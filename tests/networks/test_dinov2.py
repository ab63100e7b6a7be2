"""DINOv2: published files load into our network, positions follow the images, and attention is what it should be."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from shanshui.errors import ModelError
from shanshui.networks.encoders import dinov2
from shanshui.networks.encoders.dinov2 import (
    SIZES,
    DINOv2,
    DINOv2Config,
    DINOv2Extractor,
    family_of,
    load_dinov2,
)

TINY = DINOv2Config(width=12, depth=2, heads=3, grid=4)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> DINOv2Config:
    monkeypatch.setattr(dinov2, "SIZES", {"dinov2t": TINY})
    return TINY


def published(config: DINOv2Config) -> dict[str, Tensor]:
    """Random tensors under the names and in the shapes of Meta's files."""
    width, random = config.width, torch.Generator().manual_seed(0)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.cls_token": (1, 1, width),
        "embeddings.mask_token": (1, width),
        "embeddings.position_embeddings": (1, 1 + config.grid**2, width),
        "embeddings.patch_embeddings.projection.weight": (width, 3, 14, 14),
        "embeddings.patch_embeddings.projection.bias": (width,),
        "layernorm.weight": (width,),
        "layernorm.bias": (width,),
    }
    linear = {f"attention.attention.{part}": (width, width) for part in ("query", "key", "value")}
    linear |= {"attention.output.dense": (width, width), "mlp.fc1": (4 * width, width), "mlp.fc2": (width, 4 * width)}
    for layer in (f"encoder.layer.{index}" for index in range(config.depth)):
        for name, shape in linear.items():
            shapes |= {f"{layer}.{name}.weight": shape, f"{layer}.{name}.bias": shape[:1]}
        for number in (1, 2):
            shapes |= {f"{layer}.norm{number}.{kind}": (width,) for kind in ("weight", "bias")}
            shapes[f"{layer}.layer_scale{number}.lambda1"] = (width,)
    return {name: torch.randn(shape, generator=random) * 0.3 for name, shape in shapes.items()}


def plain(stored: dict[str, Tensor], x: Tensor, heads: int) -> Tensor:
    """The class token by the paper's formulas, for images at the trained size, one head after the other."""

    def linear(name: str, y: Tensor) -> Tensor:
        return y @ stored[f"{name}.weight"].T + stored[f"{name}.bias"]

    def norm(name: str, y: Tensor) -> Tensor:
        centred = y - y.mean(-1, keepdim=True)
        spread = (centred.square().mean(-1, keepdim=True) + 1e-6).sqrt()
        return centred / spread * stored[f"{name}.weight"] + stored[f"{name}.bias"]

    size = x.shape[2] // 14
    patches = x.reshape(len(x), 3, size, 14, size, 14).permute(0, 2, 4, 1, 3, 5).reshape(len(x), size * size, -1)
    kernel = stored["embeddings.patch_embeddings.projection.weight"].flatten(1)
    tokens = patches @ kernel.T + stored["embeddings.patch_embeddings.projection.bias"]
    tokens = torch.cat([stored["embeddings.cls_token"].expand(len(x), -1, -1), tokens], 1)
    tokens = tokens + stored["embeddings.position_embeddings"]
    for layer in ("encoder.layer.0", "encoder.layer.1"):
        y = norm(f"{layer}.norm1", tokens)
        query, key, value = (
            linear(f"{layer}.attention.attention.{part}", y).chunk(heads, -1) for part in ("query", "key", "value")
        )
        heard = [
            torch.softmax(q @ k.transpose(1, 2) / q.shape[-1] ** 0.5, -1) @ v
            for q, k, v in zip(query, key, value, strict=True)
        ]
        mixed = linear(f"{layer}.attention.output.dense", torch.cat(heard, -1))
        tokens = tokens + stored[f"{layer}.layer_scale1.lambda1"] * mixed
        wide = linear(f"{layer}.mlp.fc1", norm(f"{layer}.norm2", tokens))
        gelu = wide * 0.5 * (1 + torch.erf(wide / 2**0.5))
        tokens = tokens + stored[f"{layer}.layer_scale2.lambda1"] * linear(f"{layer}.mlp.fc2", gelu)
    return norm("layernorm", tokens)[:, 0]


def test_a_published_file_gives_the_papers_class_token(tiny: DINOv2Config, tmp_path: Path) -> None:
    stored = published(tiny)
    save_file(stored, tmp_path / "model.safetensors")
    network = load_dinov2(tmp_path / "model.safetensors")
    images = torch.randn(2, 3, 56, 56, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(network(images), plain(stored, images, tiny.heads), rtol=1e-4, atol=1e-5)
    assert family_of(network) == "dinov2t"
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_positions_are_as_trained_on_the_trained_grid_and_follow_any_other() -> None:
    network = DINOv2(TINY)
    torch.nn.init.normal_(network.positions, generator=torch.Generator().manual_seed(0))
    assert network.positions_at(4, 4) is network.positions
    for rows, columns in ((2, 3), (7, 5)):
        positions = network.positions_at(rows, columns)
        assert positions.shape == (1, 1 + rows * columns, 12)
        torch.testing.assert_close(positions[:, 0], network.positions[:, 0])
    # Row by row: what varies along the columns of the grid only, varies along the columns only afterwards.
    with torch.no_grad():
        network.positions[:, 1:] = torch.arange(4.0).repeat(4)[None, :, None]
    grid = network.positions_at(6, 8)[0, 1:, 0].view(6, 8)
    torch.testing.assert_close(grid, grid[:1].expand(6, 8))
    assert (grid[0].diff() > 0).all()


def test_patches_without_positions_are_a_set() -> None:
    """With all positions equal the class token cannot tell the order of the patches; with positions it can."""
    network = DINOv2(TINY)
    images = torch.randn(1, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    shuffled = images.roll(14, 3)
    torch.testing.assert_close(network(images), network(shuffled), rtol=1e-4, atol=1e-5)
    torch.nn.init.normal_(network.positions, std=2.0, generator=torch.Generator().manual_seed(1))
    assert (network(images) - network(shuffled)).norm() > 1e-3


def test_images_are_seen_at_224_under_imagenets_normalisation() -> None:
    seen: list[Tensor] = []
    network = DINOv2(TINY)
    network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    features = DINOv2Extractor(network, "dinov2t")(torch.ones(2, 3, 40, 90))
    assert {name: tuple(rows.shape) for name, rows in features.items()} == {"dinov2t": (2, 12)}
    white = torch.tensor([(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225])
    torch.testing.assert_close(seen[0], white.view(1, 3, 1, 1).expand(2, 3, 224, 224), rtol=1e-5, atol=1e-5)


def test_the_sizes_are_those_of_the_paper() -> None:
    with torch.device("meta"):
        millions = {name: sum(p.numel() for p in DINOv2(config).parameters()) / 1e6 for name, config in SIZES.items()}
    assert millions == pytest.approx({"dinov2s": 22.1, "dinov2b": 86.6, "dinov2l": 304.4}, abs=0.1)


@pytest.mark.parametrize("change", ["registers", "missing", "misshapen", "other width", "no safetensors"])
def test_other_files_are_refused_in_a_sentence(tiny: DINOv2Config, tmp_path: Path, change: str) -> None:
    stored, path = published(tiny), tmp_path / "model.safetensors"
    if change == "registers":
        stored["embeddings.register_tokens"] = torch.zeros(1, 4, 12)
    elif change == "missing":
        del stored["layernorm.bias"]
    elif change == "misshapen":
        stored["embeddings.position_embeddings"] = torch.zeros(1, 26, 12)
    elif change == "other width":
        stored["embeddings.cls_token"] = torch.zeros(1, 1, 13)
    save_file(stored, path)
    if change == "no safetensors":
        path.write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"model\.safetensors is (not a DINOv2|damaged)"):
        load_dinov2(path)
