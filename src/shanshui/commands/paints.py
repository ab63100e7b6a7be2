"""Networks as plain functions from photos to pictures, in float32 and open to gradients: what an attack needs."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from shanshui.commands.wishes import is_picture
from shanshui.errors import ConfigError, ModelError
from shanshui.images.files import read_picture
from shanshui.images.pixels import to_tensor
from shanshui.networks.joint import JointPipeline
from shanshui.networks.stylizers.arbitrary import ArbitraryStylizer, looked_at
from shanshui.networks.stylizers.feedforward import FeedForwardStylizer
from shanshui.networks.stylizers.translators import Translator
from shanshui.objectives.attacks import Paint
from shanshui.pipelines.generators import random_of


def paints_of(
    network: nn.Module, styles: Sequence[str], *, name: str, naturalness: float, seed: int
) -> Mapping[str, Paint]:
    """What `network` does to photos, by style.

    Args:
        network: a stylizer or a composer, frozen, in evaluation mode.
        styles: names that it knows, and files of paintings where it takes them; all names when there are none.
        name: what the network is called, for messages.
        naturalness: of a composer, from 0 (the painting) to 1 (a natural scene).
        seed: of a composer's latent and noise, which stay the same for all photos.

    Raises:
        ConfigError: a style that it does not know, or a naturalness outside its range.
        ModelError: it is neither a stylizer nor a composer.
        ImageError: a painting cannot be read.
    """
    if not 0 <= naturalness <= 1:
        raise ConfigError(f"The naturalness {naturalness} is outside 0 (the painting) to 1 (a natural scene).")
    known: dict[str, Paint]
    match network:
        case FeedForwardStylizer():
            known = {style: _painting(network, row) for style, row in _rows(network).items()}
        case JointPipeline():
            rows = _rows(network.stylizer)
            known = {style: _composing(network, row, naturalness, seed) for style, row in rows.items()}
        case ArbitraryStylizer():
            known = dict(zip(network.config.styles, (_after(network, row) for row in network.remembered), strict=True))
            known |= {style: _after(network, _told(network, style)) for style in styles if is_picture(style)}
        case Translator():
            known = {network.config.style: network}
        case _:
            raise ModelError(
                f"{name} is neither a stylizer nor a composer but a {type(network).__name__}: try `painter`."
            )
    unknown = [style for style in styles or [*known][:1] or ["any"] if style not in known]
    if unknown:
        raise ConfigError(f"{name} has no style {unknown[0]!r}: it knows {', '.join(known) or 'paintings, by file'}.")
    return {style: known[style] for style in styles or known}


def _rows(network: FeedForwardStylizer) -> dict[str, Tensor]:
    """Each style of `network` as shares (1, S)."""
    styles = network.config.styles
    shares = torch.eye(len(styles), device=network.to_rgb.weight.device)
    return dict(zip(styles, shares[:, None], strict=True))


def _painting(network: FeedForwardStylizer, row: Tensor) -> Paint:
    return lambda photos: network(photos, row.expand(len(photos), -1))


def _after(network: ArbitraryStylizer, told: Tensor) -> Paint:
    return lambda photos: network.paint(photos, told.reshape(1, -1).expand(len(photos), -1))


def _told(network: ArbitraryStylizer, painting: str) -> Tensor:
    """What `network` says of the painting in a file."""
    pixels = to_tensor(read_picture(painting).over_white()).to(network.remembered.device)
    with torch.no_grad():
        told: Tensor = network.style_of(looked_at(pixels))
    return told


def _composing(network: JointPipeline, row: Tensor, naturalness: float, seed: int) -> Paint:
    def compose(photos: Tensor) -> Tensor:
        random = random_of(seed, 0)  # begins anew, so that only the photo makes a difference
        count = len(photos)
        latents = network.composer.draw_latents(1, random).to(photos).expand(count, -1)
        slider = torch.full((count,), naturalness, device=photos.device)
        scenes: Tensor = network(photos, row.expand(count, -1), latents, slider, random)
        return scenes

    return compose
