"""Steering: statistics mean what they say, walks reach their goals, and controls move what they name."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from shanshui.errors import ConfigError
from shanshui.networks.directions import Directions
from shanshui.networks.generators.fastgan import FastGAN, FastGANConfig
from shanshui.networks.generators.stylegan2 import StyleGAN2, StyleGAN2Config
from shanshui.pipelines.codes import CodeSpace
from shanshui.pipelines.steering.controls import CONTROLS, find_control, wished_changes
from shanshui.pipelines.steering.editor import SceneEditor
from shanshui.pipelines.steering.spread import known_spread
from shanshui.pipelines.steering.statistics import STATISTICS, Look, measure
from shanshui.pipelines.steering.walk import Walker


def plain(*colors: tuple[int, int, int], side: int = 64) -> Tensor:
    """One scene: as many horizontal bands of equal height as there are colours of 0-255."""
    bands = [
        torch.tensor(color, dtype=torch.float32).view(3, 1, 1).expand(3, side // len(colors), side) for color in colors
    ]
    return torch.cat(bands, dim=1)[None] / 127.5 - 1


def of(name: str, scene: Tensor) -> float:
    return float(STATISTICS[name](Look(scene)))


SKY, MEADOW, GREY, WHITE, ORANGE = (120, 170, 240), (60, 130, 40), (119, 119, 119), (255, 255, 255), (250, 140, 40)


def test_colours_are_those_of_the_standard() -> None:
    """L*, a*, b* of sRGB's red and of white, as published for D65."""
    assert torch.allclose(Look(plain((255, 0, 0))).lab[0, :, 0, 0], torch.tensor([53.24, 80.09, 67.20]), atol=0.05)
    assert torch.allclose(Look(plain(WHITE)).lab[0, :, 0, 0], torch.tensor([100.0, 0, 0]), atol=0.05)


@pytest.mark.parametrize(
    ("name", "more", "less"),
    [
        ("brightness", plain(GREY), plain((60, 60, 60))),
        ("warmth", plain(ORANGE), plain(SKY)),
        ("greenness", plain(SKY, MEADOW), plain(SKY, ORANGE)),
        ("contrast", plain(WHITE, MEADOW), plain(GREY, MEADOW)),
        ("cloud", plain(WHITE, GREY, WHITE, GREY, MEADOW, MEADOW, MEADOW, MEADOW), plain(SKY, MEADOW)),
        ("color", plain(ORANGE), plain(GREY)),
        ("detail", plain(*[GREY, WHITE] * 16), plain(GREY, WHITE)),
        ("sunset", plain(ORANGE, MEADOW), plain(SKY, MEADOW)),
    ],
)
def test_a_statistic_tells_more_from_less(name: str, more: Tensor, less: Tensor) -> None:
    assert of(name, more) > of(name, less)


@pytest.mark.parametrize("rows_of_sky", [2, 4, 6])
def test_the_horizon_is_where_the_sky_ends(rows_of_sky: int) -> None:
    scene = plain(*[SKY] * rows_of_sky, *[MEADOW] * (8 - rows_of_sky))
    assert of("horizon", scene) == pytest.approx(1 - rows_of_sky / 8, abs=0.04)


def test_green_and_clouds_are_looked_for_where_they_belong() -> None:
    assert of("greenness", plain(SKY, MEADOW)) > of("greenness", plain(MEADOW, SKY))
    assert of("sunset", plain(ORANGE, GREY)) > of("sunset", plain(GREY, ORANGE))


@pytest.mark.parametrize("scene", [plain((0, 0, 0)), plain(WHITE), torch.rand(1, 3, 24, 40) * 3 - 1.5])
def test_every_statistic_has_a_finite_gradient_everywhere(scene: Tensor) -> None:
    scene = scene.clone().requires_grad_()
    measured = measure(scene)
    assert measured.shape == (1, len(STATISTICS)) and torch.isfinite(measured).all()
    for column in measured[0]:
        (gradient,) = torch.autograd.grad(column, scene, retain_graph=True)
        assert torch.isfinite(gradient).all()


def bent(codes: Tensor) -> Tensor:
    """Two statistics, entangled and curved, of codes in the plane and beyond."""
    return torch.stack([codes[:, 0] + 0.3 * codes[:, 1].square(), codes[:, 1] + 0.5 * torch.sin(codes[:, 0])], dim=1)


def test_a_walk_changes_what_is_wished_and_nothing_else() -> None:
    codes = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    walker = Walker(measure=bent, axes=Directions(vectors=torch.eye(4), weights=torch.ones(4) / 4), on_sphere=False)
    half, whole = walker.walk(walker.start(codes), [torch.tensor([0.7, 0.0]), torch.tensor([1.5, 0.0])])
    assert torch.allclose(bent(half) - bent(codes), torch.tensor([0.7, 0.0]).expand(6, 2), atol=0.03)
    assert torch.allclose(bent(whole) - bent(codes), torch.tensor([1.5, 0.0]).expand(6, 2), atol=0.03)
    # The shortest way: numbers that no statistic reads stay.
    assert torch.allclose(whole[:, 2:], codes[:, 2:], atol=1e-6)


