"""DINOv2 (Oquab et al. 2023, https://arxiv.org/abs/2304.07193): self-supervised vision transformers as judges.

Stein et al. 2023 (https://arxiv.org/abs/2306.04675) found distances on DINOv2 features closest to human judgement of
generated images; no label and no ImageNet classifier stands behind them. Weights (Apache-2.0) are the files
`model.safetensors` that Meta publishes as facebook/dinov2-small, -base and -large.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from shanshui.errors import ModelError
from shanshui.networks.encoders.conventions import InputConvention

PATCH = 14
CONVENTION = InputConvention(side=224)
"""ImageNet's normalisation at 224 x 224, bicubic and antialiased, whatever the shape of the images.

Departure from Stein et al.: they crop nothing either, but round to 8 bits after resizing.
"""

_EPSILON = 1e-6
_MLP_RATIO = 4


@dataclass(frozen=True, kw_only=True)
class DINOv2Config:
    """Size of a vision transformer.

    Attributes:
        width: numbers a token, a multiple of `heads`.
        depth: blocks.
        heads: attention heads a block.
        grid: patches along a side of the images that the position embeddings were trained for.
    """

    width: int
    depth: int
    heads: int
    grid: int = 37


SIZES: Mapping[str, DINOv2Config] = {
    "dinov2s": DINOv2Config(width=384, depth=12, heads=6),
    "dinov2b": DINOv2Config(width=768, depth=12, heads=12),
    "dinov2l": DINOv2Config(width=1024, depth=24, heads=16),
}
"""Family -> size: ViT-S/14, ViT-B/14, ViT-L/14."""


class DINOv2(nn.Module):
    """The transformer: normalised images -> the class token behind the last normalisation. Frozen."""

    def __init__(self, config: DINOv2Config) -> None:
        super().__init__()
        self.config = config
        self.patches = nn.Conv2d(3, config.width, PATCH, PATCH)
        self.class_token = nn.Parameter(torch.zeros(1, 1, config.width))
        self.positions = nn.Parameter(torch.zeros(1, 1 + config.grid**2, config.width))
        self.blocks = nn.Sequential(*(_Block(config) for _ in range(config.depth)))
        self.norm = nn.LayerNorm(config.width, _EPSILON)
        self.requires_grad_(False).eval()

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), H and W of at least 14 -> (N, width); pixels beyond whole patches are not seen."""
        maps = self.patches(x)
        tokens = torch.cat([self.class_token.expand(len(x), -1, -1), maps.flatten(2).transpose(1, 2)], 1)
        tokens = self.blocks(tokens + self.positions_at(*maps.shape[2:]))
        summary: Tensor = self.norm(tokens[:, 0])
        return summary

    def positions_at(self, rows: int, columns: int) -> Tensor:
        """Position embeddings (1, 1 + rows * columns, width) of the class token and of a grid of patches.

        The trained grid is resized bicubically without antialiasing, as in the published models' evaluation.
        """
        grid = self.config.grid
        if (rows, columns) == (grid, grid):
            return self.positions
        trained = self.positions[:, 1:].unflatten(1, (grid, grid)).permute(0, 3, 1, 2)
        resized = F.interpolate(trained, (rows, columns), mode="bicubic")
        return torch.cat([self.positions[:, :1], resized.flatten(2).transpose(1, 2)], 1)

    def train(self, mode: bool = True) -> "DINOv2":
        """Stay frozen: a parent's `train()` does not reach this network."""
        return super().train(False)


