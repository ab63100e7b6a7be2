"""The scene learner: both players move, the average follows, and killing it changes nothing."""

import os
import signal
import subprocess
import sys
import time
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from torch.nn import functional

from shanshui.checkpoints.weights import load_snapshot
from shanshui.checkpoints.zoo import resolve
from shanshui.errors import ConfigError, ModelError
from shanshui.networks.discriminators.projected import ProjectedConfig
from shanshui.networks.generators.fastgan import FastGAN, FastGANConfig
from shanshui.training.learners.scene import SceneLearner
from shanshui.training.learners.strategy import SceneConfig, fitted

TINY = SceneConfig(
    generator=FastGANConfig(doublings=3, latent=8, width=2),
    discriminator=ProjectedConfig(height=32, width=32),
    game="hinge",
)


def learner(config: SceneConfig = TINY, *, height: int = 32, width: int = 32) -> SceneLearner:
    return SceneLearner(fitted(config, height, width), seed=0, fabric=Fabric(accelerator="cpu", devices=1))


def batch() -> torch.Tensor:
    return torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_a_step_moves_both_players_and_names_its_terms() -> None:
    one = learner()
    before = {name: tensor.clone() for name, tensor in flat(one).items()}
    terms = one.step(batch(), 0)
    assert set(terms) == {"discriminator.hinge", "generator.hinge", "logits.real", "logits.fake"}
    assert all(term.ndim == 0 and not term.requires_grad for term in terms.values())
    after = flat(one)
    for player in ("generator", "discriminator"):
        weights = [name for name in after if name.startswith(player) and name.endswith("weight")]
        assert weights and all(not torch.equal(before[name], after[name]) for name in weights)


def test_the_first_average_is_the_generator_itself() -> None:
    one = learner()
    one.step(batch(), 0)
    state = one.state_dict()
    for name, value in state["generator"]["network"].items():
        assert torch.equal(state["average"][name], value)


def test_a_step_is_a_function_of_state_batch_and_images_seen() -> None:
    first, second = learner(), learner()
    first.step(batch(), 0)
    torch.manual_seed(123)
    second.load_state_dict(deepcopy(first.state_dict()))
    first_terms, second_terms = first.step(batch(), 4), second.step(batch(), 4)
    assert all(torch.equal(first_terms[name], second_terms[name]) for name in first_terms)
    assert not torch.equal(second.step(batch(), 8)["logits.fake"], learner().step(batch(), 0)["logits.fake"])


def test_the_snapshot_makes_the_scenes_that_the_samples_show() -> None:
    one = learner()
    one.step(batch(), 0)
    snapshot = one.snapshot()
    assert isinstance(snapshot, FastGAN) and not snapshot.config.spectral_norm
    latents = torch.randn(2, 8, 1, 1)
    assert torch.allclose(snapshot(latents), one._average(latents), atol=1e-5)
    assert len(one.samples()) == 64 and len(list(one.draw(5))) == 5


def test_a_training_begins_with_a_model_that_is_grown_to_the_size() -> None:
    known, _ = load_snapshot(resolve("landscape"))
    assert isinstance(known, FastGAN)
    height, width = (2 * side for side in known.size)
    begun, fresh = (
        learner(replace(SceneConfig(), begin_with=name), height=height, width=width) for name in ("landscape", None)
    )
    latents = known.draw_latents(4, torch.Generator().manual_seed(0))
    with torch.inference_mode():
        small = known(latents)
        likeness = [
            torch.corrcoef(
                torch.stack([small.flatten(), functional.avg_pool2d(each.snapshot()(latents), 2).flatten()])
            )[0, 1]
            for each in (begun, fresh)
        ]
    assert likeness[0] > 0.95 and abs(likeness[1]) < 0.5


def test_what_makes_no_scenes_is_nothing_to_begin_with() -> None:
    with pytest.raises(ModelError, match="painter makes no scenes"):
        learner(replace(TINY, begin_with="painter"))


def test_wide_scenes_are_learned_too_and_impossible_sizes_refused() -> None:
    one = learner(height=32, width=64)
    one.step(torch.zeros(2, 3, 32, 64), 0)
    assert one.samples()[0].shape == (32, 64, 3)
    with pytest.raises(ConfigError, match="32x30"):
        learner(height=30, width=32)


def test_an_unknown_game_is_refused() -> None:
    with pytest.raises(ConfigError, match="chess"):
        SceneConfig(game="chess")


STYLEGAN2: tuple[str, ...] = ("--augmentation", "ada", "--adaptation.target", "-0.9", "--adaptation.every", "8")
STYLEGAN2 += ("--adaptation.adjustment-images", "100", "--penalties.path-length-every", "2")
STYLEGAN2 += ("--generator.style", "4", "--generator.latent", "4", "--discriminator.channels", "2")


@pytest.mark.timeout(400)  # it starts three programs
@pytest.mark.parametrize(("recipe", "options"), [("landscape-64", ()), ("stylegan2-64", STYLEGAN2)])
def test_a_run_killed_and_resumed_equals_an_uninterrupted_one_bit_for_bit(
    recipe: str, options: tuple[str, ...], photos: Path, tmp_path: Path
) -> None:
    command = [
        *(sys.executable, "-m", "shanshui", "train", "scene", "--recipe", recipe, "--data", str(photos)),
        *("--images", "80", "--batch-size", "4", "--size", "32", "--checkpoint-every", "12", "--workers", "1"),
        *("--generator.width", "2", "--device", "cpu", *options),
    ]
    subprocess.run([*command, "--run", str(tmp_path / "whole")], check=True, capture_output=True)

    killed = tmp_path / "killed"
    process = subprocess.Popen([*command, "--run", str(killed)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not list(killed.glob("checkpoints/*.state")):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it finished before it could be killed"
    subprocess.run([*command, "--run", str(killed), "--resume"], check=True, capture_output=True)

    for name in ("0000000080.state", "0000000080.safetensors"):
        assert (killed / "checkpoints" / name).read_bytes() == (tmp_path / "whole/checkpoints" / name).read_bytes()


def flat(one: SceneLearner) -> dict[str, torch.Tensor]:
    state = one.state_dict()
    return {
        f"{player}.{name}": tensor
        for player in ("generator", "discriminator")
        for name, tensor in state[player]["network"].items()
    }


def test_asking_the_discriminator_for_its_opinion_changes_nothing() -> None:
    one = learner()
    one.step(batch(), 0)
    before = {name: tensor.clone() for name, tensor in flat(one).items()}
    logits = one.opinion(batch())
    assert logits is not None and logits.shape == (4,) and not logits.requires_grad
    assert all(torch.equal(tensor, before[name]) for name, tensor in flat(one).items())
    alone = torch.cat([answer for image in batch().split(1) if (answer := one.opinion(image)) is not None])
    torch.testing.assert_close(alone, logits, msg="each image is judged by itself")
