"""Any exported network as an extractor: TorchScript and ONNX files that a user names.

A TorchScript file is a program: open only files whose origin you trust.
"""

import hashlib
import re
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from shanshui.errors import ModelError
from shanshui.networks.encoders.conventions import InputConvention

DEFAULT = InputConvention()

_BLOCK = 1 << 20


class ExportedExtractor(nn.Module):
    """A network from a TorchScript or ONNX file behind its input convention.

    Attributes:
        family: what its features are called: the file's name in letters and digits, eight digits of the file's SHA-256,
            and, where the convention is not the default, `c` and four digits of the convention. Different files, or one
            file fed differently, never share a name.
        convention: what the file is fed.
    """

    def __init__(
        self, path: Path, *, convention: InputConvention = DEFAULT, device: torch.device | str = "cpu"
    ) -> None:
        """The network in `path`, ready to run on `device` (it cannot be moved afterwards).

        Raises:
            ModelError: a missing file, one that is neither TorchScript nor ONNX, or ONNX without `onnxruntime`.
        """
        super().__init__()
        self.family = _family(path, convention)
        self.convention = convention
        self._path = path
        self._run = _open(path, torch.device(device))

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Feature vectors of `images`.

        Args:
            images: (N, 3, H, W) RGB in [-1, 1].

        Returns:
            the family -> (N, D) float32; maps (N, D, H, W) are averaged over space.

        Raises:
            ModelError: the network refuses images of this size, or gives something else.
        """
        try:
            # TorchScript has no error types of its own: whatever an operator raises ends up as RuntimeError.
            features = self._run(self.convention(images))
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise ModelError(
                f"The network in {self._path} failed on images of {tuple(images.shape[1:])}: state its input "
                f"convention in {self._path.with_suffix('.json').name} beside it ({_last_line(error)})."
            ) from error
        if isinstance(features, Tensor) and features.ndim == 4:
            features = features.mean((2, 3))
        if not isinstance(features, Tensor) or features.ndim != 2 or len(features) != len(images):
            raise ModelError(
                f"The network in {self._path} gave {_described(features)} for {len(images)} images: "
                "export one that gives one tensor, (N, D) or (N, D, H, W)."
            )
        return {self.family: features.float()}


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits, a block at a time.

    Raises:
        ModelError: the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise ModelError(f"The network {path} cannot be read: check the path.") from error
    return digest.hexdigest()


def load_torchscript(path: Path, device: torch.device) -> torch.jit.ScriptModule:
    """The module in a TorchScript file, in evaluation mode.

    Raises:
        ModelError: the file is not TorchScript.
    """
    with warnings.catch_warnings():
        # torch points to newer formats; files of this one are what others have published.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            module: torch.jit.ScriptModule = torch.jit.load(str(path), map_location=device)
        except RuntimeError as error:
            raise ModelError(f"{path} is neither TorchScript nor ONNX: export the network to one of them.") from error
    return module.eval()


def _open(path: Path, device: torch.device) -> Callable[[Tensor], Any]:
    return _onnx(path, device) if path.suffix.lower() == ".onnx" else _torchscript(path, device)


def _torchscript(path: Path, device: torch.device) -> Callable[[Tensor], Any]:
    """Frozen: constants are folded and batch normalisation joins the convolutions where the file allows it."""
    module = load_torchscript(path, device)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        frozen = torch.jit.freeze(module)

    def run(x: Tensor) -> Any:
        return frozen(x.contiguous(memory_format=torch.channels_last))

    return run


def _onnx(path: Path, device: torch.device) -> Callable[[Tensor], Any]:
    try:
        onnxruntime = import_module("onnxruntime")
    except ImportError as error:
        raise ModelError(f'To run {path} install onnxruntime: `pip install "shanshui[metrics]"`.') from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    available = onnxruntime.get_available_providers()
    wanted = ["CUDAExecutionProvider"] if device.type == "cuda" else []
    providers = [*(name for name in wanted if name in available), "CPUExecutionProvider"]
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    # onnxruntime's errors share no public base class.
    except Exception as error:
        raise ModelError(f"{path} is not an ONNX network that onnxruntime can run: {_last_line(error)}.") from error
    entry = session.get_inputs()[0].name

    def run(x: Tensor) -> Any:
        try:
            outputs = session.run(None, {entry: x.contiguous().cpu().numpy()})
        except Exception as error:
            raise RuntimeError(_last_line(error)) from error
        return torch.from_numpy(outputs[0]).to(x.device)

    return run


def _family(path: Path, convention: InputConvention) -> str:
    stem = re.sub(r"[^a-z0-9]", "", path.stem.lower()) or "network"
    suffix = "" if convention == DEFAULT else f"c{convention.digest}"
    return f"{stem}{sha256_of(path)[:8]}{suffix}"


def _described(features: object) -> str:
    return f"a tensor {tuple(features.shape)}" if isinstance(features, Tensor) else f"a {type(features).__name__}"


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__
