"""`shanshui models` on models of one's own: checked, and carded from what their training kept."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from shanshui.checkpoints.cards import missing_in
from shanshui.checkpoints.weights import save_snapshot
from shanshui.cli import main
from shanshui.networks.composer import ComposerConfig
from shanshui.networks.generators.dcgan import DCGAN, DCGANConfig
from shanshui.networks.inpainter import Inpainter, InpainterConfig
from shanshui.networks.joint import JointConfig, JointPipeline
from shanshui.networks.stylizers.feedforward import FeedForwardConfig, FeedForwardStylizer
from shanshui.networks.stylizers.translators import ResNetTranslator, ResNetTranslatorConfig
from shanshui.training.run import RunFolder

PAINTER = FeedForwardConfig(styles=("ink",), width=4, blocks=1)
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "scenes": lambda: DCGAN(DCGANConfig(doublings=3, latent=4, width=2)),
    "painter": lambda: FeedForwardStylizer(PAINTER),
    "translator": lambda: ResNetTranslator(ResNetTranslatorConfig(width=4, blocks=2)),
    "composer": lambda: JointPipeline(
        JointConfig(stylizer=PAINTER, composer=ComposerConfig(width=4, widest=8, latent=4, style=4))
    ),
    "inpainter": lambda: Inpainter(InpainterConfig(width=8, widest=16, halvings=1, dilations=(1, 2), latent=4)),
}
CARD = {"licence": "CC0", "data": "mine", "recipe": "tiny", "task": "scene"}


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_model_of_ones_own_is_tried_out(kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    save_snapshot(tmp_path / "mine.safetensors", NETWORKS[kind](), CARD)
    assert main(["models", str(tmp_path / "mine.safetensors"), "--verify"]) == 0
    assert "is in order." in capfd.readouterr().out


def test_a_network_that_makes_nothing_is_found_out(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    network = NETWORKS["scenes"]()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    save_snapshot(tmp_path / "mine.safetensors", network, {**CARD, "licence": "unknown"})
    assert main(["models", str(tmp_path / "mine.safetensors"), "--verify", "--json"]) == 2
    (wrong,) = json.loads(capfd.readouterr().out)["wrong"].values()
    assert len(wrong) == 2
    assert "does not tell its licence" in wrong[0]
    assert "all of its picture is one colour" in wrong[1]


def test_a_card_is_written_from_the_snapshot_and_ones_notes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "mine.safetensors"
    save_snapshot(model, NETWORKS["scenes"](), {**CARD, "images_seen": 7})
    RunFolder(tmp_path).save_spent([{"hardware": "1 thread of A Processor", "watts": 10.0, "hours": 2.0}])
    (tmp_path / "notes.md").write_text("## Known failures\n\nSkies are flat.\n")
    flags = ["--write-card", str(tmp_path / "mine.md"), "--notes", str(tmp_path / "notes.md")]
    assert main(["models", str(model), *flags]) == 0
    card = (tmp_path / "mine.md").read_text()
    assert card.startswith("# mine\n") and missing_in(card) == []
    assert "Skies are flat." in card and "about 0.02 kWh" in card
    capfd.readouterr()
    assert main(["models", str(model)]) == 0  # the card beside the file is what is shown
    assert "Skies are flat." in capfd.readouterr().out
    assert main(["models", "--write-card", str(tmp_path / "mine.md")]) == 2
    assert "need a model" in capfd.readouterr().err
    assert main(["models", str(model), "--write-card", str(tmp_path / "x.md"), "--notes", "nowhere.md"]) == 2
    assert "nowhere.md cannot be read" in capfd.readouterr().err


def test_a_training_keeps_what_its_card_needs(tmp_path: Path, capfd: pytest.CaptureFixture[str], photo: Path) -> None:
    (tmp_path / "photos").mkdir()
    photo.rename(tmp_path / "photos" / "photo.png")
    command = ["train", "scene", "--recipe", "landscape-64", "--data", str(tmp_path / "photos"), "--licence", "CC0"]
    command += ["--run", str(tmp_path / "run"), "--size", "32", "--generator.width", "4"]
    command += ["--batch-size", "2", "--workers", "1", "--precision", "32-true"]
    assert main([*command, "--images", "2", "--watts", "77"]) == 0
    assert main([*command, "--images", "4", "--watts", "77", "--resume"]) == 0
    newest = max((tmp_path / "run" / "checkpoints").glob("*.safetensors"))
    assert main(["models", str(newest), "--write-card", str(tmp_path / "card.md")]) == 0
    card = (tmp_path / "card.md").read_text()
    assert missing_in(card) == []
    assert "1 thread of" in card and "at 77 W" in card
    capfd.readouterr()
    assert main([*command, "--images", "6", "--resume", "--watts", "0"]) == 2
    assert "--watts is 0" in capfd.readouterr().err
