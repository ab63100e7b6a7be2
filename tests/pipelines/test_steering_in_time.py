"""Codes of scenes, films through them, mixtures of styles, and photos found again."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from shanshui.errors import ConfigError, ModelError
from shanshui.events import Event, Progress
from shanshui.networks.generators.fastgan import FastGAN, FastGANConfig
from shanshui.networks.generators.stylegan2 import StyleGAN2, StyleGAN2Config
from shanshui.pipelines.codes import CodeSpace, Scene, parse_scene
from shanshui.pipelines.generate import SceneGenerator
from shanshui.pipelines.interpolate import Interpolator
from shanshui.pipelines.mix import StyleMixer
from shanshui.pipelines.project import Measure, Projector, Search


@pytest.fixture(scope="module")
def latents() -> CodeSpace:
    torch.manual_seed(0)
    return CodeSpace(FastGAN(FastGANConfig(doublings=2, latent=8, width=8)))


@pytest.fixture(scope="module")
def styles() -> CodeSpace:
    torch.manual_seed(0)
    config = StyleGAN2Config(doublings=2, latent=8, width=4, widest=8, style=8, mapping_layers=2)
    return CodeSpace(StyleGAN2(config))


@pytest.fixture(params=["latents", "styles"])
def space(request: pytest.FixtureRequest) -> CodeSpace:
    chosen: CodeSpace = request.getfixturevalue(request.param)
    return chosen


def same(first: Image.Image, second: Image.Image) -> bool:
    return int(np.abs(np.asarray(first, np.int16) - np.asarray(second, np.int16)).max()) <= 1


# --- codes


def test_the_scene_of_a_seed_is_the_one_that_generate_makes(space: CodeSpace) -> None:
    generator = SceneGenerator(space.network)
    expected = [next(iter(generator.generate(1, 5))), list(generator.generate(4, 7))[3]]
    assert all(map(same, space.pictures(space.of([5, (7, 3)])), expected))


def test_truncation_is_that_of_generate(space: CodeSpace) -> None:
    (expected,) = SceneGenerator(space.network).generate(1, 5, truncation=0.4)
    assert same(next(space.pictures(space.of([5], truncation=0.4))), expected)


def test_a_code_comes_back_from_its_file_as_it_was(space: CodeSpace, tmp_path: Path) -> None:
    path = tmp_path / "code.safetensors"
    code = space.of([3])
    space.write(path, code)
    assert torch.equal(space.read(path), code)
    assert torch.equal(space.of([1, path])[1:], code)
    assert path.read_bytes()[8:9] == b"{"  # safetensors begin with their header; nothing is pickled


def test_a_code_of_another_generator_is_refused(latents: CodeSpace, styles: CodeSpace, tmp_path: Path) -> None:
    styles.write(tmp_path / "code.safetensors", styles.of([3]))
    with pytest.raises(ModelError, match="another generator"):
        latents.read(tmp_path / "code.safetensors")


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04", b"\x08\0\0\0\0\0\0\0{}      "])
def test_what_is_no_code_is_refused(latents: CodeSpace, content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "code.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match="no code"):
        latents.read(path)


def test_codes_of_classes_belong_to_their_class(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = FastGAN(FastGANConfig(doublings=1, latent=4, width=4, labels=2))
    first, second = CodeSpace(network), CodeSpace(network, label=1)
    (expected,) = SceneGenerator(network).generate(1, 5, label=1)
    assert same(next(second.pictures(second.of([5]))), expected)
    second.write(tmp_path / "code.safetensors", second.of([5]))
    with pytest.raises(ConfigError, match="class 1"):
        first.read(tmp_path / "code.safetensors")
    with pytest.raises(ConfigError, match="no class 2"):
        CodeSpace(network, label=2)


@pytest.mark.parametrize(("text", "scene"), [("7", 7), (" 7:3", (7, 3)), ("a/b.safetensors", Path("a/b.safetensors"))])
def test_scenes_are_named_in_words(text: str, scene: Scene) -> None:
    assert parse_scene(text) == scene


@pytest.mark.parametrize("text", ["", "x", "-1", "1:2:3", "1:", "1.5", "²"])
def test_what_names_no_scene_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_scene(text)


@pytest.mark.parametrize("wrong", [{"scenes": []}, {"scenes": [-1]}, {"scenes": [(1, -1)]}, {"truncation": 1.5}])
def test_impossible_scenes_are_refused(latents: CodeSpace, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        latents.of(**{"scenes": [1], **wrong})


# --- films


def test_a_film_begins_and_ends_with_the_scenes_that_were_named(space: CodeSpace) -> None:
    interpolator = Interpolator(space)
    frames = list(interpolator.frames(interpolator.journey([1, 5, 9]), 11))
    first, last = space.pictures(space.of([1, 9]))
    assert len(frames) == 11 and same(frames[0], first) and same(frames[-1], last)


def test_frames_are_computed_as_they_are_asked_for(latents: CodeSpace, monkeypatch: pytest.MonkeyPatch) -> None:
    interpolator = Interpolator(latents)
    frames = interpolator.frames(interpolator.loop([1, 5, 9]), 10_000)
    rendered: list[int] = []
    render = latents.render

    def counted(codes: Tensor) -> Tensor:
        rendered.append(len(codes))
        return render(codes)

    monkeypatch.setattr(latents, "render", counted)
    next(frames)
    assert sum(rendered) < 100


def changes(frames: list[Image.Image]) -> np.ndarray[Any, Any]:
    """Root mean squares of the changes between frames, the last of which is that from the last to the first."""
    pixels = np.stack([np.asarray(frame, np.float64) for frame in [*frames, frames[0]]])
    moved: np.ndarray[Any, Any] = np.sqrt(np.square(np.diff(pixels, axis=0)).mean((1, 2, 3)))
    return moved


def test_a_loop_closes_in_what_is_seen(space: CodeSpace) -> None:
    interpolator = Interpolator(space)
    moved = changes(list(interpolator.frames(interpolator.loop([1, 5, 9]), 60)))
    assert moved[-1] <= 1.1 * moved[:-1].max() and moved[-1] >= 0.9 * moved[:-1].min()


def test_steadied_frames_change_evenly(latents: CodeSpace) -> None:
    interpolator = Interpolator(latents)
    loop = interpolator.loop([1, 5, 9])
    before, after = (
        changes(list(interpolator.frames(way, 40))) for way in (loop, interpolator.steadied(loop, samples=160))
    )
    assert after.std() / after.mean() < 0.5 * before.std() / before.mean()


# --- mixtures


def test_mixtures_with_all_or_no_coarse_layers_are_the_scenes_themselves(styles: CodeSpace) -> None:
    mixer = StyleMixer(styles)
    coarse, fine = [1, 2], [3, 4, 5]
    first, last = (list(styles.pictures(styles.of(scenes))) for scenes in (coarse, fine))
    of_coarse, of_fine = (list(mixer.mixtures(coarse, fine, layer=layer)) for layer in (mixer.layers, 0))
    assert all(same(of_coarse[3 * row + column], first[row]) for row in range(2) for column in range(3))
    assert all(same(of_fine[3 * row + column], last[column]) for row in range(2) for column in range(3))
    half = list(mixer.mixtures(coarse, fine))
    assert not any(same(half[3 * row + column], first[row]) for row in range(2) for column in range(3))


@pytest.mark.parametrize("layer", [-1, 7])
def test_layers_that_do_not_exist_are_refused(styles: CodeSpace, layer: int) -> None:
    with pytest.raises(ConfigError, match="6 layers"):
        StyleMixer(styles).mixtures([1], [2], layer=layer)


def test_a_generator_without_styles_cannot_mix_them(latents: CodeSpace) -> None:
    with pytest.raises(ConfigError, match=r"FastGAN .* stylegan or stylegan2"):
        StyleMixer(latents)


# --- photos


def pixelwise() -> Measure:
    """Mean absolute difference: a distance that needs no weights."""
    return lambda photo: lambda scenes: (scenes - photo).abs().mean((1, 2, 3))


def photo_of(space: CodeSpace, seed: int) -> Image.Image:
    return next(space.pictures(space.of([seed])))


# The distances between scenes of an untrained network are small: beside them a norm weighs less, too.
SEARCH = Search(rounds=50, random=20, norm=0.001)


def test_a_scene_of_the_generator_is_found_again(space: CodeSpace) -> None:
    found = Projector(space, measure=pixelwise())(photo_of(space, 99), search=SEARCH)
    assert found.distance < 0.5 * found.random_distances[0]
    assert found.closer_than == 1
    assert "closer to the photo than 100% of 20 random scenes" in found.verdict
    assert found.code.shape == space.of([1]).shape
    assert same(next(space.pictures(found.code)), Image.fromarray(found.scene))


def test_the_search_is_a_function_of_its_seed(space: CodeSpace) -> None:
    project, photo, search = Projector(space, measure=pixelwise()), photo_of(space, 99), Search(rounds=5, random=3)
    first, again, other = (project(photo, seed=seed, search=search).code for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_a_found_latent_is_about_as_long_as_those_that_are_drawn(latents: CodeSpace) -> None:
    """The target is white, which no scene is: without the prior the latent grows without bounds."""
    white = Image.new("RGB", (16, 16), "white")
    free, held = (
        Projector(latents, measure=pixelwise())(white, search=Search(rounds=40, random=5, norm=norm)).code.norm()
        for norm in (0.0, 100.0)
    )
    assert abs(held / 8**0.5 - 1) < 0.1 < abs(free / 8**0.5 - 1)


def test_a_photo_of_any_shape_is_cropped_to_that_of_the_scenes(latents: CodeSpace) -> None:
    pixels = np.random.default_rng(0).integers(0, 65535, (40, 90, 3), dtype=np.uint16)
    found = Projector(latents, measure=pixelwise())(pixels, search=Search(rounds=1, random=1))
    assert found.photo.shape == found.scene.shape == (16, 16, 3) and found.photo.dtype == np.uint8


def test_every_round_is_heard_of(latents: CodeSpace) -> None:
    heard: list[Event] = []
    Projector(latents, measure=pixelwise())(photo_of(latents, 1), search=Search(rounds=4, random=2), emit=heard.append)
    assert [event.done for event in heard if isinstance(event, Progress)] == [1, 2, 3, 4]


def test_rate_and_perturbation_follow_the_recipe() -> None:
    """Karras et al. 2020, appendix D, in shares of the rounds: 5 % up, 25 % down, noise until 75 %."""
    search = Search(rate=0.1, perturbation=0.05)
    assert [search.rate_at(share) for share in (0, 0.025, 0.05, 0.5, 0.75)] == pytest.approx([0, 0.05, 0.1, 0.1, 0.1])
    assert search.rate_at(0.875) == pytest.approx(0.05) and search.rate_at(1) == pytest.approx(0)
    assert [search.perturbation_at(share) for share in (0, 0.375, 0.75, 1)] == pytest.approx([0.05, 0.0125, 0, 0])


@pytest.mark.parametrize("wrong", [{"rounds": 0}, {"random": 0}])
def test_searches_that_find_nothing_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        Search(**wrong)
