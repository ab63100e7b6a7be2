"""A learner small enough to be understood: one weight that is pulled towards the mean of what it sees."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from shanshui.networks.generators.fastgan import FastGAN, FastGANConfig
from shanshui.scenes.dataset import SceneDataset
from shanshui.scenes.sources import open_source
from shanshui.training.randomness import generator_at
from shanshui.training.update import AdamConfig, Updater

SIZE = 16


class MeanLearner:
    """Learns the mean grey of the photographs, disturbed by noise that depends on images seen alone."""

    looks_through: str | None = None
    block = 1

    def __init__(self) -> None:
        weight = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(weight.weight)
        fabric = Fabric(accelerator="cpu", devices=1)
        self.updater = Updater(fabric, weight, AdamConfig(learning_rate=0.01))
        self.broken_after: int | None = None

    @property
    def value(self) -> float:
        return float(next(self.updater.network.parameters()).detach())

    def step(self, batch: Tensor, images_seen: int) -> Mapping[str, Tensor]:
        noise = 0.1 * torch.randn((), generator=generator_at(0, images_seen, "noise"))
        loss = (self.updater.network(torch.ones(1, 1)) - batch.mean() - noise).square().sum()
        if self.broken_after is not None and images_seen >= self.broken_after:
            loss = loss * torch.nan
        self.updater({"distance": loss}, images_seen)
        return {"distance": loss.detach()}

    def samples(self) -> list[NDArray[np.uint8]]:
        return list(self.draw(4))

    def draw(self, count: int) -> Iterator[NDArray[np.uint8]]:
        return (np.full((SIZE, SIZE, 3), 100, np.uint8) for _ in range(count))

    def opinion(self, images: Tensor) -> Tensor | None:
        return None

    def snapshot(self) -> nn.Module:
        return FastGAN(FastGANConfig(doublings=1, latent=1, width=1))

    def state_dict(self) -> dict[str, Any]:
        return self.updater.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.updater.load_state_dict(state)


@dataclass(frozen=True, kw_only=True)
class Found:
    """A judgement that a test makes up."""

    figures: Mapping[str, float]
    errors: Mapping[str, float] = field(default_factory=dict)
    variety: float | None = None
    recall: float | None = None
    movement: float | None = None
    copies: tuple[float, float, float, Sequence[tuple[int, int]]] | None = None
    trace: NDArray[np.float32] = field(default_factory=lambda: np.zeros((1, 1), np.float32))
    evidence: Sequence[NDArray[np.uint8]] = ()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(7):
        Image.fromarray(random.integers(0, 256, (40, 48, 3), dtype=np.uint8)).save(folder / f"{index}.png")
    return folder


@pytest.fixture
def dataset(photos: Path) -> SceneDataset:
    return SceneDataset(open_source(photos), SIZE, SIZE)
