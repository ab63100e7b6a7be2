"""The data set: pure functions of (seed, position), and no odd file ends a training."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from shanshui.errors import ConfigError, DataError
from shanshui.events import Event, Warned
from shanshui.images.files import Picture, read_picture, write_picture
from shanshui.images.resize import fit_crop
from shanshui.scenes.dataset import SceneDataset
from shanshui.scenes.sampler import index_at
from shanshui.scenes.sources import open_source

Folder = Callable[[Mapping[str, bytes]], Path]
Photo = Callable[..., bytes]


@pytest.fixture
def photos(folder: Folder, photo: Photo) -> Path:
    return folder({f"{index}.png": photo(20 * index, 40 + index, 60 - 3 * index) for index in range(5)})


def usable_stills(dataset: SceneDataset) -> list[NDArray[np.uint8]]:
    decoded = (dataset.usable_still(index) for index in range(len(dataset)))
    return [image for image in decoded if image is not None]


def test_items_have_one_size_and_do_not_depend_on_the_cache_or_on_order(photos: Path) -> None:
    def items(positions: list[int], cache_bytes: int) -> list[bytes]:
        dataset = SceneDataset(open_source(photos), 16, 24, min_scale=0.5, cache_bytes=cache_bytes)
        images = {position: dataset.item(7, position) for position in positions}
        assert all(image.shape == (16, 24, 3) and image.dtype == np.uint8 for image in images.values())
        return [images[position].tobytes() for position in sorted(images)]

    forwards = list(range(20))
    first = items(forwards, 2**30)
    assert items(forwards[::-1], 0) == first
    assert items(forwards, 3000) == first
    assert len(set(first)) > 15


def test_the_seed_changes_the_crops(photos: Path) -> None:
    dataset = SceneDataset(open_source(photos / "0.png"), 16, 16, min_scale=0.5)
    assert dataset.item(1, 0).tobytes() != dataset.item(2, 0).tobytes()


def test_without_randomness_left_an_item_is_the_still_of_its_index(folder: Folder, photo: Photo) -> None:
    root = folder({f"{index}.png": photo(index, 32, 32) for index in range(4)})
    dataset = SceneDataset(open_source(root), 16, 16, flip=False, min_scale=1.0)
    for position in range(8):
        np.testing.assert_array_equal(dataset.item(3, position), dataset.still(index_at(3, position, 4)))


def test_half_of_the_items_are_mirrored(folder: Folder, photo: Photo) -> None:
    dataset = SceneDataset(open_source(folder({"a.png": photo(1, 16, 16)})), 16, 16, min_scale=1.0)
    straight = dataset.still(0)
    mirrored = 0
    for position in range(60):
        item = dataset.item(0, position)
        is_straight = bool((item == straight).all())
        assert is_straight or (item == straight[:, ::-1]).all()
        mirrored += not is_straight
    assert 15 < mirrored < 45


@given(height=st.integers(1, 40), width=st.integers(1, 40), min_scale=st.floats(0.05, 1), position=st.integers(0, 50))
def test_any_size_can_be_cut_from_any_image(
    any_shapes: SceneDataset, height: int, width: int, min_scale: float, position: int
) -> None:
    dataset = SceneDataset(any_shapes.source, height, width, min_scale=min_scale)
    assert dataset.item(0, position).shape == (height, width, 3)


@pytest.fixture(scope="module")
def any_shapes(tmp_path_factory: pytest.TempPathFactory) -> SceneDataset:
    root = tmp_path_factory.mktemp("shapes")
    for width, height in ((16, 16), (97, 16), (17, 101), (64, 48)):
        Image.new("RGB", (width, height), (width, height, 0)).save(root / f"{width}x{height}.png")
    return SceneDataset(open_source(root), 16, 16)


def test_odd_files_are_replaced_by_the_next_good_one_and_reported_once(folder: Folder, photo: Photo) -> None:
    intact = photo(3, 40, 40, "JPEG")
    root = folder(
        {
            "a-good.jpg": intact,
            "b-cut.jpg": intact[: len(intact) // 2],
            "c-text.jpg": b"not an image at all",
            "d-tiny.png": photo(0, 1, 1),
            "e-good.jpg": photo(9, 40, 40, "JPEG"),
            "f-empty.png": b"",
        }
    )
    heard: list[Event] = []
    dataset = SceneDataset(open_source(root), 16, 16, flip=False, min_scale=1.0, emit=heard.append)
    for position in range(30):
        index = index_at(0, position, 6)
        replacement = {0: 0, 1: 4, 2: 4, 3: 4, 4: 4, 5: 0}[index]
        np.testing.assert_array_equal(dataset.item(0, position), dataset.still(replacement))
    messages = sorted(event.message for event in heard if isinstance(event, Warned))
    assert len(messages) == len(heard) == 4
    for message, name, reason in zip(
        messages,
        ("b-cut.jpg", "c-text.jpg", "d-tiny.png", "f-empty.png"),
        ("cut short", "not a picture", "below 16 pixels", "not a picture"),
        strict=True,
    ):
        assert message.startswith(name)
        assert reason in message
    assert len(usable_stills(dataset)) == 2


def test_nothing_usable_is_one_sentence(folder: Folder) -> None:
    dataset = SceneDataset(open_source(folder({"a.jpg": b"text", "b.jpg": b"more text"})), 16, 16)
    with pytest.raises(DataError, match="no usable image among 2"):
        dataset.item(0, 0)
    with pytest.raises(DataError, match="no usable image among 2"):
        dataset.still(1)
    assert not usable_stills(dataset)


def test_stills_are_the_centre_of_every_image(photos: Path) -> None:
    dataset = SceneDataset(open_source(photos), 40, 40, min_scale=1.0)
    stills = usable_stills(dataset)
    assert len(stills) == len(dataset) == 5
    np.testing.assert_array_equal(stills[0], fit_crop(read_picture(photos / "0.png").pixels, 40, 40))


def test_grey_deep_and_transparent_files_are_training_images_too(folder: Folder, photo: Photo) -> None:
    root = folder({"a.png": photo(0)})
    write_picture(root / "b.png", np.full((20, 20), 65535, np.uint16))
    write_picture(root / "c.png", Picture(np.zeros((20, 20, 3), np.uint8), np.zeros((20, 20), np.uint8)))
    dataset = SceneDataset(open_source(root), 16, 16)
    assert (dataset.still(1) == 255).all()
    assert (dataset.still(2) == 255).all()


@pytest.mark.parametrize(("height", "width", "min_scale"), [(0, 8, 0.5), (8, -1, 0.5), (8, 8, 0.0), (8, 8, 1.1)])
def test_impossible_sizes_and_scales_are_refused(photos: Path, height: int, width: int, min_scale: float) -> None:
    with pytest.raises(ConfigError):
        SceneDataset(open_source(photos), height, width, min_scale=min_scale)


def test_folders_are_labels(folder: Folder, photo: Photo) -> None:
    names = ["b/1.png", "a/1.png", "a/2.png", "c/1.png"]
    root = folder({name: photo(30 * index, 40, 40) for index, name in enumerate(names)} | {"b/0.png": b"no image"})
    dataset = SceneDataset(open_source(root), 16, 16, min_scale=1.0, flip=False)
    assert dataset.classes == ("a", "b", "c")
    for position in range(20):
        shown = dataset.item(3, position)
        same = [
            i
            for i, name in enumerate(dataset.source.names)
            if name != "b/0.png" and np.array_equal(dataset.still(i), shown)
        ]
        assert dataset.classes[dataset.label(3, position)] == dataset.source.names[same[0]].split("/")[0]


def test_images_without_a_folder_have_no_label(photos: Path) -> None:
    with pytest.raises(DataError, match="lies in no folder"):
        _ = SceneDataset(open_source(photos), 16, 16).classes
