"""The composer: nothing at first, any size, a slider and noise that reach the picture, and no look at the whole."""

import pytest
import torch
from torch import Tensor

from shanshui.errors import ConfigError
from shanshui.networks.composer import Composer, ComposerConfig
from shanshui.networks.joint import JointConfig, JointPipeline
from shanshui.networks.stylizers.feedforward import FeedForwardConfig

TINY = ComposerConfig(width=8, widest=16, latent=4, style=8)


@pytest.fixture
def composer() -> Composer:
    """One that has learned something: its colour layers are no longer zero."""
    torch.manual_seed(0)
    network = Composer(TINY)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "to_rgb.weight" in name or name == "strokes.weight" or "noise_strength" in name:
                parameter.copy_(0.3 * torch.randn_like(parameter))
    return network.eval()


def picture(height: int = 48, width: int = 64) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


def composed(network: Composer, painting: Tensor, *, latent: int = 0, naturalness: float = 0.5) -> Tensor:
    latents = network.draw_latents(1, torch.Generator().manual_seed(latent))
    with torch.no_grad():
        scene: Tensor = network(painting, latents, torch.tensor([naturalness]))
    return scene


def test_untrained_it_leaves_a_painting_as_it_is() -> None:
    painting = picture()
    assert torch.equal(composed(Composer(TINY), painting), painting)


def test_strokes_can_be_taken_away_at_every_place() -> None:
    # What loses all strokes is what loses all that is finer than four pixels: a checkerboard becomes grey.
    composer = Composer(TINY).eval()
    assert composer.strokes.bias is not None
    with torch.no_grad():
        composer.strokes.bias.view(4, 4)[3] = 1.0  # of red, green, blue and loss, the last, at all four pixels
    checkerboard = (torch.arange(48)[:, None] + torch.arange(64)) % 2 * 2.0 - 1
    scene = composed(composer, checkerboard.expand(1, 3, -1, -1))
    torch.testing.assert_close(scene, torch.zeros_like(scene), atol=1e-5, rtol=0)
    even = torch.full((1, 3, 48, 64), 0.3)
    torch.testing.assert_close(composed(composer, even), even, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (16, 16), (33, 50), (64, 47)])
def test_every_size_is_kept(composer: Composer, height: int, width: int) -> None:
    assert composed(composer, picture(height, width)).shape == (1, 3, height, width)


def test_the_slider_the_latent_and_the_noise_change_the_scene(composer: Composer) -> None:
    painting = picture()
    scene = composed(composer, painting)
    assert not torch.allclose(scene, composed(composer, painting, naturalness=0.9))
    assert not torch.allclose(scene, composed(composer, painting, latent=5))
    latents = composer.draw_latents(1, torch.Generator().manual_seed(0))
    with torch.no_grad():
        noisy = composer(painting, latents, torch.tensor([0.5]), torch.Generator().manual_seed(3))
        again = composer(painting, latents, torch.tensor([0.5]), torch.Generator().manual_seed(3))
    assert torch.equal(noisy, again)
    assert not torch.allclose(noisy, scene)


def test_what_lies_far_away_changes_nothing(composer: Composer) -> None:
    # No statistics of the whole: a change of the right end does not reach the left one.
    painting = picture(32, 320)
    changed = painting.clone()
    changed[..., 288:] = -changed[..., 288:]
    before, after = composed(composer, painting), composed(composer, changed)
    assert torch.equal(before[..., :64], after[..., :64])
    assert not torch.allclose(before[..., 288:], after[..., 288:])


def test_every_parameter_learns(composer: Composer) -> None:
    latents = composer.draw_latents(2, torch.Generator().manual_seed(0))
    scenes = composer(
        picture().expand(2, -1, -1, -1), latents, torch.tensor([0.2, 0.7]), torch.Generator().manual_seed(1)
    )
    scenes.square().sum().backward()
    assert not [name for name, each in composer.named_parameters() if each.grad is None or not each.grad.any()]


def test_the_pipeline_paints_first() -> None:
    config = JointConfig(
        stylizer=FeedForwardConfig(styles=("ink", "oil"), width=8, blocks=1, deep_width=8, deep_blocks=1),
        composer=TINY,
    )
    torch.manual_seed(0)
    pipeline, photo = JointPipeline(config).eval(), picture()
    share, latents, slider = torch.tensor([[0.0, 1.0]]), torch.zeros(1, 4), torch.tensor([0.5])
    with torch.no_grad():
        torch.testing.assert_close(pipeline(photo, share, latents, slider), pipeline.stylizer(photo, share))


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(ConfigError, match="width of at least 2"):
        ComposerConfig(width=1)
