"""The models that a service may use, by name: those that ship, and those in one folder."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shanshui.checkpoints.weights import SnapshotHeader, read_header
from shanshui.checkpoints.zoo import SUFFIX, shipped
from shanshui.errors import ConfigError, ModelError

STYLIZER, SCENES, COMPOSER, INPAINTER = "stylizer", "scene generator", "composer", "inpainter"


@dataclass(frozen=True)
class Model:
    """A snapshot and what it says of itself."""

    name: str
    path: Path
    header: SnapshotHeader

    @property
    def styles(self) -> tuple[str, ...]:
        """The names of the styles that it knows."""
        return tuple(_styles(self.header.config))

    @property
    def takes_paintings(self) -> bool:
        """Whether a painting can be its style."""
        return self.header.architecture in ("arbitrary-stylizer", "joint-pipeline")

    @property
    def card(self) -> str:
        """The model card in words, where one lies beside the file."""
        text = self.path.with_suffix(".md")
        return text.read_text(encoding="utf-8") if text.is_file() else ""


class Catalogue:
    """Looks models up. A model of the folder takes the place of one of the same name that ships."""

    def __init__(self, folder: Path | None = None) -> None:
        """Use what ships and the .safetensors files right inside `folder`.

        Raises:
            ConfigError: `folder` is no folder.
        """
        if folder is not None and not folder.is_dir():
            raise ConfigError(f"--models {folder} is no folder: name one that holds .safetensors files.")
        self._folder = folder

    def __iter__(self) -> Iterator[Model]:
        """All models by name; files that are no snapshots are passed over."""
        for name, path in self._paths().items():
            try:
                yield Model(name, path, read_header(path))
            except ModelError:
                continue

    def find(self, name: str, role: str) -> Model:
        """The model of that name, which is a stylizer, scene generator, composer or inpainter.

        Raises:
            ModelError: there is none.
        """
        fitting = {model.name: model for model in self if model.header.role == role}
        if name in fitting:
            return fitting[name]
        names = ", ".join(fitting)
        advice = f"there is {names}" if names else "none is installed"
        raise ModelError(f"There is no {role} {name!r} here: {advice}.")

    def _paths(self) -> Mapping[str, Path]:
        own = {} if self._folder is None else {path.stem: path for path in self._folder.glob(f"*{SUFFIX}")}
        return dict(sorted((shipped() | own).items()))


def _styles(config: Mapping[str, Any]) -> list[str]:
    if "stylizer" in config:
        return _styles(config["stylizer"])
    return list(config["styles"]) if "styles" in config else [config["style"]] if "style" in config else []
