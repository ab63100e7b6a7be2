"""A generator that begins as one which has learned already: of the same size, or smaller and grown to it.

Growing (Karras et al. 2018, https://arxiv.org/abs/1710.10196) spares the large sizes what the small ones can learn at
a quarter of the cost. Departure: the new layers are not faded in but begin as an enlargement: three channels of the new
map carry the picture of the smaller network, and the others come in as they learn.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from shanshui.errors import ConfigError
from shanshui.networks.gated import GatedUp
from shanshui.networks.generators.base import SceneNetwork
from shanshui.networks.generators.fastgan import FastGAN
from shanshui.networks.spectral import SpectralConv2d

_MEASURED = 64
_OPEN = 4.0  # the sigmoid of 4 is 0.98
_CALM, _FAINT = 0.1, 0.02


def begin_as(network: SceneNetwork, known: SceneNetwork) -> None:
    """Give `network` the weights of `known`, grown to its size.

    Args:
        network: as it is trained; what is new in it is drawn from torch's global generator.
        known: as `load_snapshot` returns it.

    Raises:
        ConfigError: the two are not of one kind and width, or cannot grow to one size.
    """
    while _doubled(known, network):
        assert isinstance(known, FastGAN)
        known = grown(known)
    if type(known) is not type(network) or known.size != network.size:
        raise ConfigError(
            f"A {_named(network)} cannot begin as a {_named(known)}: give a network of the same kind and size, or a "
            "FastGAN of the block lite that is smaller by halves."
        )
    try:
        unfit = network.load_state_dict(known.state_dict(), strict=False)
    except RuntimeError as error:
        raise _unlike(network, known) from error
    if unfit.unexpected_keys or not all(name.endswith(".direction") for name in unfit.missing_keys):
        raise _unlike(network, known)
    _settle_norms(network)


def grown(network: FastGAN) -> FastGAN:
    """A network of twice the size, to be trained, that makes nearly the scenes of `network`, enlarged."""
    large = FastGAN(replace(network.config, doublings=network.config.doublings + 1, spectral_norm=True))
    learned = {name: tensor for name, tensor in network.state_dict().items() if not name.startswith("to_rgb.")}
    large.load_state_dict(learned, strict=False)
    _settle_norms(large)
    name, newest = list(large.ups.items())[-1]
    assert isinstance(newest, GatedUp)
    picture = network.to_rgb.weight.detach()
    if isinstance(network.to_rgb, SpectralConv2d):
        picture = network.to_rgb.plain().weight.detach()
    with torch.no_grad():
        _pass_on(newest, picture)
        _show(large.to_rgb)
        _settle_norms(large)
        _settle_scale(large, name, newest)
    return large


def _pass_on(newest: GatedUp, picture: Tensor) -> None:
    """The first channels of the new map are what the smaller network would have shown, before its tanh."""
    channels = newest.convolution.out_channels // 2
    newest.convolution.weight[: len(picture)] = picture
    newest.norm.bias[channels : channels + len(picture)] = _OPEN
    newest.norm.weight[channels : channels + len(picture)] = _CALM


def _show(to_rgb: nn.Conv2d) -> None:
    """The colours are those channels; the others shine through faintly, so that gradients reach them."""
    to_rgb.weight.normal_(std=_FAINT)
    for colour in range(to_rgb.out_channels):
        to_rgb.weight[colour, colour] = 0.0
        to_rgb.weight[colour, colour, 1, 1] = 1.0


def _settle_scale(large: FastGAN, name: str, newest: GatedUp) -> None:
    """Undo, for the channels of the picture, what batch norm, gates and excitation do to their scale on average."""
    norm, shown = newest.norm, large.to_rgb.out_channels
    passing = torch.full((shown,), torch.sigmoid(torch.tensor(_OPEN)).item())
    latents = large.draw_latents(_MEASURED, torch.Generator().manual_seed(0))
    labels = torch.arange(_MEASURED) % large.config.labels if large.config.labels else None
    factors: list[Tensor] = []
    listening = [
        excitation.register_forward_hook(lambda _, deciding, made: factors.append(made.mean((0, 2, 3))[:shown]))
        for size, excitation in large.excitations.items()
        if size == name
    ]
    remembers = norm.momentum
    norm.momentum = 1.0  # it measures these scenes, and forgets what it began with
    large.eval()
    norm.train()
    large(latents, labels)
    norm.momentum = remembers
    large.train()
    for hook in listening:
        hook.remove()
    for each in factors:
        passing = passing * each
    assert norm.running_mean is not None and norm.running_var is not None
    norm.weight[:shown] = (norm.running_var[:shown] + norm.eps).sqrt() / passing
    norm.bias[:shown] = norm.running_mean[:shown] / passing


def _settle_norms(network: nn.Module) -> None:
    """Weights were loaded beside the estimates of other weights' norms."""
    for module in network.modules():
        if isinstance(module, SpectralConv2d):
            module.settle()


def _doubled(known: SceneNetwork, network: SceneNetwork) -> bool:
    """Whether growing brings the one nearer to the other."""
    can_grow = isinstance(known, FastGAN) and isinstance(network, FastGAN) and known.config.block == "lite"
    return can_grow and known.size[0] < network.size[0]


def _named(network: SceneNetwork) -> str:
    return f"{type(network).__name__} of {network.size[1]}x{network.size[0]} pixels"


def _unlike(network: SceneNetwork, known: SceneNetwork) -> ConfigError:
    return ConfigError(
        f"The {_named(known)} to begin with has layers of other widths than the recipe's: give --generator.width, "
        f"--generator.latent and the like as it has them ({known.config})."
    )
