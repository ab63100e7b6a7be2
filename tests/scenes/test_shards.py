"""Shards: what `prepare` packs, WebDataset reads and every loop learns from, here or in a store."""

import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
import torch

from shanshui.errors import ConfigError, DataError, ImageError
from shanshui.events import Event, Progress
from shanshui.scenes.base import Source
from shanshui.scenes.batches import batches
from shanshui.scenes.dataset import SceneDataset
from shanshui.scenes.prepare import prepare
from shanshui.scenes.shards import INDEX, ShardSource, url_of
from shanshui.scenes.sources import open_source

Folder = Callable[[Mapping[str, bytes]], Path]
Photo = Callable[..., bytes]

SIDE = 32


@pytest.fixture
def source(folder: Folder, photo: Photo) -> Source:
    return open_source(folder({f"{index}.png": photo(index, 40, 40) for index in range(7)}))


@pytest.fixture
def packed(source: Source, tmp_path: Path) -> Path:
    """Seven images in three shards."""
    prepare(source, tmp_path / "packed", size=SIDE, shard_images=3)
    return tmp_path / "packed"


@pytest.fixture
def store(packed: Path) -> Iterator[str]:
    """The same in an object store."""
    memory = fsspec.filesystem("memory")
    for path in packed.iterdir():
        memory.pipe_file(f"/bucket/set/{path.name}", path.read_bytes())
    yield "memory://bucket/set"
    memory.rm("/bucket", recursive=True)


def test_they_are_what_webdataset_reads(packed: Path) -> None:
    iterators = pytest.importorskip("webdataset.tariterators")
    assert sorted(path.name for path in packed.iterdir()) == [
        *("000000.tar", "000001.tar", "000002.tar", "manifest.jsonl", INDEX, "skipped.jsonl")
    ]
    ours = open_source(packed)
    theirs = {}
    for path in packed.glob("*.tar"):
        with path.open("rb") as file:
            theirs.update({member["fname"]: member["data"] for member in iterators.tar_file_iterator(file)})
    assert {name for name in theirs if name.endswith(".jpg")} == set(ours.names)
    for name in ours.names:
        assert theirs[name] == ours.read(name)
        assert f'"file": "images/{name}"'.encode() in theirs[name.replace(".jpg", ".json")]


def test_a_training_sees_what_it_sees_in_one_archive(source: Source, packed: Path, tmp_path: Path) -> None:
    prepare(source, tmp_path / "one.zip", size=SIDE)
    one, many = (SceneDataset(open_source(place), SIDE, SIDE) for place in (tmp_path / "one.zip", packed))
    assert all(np.array_equal(one.item(3, position), many.item(3, position)) for position in range(21))


@pytest.mark.parametrize("place", ["packed", "store"])
def test_each_image_once_an_epoch_also_when_it_goes_on_inside_a_shard(
    place: str, request: pytest.FixtureRequest
) -> None:
    source = open_source(request.getfixturevalue(place))
    dataset = SceneDataset(source, SIDE, SIDE, flip=False, min_scale=1.0)
    stills = [dataset.still(index).tobytes() for index in range(7)]
    with batches(dataset, batch_size=1, seed=5) as whole, batches(dataset, batch_size=1, seed=5, start=4) as resumed:
        seen = [next(whole) for _ in range(14)]
        assert all(torch.equal(image, next(resumed)) for image in seen[4:])
    for epoch in (0, 7):
        told = [dataset.item(5, position).tobytes() for position in range(epoch, epoch + 7)]
        assert sorted(told) == sorted(stills)


def test_a_store_is_a_data_set_like_any_other(store: str, packed: Path) -> None:
    assert open_source(store).digest == open_source(Path(store)).digest == open_source(packed).digest
    assert open_source(store).title == "set"
    assert url_of("s3:/bucket/set") == "s3://bucket/set" == url_of(Path("s3://bucket/set"))
    assert url_of("C:/photos") is None and url_of("/data/photos") is None and url_of("photos") is None


def test_a_busy_store_is_asked_again(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("shanshui.scenes.shards.time.sleep", slept.append)
    source = open_source(store)
    files, failures = source._files, iter(range(2))  # type: ignore[attr-defined]

    class Busy:
        def cat_file(self, *arguments: Any, **rest: Any) -> Any:
            if next(failures, None) is not None:
                raise TimeoutError("try later")
            return files.cat_file(*arguments, **rest)

    monkeypatch.setattr(source, "_files", Busy())
    assert source.read(source.names[0]) and len(slept) == 2
    failures = iter(range(100))
    with pytest.raises(DataError, match="try later"):
        source.read(source.names[0])


def test_faults_are_told_apart(packed: Path, tmp_path: Path) -> None:
    source = open_source(packed)
    assert isinstance(source, ShardSource) and list(source.shards) == ["000000.tar", "000001.tar", "000002.tar"]
    shard = packed / "000000.tar"
    whole = shard.read_bytes()
    damaged = bytearray(whole)
    damaged[700] ^= 1
    shard.write_bytes(damaged)
    harmed = []
    for name in source.names:
        try:
            source.read(name)
        except ImageError:
            harmed.append(name)
    assert len(harmed) == 1, "one image among many can be done without"
    shard.unlink()
    with pytest.raises(DataError, match="does not exist"):
        [source.read(name) for name in source.names]
    (packed / INDEX).write_text('{"shard": "000000.tar", "names": ["a.jpg"]}\n')
    with pytest.raises(DataError, match="prepare the shards again"):
        open_source(packed)
    with pytest.raises(DataError, match="nowhere"):
        open_source("nowhere://bucket/set")
    with pytest.raises(DataError, match="does not exist"):
        open_source("memory://bucket/nothing")


def test_it_is_a_data_set_only_when_all_is_written(source: Source, packed: Path, tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Progress) and event.done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(source, tmp_path / "half", size=SIDE, shard_images=3, emit=stop)
    with pytest.raises(DataError, match="no images"):
        open_source(tmp_path / "half")
    prepare(source, tmp_path / "half", size=SIDE, shard_images=3)
    assert {path.name: path.read_bytes() for path in packed.iterdir()} == {
        path.name: path.read_bytes() for path in (tmp_path / "half").iterdir()
    }
    with pytest.raises(ConfigError, match="holds shards already"):
        prepare(source, packed, size=SIDE, shard_images=3)
    with pytest.raises(ConfigError, match="at least 1 image"):
        prepare(source, tmp_path / "none", size=SIDE, shard_images=0)


def test_a_shard_is_a_tar_that_any_program_reads(packed: Path) -> None:
    import tarfile

    with tarfile.open(fileobj=io.BytesIO((packed / "000002.tar").read_bytes())) as tar:
        assert [Path(member.name).suffix for member in tar] == [".jpg", ".json"]
