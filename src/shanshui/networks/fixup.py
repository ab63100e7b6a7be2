"""Residual networks without normalisation: blocks that begin as the identity, and the resampling between them.

Both players of R3GAN are made of these (Huang, Gokaslan, Kuleshov and Tompkin 2024, "The GAN is dead; long live the
GAN! A Modern Baseline GAN", https://arxiv.org/abs/2501.05441, section 3). What keeps activations in range instead of a
normalisation is the initialisation, after Fix-up (Zhang, Dauphin and Ma 2019, https://arxiv.org/abs/1901.09321).
"""

import math
from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from shanshui.errors import ConfigError

SLOPE = 0.2
_LEAKY_GAIN = math.sqrt(2 / (1 + SLOPE**2))


class ResidualBlock(nn.Module):
    """x + W3 p(W2 p(W1 x)), p a leaky ReLU of slope 0.2 with bias (paper, figure 3 and section 3.3).

    W1 is 1 x 1 and widens, W2 is a grouped 3 x 3, W3 is 1 x 1 and narrows. W3 begins at zero, so the block begins as
    the identity; W1 and W2 as N(0, (g L^(-1/4))^2 / fan in), g the gain of the leaky ReLU, L the network's number of
    blocks, so that one update changes the network's function equally, however deep it is.
    """

    def __init__(self, channels: int, *, expansion: int, group: int, blocks: int) -> None:
        """A block of `channels` in a network of `blocks`.

        Args:
            channels: of input and output.
            expansion: inside there are so many times more.
            group: channels that the 3 x 3 convolution mixes with each other; divides those inside.
            blocks: residual blocks in the whole network.
        """
        super().__init__()
        inside = expansion * channels
        self.widen = nn.Conv2d(channels, inside, 1)
        self.mix = nn.Conv2d(inside, inside, 3, padding=1, groups=inside // group)
        self.narrow = nn.Conv2d(inside, channels, 1, bias=False)
        for layer in (self.widen, self.mix):
            draw_weight(layer, _LEAKY_GAIN * blocks**-0.25)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        nn.init.zeros_(self.narrow.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        # In place: no convolution needs its own output for its gradient, and leaky ReLU is content with its result.
        inside = F.leaky_relu(self.widen(x), SLOPE, inplace=True)
        inside = F.leaky_relu(self.mix(inside), SLOPE, inplace=True)
        change: Tensor = self.narrow(inside)
        return x + change


def stages(channels: Sequence[int], *, blocks: int, expansion: int, group: int) -> nn.ModuleList:
    """The residual blocks of a whole network: one `nn.Sequential` of `blocks` for each of `channels`."""
    total = blocks * len(channels)
    return nn.ModuleList(
        nn.Sequential(*(ResidualBlock(count, expansion=expansion, group=group, blocks=total) for _ in range(blocks)))
        for count in channels
    )


class Double(nn.Module):
    """1 x 1 convolution where the number of channels changes, then bilinear x 2; in this order it costs a quarter.

    Departure: positions are the centres of pixels (taps [1, 3, 3, 1] / 4) and the border is repeated. The paper's taps
    [1, 2, 1] move the scene by half a pixel at every size, and zeros beyond the border leave it a grey rim.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.project = _projection(channels_in, channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) -> (N, C_out, 2 H, 2 W)."""
        return F.interpolate(self.project(x), scale_factor=2.0, mode="bilinear", align_corners=False)


class Halve(nn.Module):
    """The mirror image of `Double`: filter with [1, 3, 3, 1] / 8 at every second position, then 1 x 1 convolution."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.project = _projection(channels_in, channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) -> (N, C_out, H / 2, W / 2)."""
        halved: Tensor = self.project(_half_the_rows(_half_the_rows(x).mT).mT)
        return halved


def _half_the_rows(x: Tensor) -> Tensor:
    """(..., 2 H, W) -> (..., H, W), filtered with [1, 3, 3, 1] / 8; zeros beyond the border.

    Sums of slices: the gradient of a depthwise convolution that skips positions takes several times as long.
    """
    x = F.pad(x, (0, 0, 1, 1))
    outer = x[..., 0:-3:2, :] + x[..., 3::2, :]
    inner = x[..., 1:-2:2, :] + x[..., 2:-1:2, :]
    return (outer + 3 * inner) / 8


def require_groups(channels: int, expansion: int, group: int) -> None:
    """Pass if blocks can be built whose finest map has `channels`.

    Raises:
        ConfigError: there are no channels, or they do not split into groups.
    """
    if min(channels, expansion, group) < 1 or expansion * channels % group:
        raise ConfigError(
            f"{expansion} times {channels} channels cannot be split into groups of {group}: choose a divisor of their "
            "number."
        )


def draw_weight(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> None:
    """Weights ~ N(0, gain^2 / fan in): unit variance in is variance gain^2 out."""
    nn.init.normal_(layer.weight, std=gain / math.sqrt(layer.weight[0].numel()))


def pixelwise(channels_in: int, channels_out: int) -> nn.Conv2d:
    """A 1 x 1 convolution without bias that keeps the variance."""
    convolution = nn.Conv2d(channels_in, channels_out, 1, bias=False)
    draw_weight(convolution)
    return convolution


def _projection(channels_in: int, channels_out: int) -> nn.Module:
    return nn.Identity() if channels_in == channels_out else pixelwise(channels_in, channels_out)