def test_latents_stay_as_long_as_they_are() -> None:
    codes = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))
    walker = Walker(measure=bent, axes=Directions(vectors=torch.eye(8), weights=torch.ones(8) / 8), on_sphere=True)
    (moved,) = walker.walk(walker.start(codes), [torch.tensor([0.5, 0.0])])
    assert torch.allclose(moved.norm(dim=1), codes.norm(dim=1), rtol=1e-5)
    assert torch.allclose(bent(moved) - bent(codes), torch.tensor([0.5, 0.0]).expand(6, 2), atol=0.05)


@pytest.fixture(scope="module")
def editor() -> SceneEditor:
    torch.manual_seed(0)
    return SceneEditor(CodeSpace(FastGAN(FastGANConfig(doublings=2, latent=24, width=4))))


@pytest.mark.parametrize("name", ["brighter", "warmer", "more-green"])
def test_a_control_moves_its_statistic_steadily_and_others_less(editor: SceneEditor, name: str) -> None:
    codes = editor.space.of([1, 2, 3])
    versions = editor.swept(codes, name, [-1, -0.5, 0, 0.5, 1])
    assert torch.equal(versions[2], codes)
    measured = np.array([list(editor.measure(version).values()) for version in versions])
    moved = np.abs(measured[-1] - measured[0]).mean(axis=1)
    own = [*STATISTICS].index(find_control(name)[0].statistic)
    assert (np.diff(measured[:, own], axis=0) > 0).all()
    assert moved[own] > 1.2 and np.delete(moved, own).mean() < 0.3 * moved[own]


def test_a_scene_is_edited_the_same_alone_and_among_others(editor: SceneEditor) -> None:
    codes = editor.space.of([1, 2])
    wish = {"darker": 0.5, "sefa:1": 1.0}
    together, alone = editor.edited(codes, wish), editor.edited(codes[1:], wish)
    assert torch.allclose(together[1:], alone, atol=1e-2)
    assert torch.allclose(editor.edited(codes, {"pca:2": -2.0}) - codes, -2 * editor.direction("pca:2"), atol=1e-6)


def test_layers_of_a_style_based_generator_are_changed_alone() -> None:
    torch.manual_seed(0)
    network = StyleGAN2(StyleGAN2Config(latent=8, style=8, width=4, doublings=2, mapping_layers=2))
    editor = SceneEditor(CodeSpace(network), layers=[2, 3])
    codes = editor.space.of([1])
    change = editor.edited(codes, {"brighter": 0.5, "sefa:0": 0.5}) - codes
    assert change[:, 2:4].abs().max() > 0
    assert not change[:, :2].any() and not change[:, 4:].any()


@pytest.mark.parametrize(
    ("strengths", "says"),
    [
        ({"brigter": 1.0}, "did you mean 'brighter'"),
        ({"brighter": 1.0, "darker": 1.0}, "one control"),
        ({"brighter": 7.0}, "-6 to 6"),
        ({"brighter": float("nan")}, "-6 to 6"),
        ({"sefa:24": 1.0}, "sefa:0 to 23"),
        ({"ica:0": 1.0}, "no direction"),
    ],
)
def test_impossible_wishes_are_refused_before_the_first_scene(
    editor: SceneEditor, strengths: dict[str, float], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        editor.edit([1], strengths)


def test_every_control_has_two_names_and_a_statistic_of_its_own() -> None:
    assert {control.statistic for control in CONTROLS} == set(STATISTICS)
    assert find_control("Lower Horizon") == find_control("lower-horizon")
    wished, kept = wished_changes({"darker": 1, "more_sunset": 2})
    assert wished == {"brightness": -1, "sunset": 2}
    assert kept == STATISTICS.keys() - {"brightness", "sunset", "warmth", "color"}


def test_the_spread_is_measured_once_and_a_damaged_file_is_replaced(editor: SceneEditor, tmp_path: Path) -> None:
    first = known_spread(editor.space, tmp_path)
    (file,) = (tmp_path / "spreads").iterdir()
    kept = json.loads(file.read_text())
    file.write_text(json.dumps({**kept, "means": [1.0] * len(STATISTICS)}))
    assert known_spread(editor.space, tmp_path).means == (1.0,) * len(STATISTICS)
    file.write_text(json.dumps({**kept, "deviations": [0.0] * len(STATISTICS)}))
    assert known_spread(editor.space, tmp_path) == first
    assert json.loads(file.read_text()) == kept
