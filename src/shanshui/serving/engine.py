"""Pipelines on ONNX files instead of PyTorch networks: the same controls, sizes and seeds."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from shanshui import jsontext
from shanshui.errors import ConfigError, ModelError
from shanshui.images.pixels import to_pixels
from shanshui.networks.stylizers.arbitrary import looked_at
from shanshui.pipelines.generators import random_of
from shanshui.pipelines.painters import Share
from shanshui.serving.onnx import KEY, run, session_of

_STYLIZERS = {"feedforward-stylizer", "arbitrary-stylizer", "light-translator", "resnet-translator"}
_SCENES = {"dcgan", "resnet", "stylegan", "stylegan2", "r3gan", "fastgan"}


class OnnxPainter:
    """A painter for `Stylizer` that runs a graph of `shanshui export`."""

    def __init__(self, path: Path) -> None:
        """Open the graph in `path`.

        Raises:
            ModelError: it is none of a stylizer.
        """
        self._session, self._told = _opened(path, _STYLIZERS, "stylizer")
        config = self._told["config"]
        self.styles: tuple[str, ...] = tuple(config["styles"]) if "styles" in config else (config["style"],)
        self.takes_paintings = "painting" in self._told["inputs"]
        if self.takes_paintings:  # what names stand for lies in no graph
            self.styles = ()

    def __call__(self, photo: Tensor, blend: Sequence[Share]) -> Tensor:
        """Paint (1, 3, H, W) float32 RGB in [-1, 1].

        Raises:
            ConfigError: a style that this graph cannot paint, or several paintings.
        """
        height, width = photo.shape[2:]
        image = self._extended((photo + 1) / 2)
        picture = run(self._session, [image, *self._style(blend)])[:, :, :height, :width]
        return 2 * picture - 1

    def _style(self, blend: Sequence[Share]) -> list[Tensor]:
        if self.takes_paintings:
            if len(blend) != 1 or not isinstance(blend[0].style, Tensor):
                raise ConfigError("This graph paints after one painting: give --style with one file.")
            return [self._extended((looked_at(blend[0].style) + 1) / 2)]
        if "styles" not in self._told["inputs"]:
            return []
        shares = dict.fromkeys(self.styles, 0.0)
        for share in blend:
            if not isinstance(share.style, str):
                raise ConfigError(f"This graph paints in the styles {', '.join(self.styles)} only.")
            shares[share.style] += share.weight
        return [torch.tensor([list(shares.values())])]

    def _extended(self, image: Tensor) -> Tensor:
        """At sides that the graph takes: right and lower border repeated."""
        step = int(self._told["step"])
        bottom, right = (max(2 * step, -(-side // step) * step) - side for side in image.shape[2:])
        return functional.pad(image, (0, right, 0, bottom), mode="replicate")


def scenes(path: Path, count: int, seed: int = 0) -> Iterator[Image.Image]:
    """Scenes of a graph: number i of seed s is that of `SceneGenerator`, but for rounding; classes come in turn.

    Raises:
        ModelError: it is none of a scene generator.
    """
    session, told = _opened(path, _SCENES, "scene generator")
    shape = told["inputs"]["latents"][1:]
    labels = told["config"]["labels"]

    def made() -> Iterator[Image.Image]:
        for index in range(count):
            latents = torch.randn(1, *shape, generator=random_of(seed, index))
            told_class = [torch.tensor([index % labels])] if labels else []
            yield Image.fromarray(to_pixels(2 * run(session, [latents, *told_class]) - 1)[0])

    return made()


def card_of(path: Path) -> Mapping[str, Any]:
    """The card of the model that a graph was exported from.

    Raises:
        ModelError: it is no graph of `shanshui export`.
    """
    card: Mapping[str, Any] = _opened(path, _STYLIZERS | _SCENES, "stylizer or scene generator")[1].get("card", {})
    return card


def _opened(path: Path, architectures: set[str], role: str) -> tuple[Any, dict[str, Any]]:
    if not path.is_file():
        raise ModelError(f"There is no file {path}: write it with `shanshui export`.")
    session = session_of(path)
    try:
        told = jsontext.parsed(session.get_modelmeta().custom_metadata_map[KEY])
        architecture = told["architecture"]
    except (KeyError, ValueError) as error:
        raise ModelError(f"{path} is no graph of Shanshui: write one with `shanshui export`.") from error
    if architecture not in architectures:
        raise ModelError(f"{path} is no {role} but a {architecture}.")
    return session, told