class DINOv2Extractor(nn.Module):
    """DINOv2's class token as features, behind its input convention."""

    def __init__(self, network: DINOv2, family: str) -> None:
        """`network` with features called `family` (letters and digits)."""
        super().__init__()
        self.network = network
        self.family = family

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Feature vectors of `images`.

        Args:
            images: (N, 3, H, W) RGB in [-1, 1]; brought to 224 x 224 inside.

        Returns:
            the family -> (N, width) float32.
        """
        return {self.family: self.network(CONVENTION(images))}


def load_dinov2(path: Path) -> DINOv2:
    """The network in `path`, a `model.safetensors` of DINOv2 ViT-S/14, ViT-B/14 or ViT-L/14.

    Raises:
        ModelError: the file is damaged, or is not one of these networks.
    """
    try:
        stored = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is damaged or not a safetensors file: get it again.") from error
    network = DINOv2(_config_of(stored, path))
    names = _names(network.config.depth)
    # Register tokens or gated layers would be left over: another network, of the same width.
    if set(stored) - {_MASK_TOKEN} != {theirs for parts in names.values() for theirs in parts}:
        raise _unknown(path)
    try:
        network.load_state_dict(
            {ours: torch.cat([stored[theirs] for theirs in parts]) for ours, parts in names.items()}
        )
    except RuntimeError as error:
        raise _unknown(path) from error
    return network


def family_of(network: DINOv2) -> str:
    """`dinov2s`, `dinov2b` or `dinov2l`, by the width of `network`."""
    return next(name for name, config in SIZES.items() if config.width == network.config.width)


class _Block(nn.Module):
    def __init__(self, config: DINOv2Config) -> None:
        super().__init__()
        self.heads = config.heads
        self.norm1 = nn.LayerNorm(config.width, _EPSILON)
        self.query_key_value = nn.Linear(config.width, 3 * config.width)
        self.mixed = nn.Linear(config.width, config.width)
        self.scale1 = nn.Parameter(torch.ones(config.width))
        self.norm2 = nn.LayerNorm(config.width, _EPSILON)
        self.wide = nn.Linear(config.width, _MLP_RATIO * config.width)
        self.narrow = nn.Linear(_MLP_RATIO * config.width, config.width)
        self.scale2 = nn.Parameter(torch.ones(config.width))

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.scale1 * self._attention(self.norm1(tokens))
        result: Tensor = tokens + self.scale2 * self.narrow(F.gelu(self.wide(self.norm2(tokens))))
        return result

    def _attention(self, tokens: Tensor) -> Tensor:
        parts = self.query_key_value(tokens).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        heard = F.scaled_dot_product_attention(*parts.unbind(0))
        result: Tensor = self.mixed(heard.transpose(1, 2).flatten(2))
        return result


_MASK_TOKEN = "embeddings.mask_token"  # stands for hidden patches in training

# Our names -> theirs, for what does not repeat and for the layers of each block.
_OUTSIDE = {
    "class_token": "embeddings.cls_token",
    "positions": "embeddings.position_embeddings",
    "patches.weight": "embeddings.patch_embeddings.projection.weight",
    "patches.bias": "embeddings.patch_embeddings.projection.bias",
    "norm.weight": "layernorm.weight",
    "norm.bias": "layernorm.bias",
}
_INSIDE = {
    "norm1": ("norm1",),
    "query_key_value": tuple(f"attention.attention.{part}" for part in ("query", "key", "value")),
    "mixed": ("attention.output.dense",),
    "norm2": ("norm2",),
    "wide": ("mlp.fc1",),
    "narrow": ("mlp.fc2",),
}


def _names(depth: int) -> dict[str, tuple[str, ...]]:
    """Our name of each tensor -> their names of the tensors that it concatenates."""
    names: dict[str, tuple[str, ...]] = {ours: (theirs,) for ours, theirs in _OUTSIDE.items()}
    for index in range(depth):
        block, layer = f"blocks.{index}", f"encoder.layer.{index}"
        for ours, parts in _INSIDE.items():
            for kind in ("weight", "bias"):
                names[f"{block}.{ours}.{kind}"] = tuple(f"{layer}.{part}.{kind}" for part in parts)
        for number in (1, 2):
            names[f"{block}.scale{number}"] = (f"{layer}.layer_scale{number}.lambda1",)
    return names


def _config_of(stored: Mapping[str, Tensor], path: Path) -> DINOv2Config:
    token = stored.get("embeddings.cls_token")
    width = None if token is None else token.shape[-1]
    for config in SIZES.values():
        if config.width == width:
            return config
    raise _unknown(path)


def _unknown(path: Path) -> ModelError:
    return ModelError(
        f"{path} is not a DINOv2 that Shanshui knows: use model.safetensors of facebook/dinov2-small, -base or -large."
    )
