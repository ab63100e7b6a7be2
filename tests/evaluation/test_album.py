"""Albums: small versions that look like the originals, in order, outside memory, and gone afterwards."""

import gc
import io
import tempfile
import tracemalloc
import weakref

import numpy as np
import pytest
from skimage import data

from shanshui.errors import ConfigError, ImageError, StorageError
from shanshui.evaluation.album import Album
from shanshui.images.resize import resize


def flat(level: int, height: int = 8, width: int = 8) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.full((height, width, 3), level, np.uint8)


def test_images_come_back_in_any_order_by_their_number() -> None:
    with Album() as album:
        assert len(album) == 0
        for level in range(0, 250, 10):
            album.add(flat(level))
        assert len(album) == 25
        for index in (7, 0, 24, 3):
            assert np.abs(album[index].astype(int) - 10 * index).max() <= 2
        album.add(flat(255))  # after reading elsewhere in the file
        assert album[25].min() >= 253 and album[-1].min() >= 253 and album[-26].max() <= 2
        assert len(list(album)) == 26
        for missing in (26, -27):
            with pytest.raises(IndexError, match="album of 26"):
                album[missing]


def test_a_large_photograph_becomes_small_and_stays_itself() -> None:
    photo = data.chelsea()  # 300 x 451
    with Album(longer_side=90) as album:
        album.add(photo)
        small = album[0]
    assert small.shape == (60, 90, 3) and small.dtype == np.uint8
    error = small.astype(float) - resize(photo, 60, 90)
    assert np.sqrt(np.mean(error**2)) < 8


def test_small_images_keep_their_size_and_long_ones_a_pixel() -> None:
    with Album(longer_side=20) as album:
        for shape in ((20, 7), (3, 20), (1, 1), (2, 4000), (4000, 2)):
            album.add(flat(100, *shape))
        assert [image.shape[:2] for image in album] == [(20, 7), (3, 20), (1, 1), (1, 20), (20, 1)]


def test_memory_does_not_grow_with_the_images() -> None:
    """Under 100 bytes each; the thumbnails themselves have more than 400."""
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    with Album() as album:
        album.add(image)
        tracemalloc.start()
        for _ in range(2000):
            album.add(image)
        grown, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert grown < 100 * 2000


def test_the_file_goes_when_the_album_goes() -> None:
    album = Album()
    album.add(flat(3))
    file = weakref.ref(album._file)
    stream = album._file
    del album
    gc.collect()
    assert stream.closed
    del stream
    gc.collect()
    assert file() is None


def test_a_closed_album_says_so() -> None:
    album = Album()
    album.add(flat(3))
    album.close()
    album.close()
    with pytest.raises(ValueError, match="closed"):
        album[0]
    with pytest.raises(ValueError, match="closed"):
        album.add(flat(3))


class FullDisk(io.BytesIO):
    def write(self, content: object) -> int:
        raise OSError(28, "No space left on device")


def test_a_full_disk_is_one_sentence_and_leaves_the_album_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    with Album() as album:
        album.add(flat(3))
        file = album._file
        monkeypatch.setattr(album, "_file", FullDisk())
        with pytest.raises(StorageError, match="No space left"):
            album.add(flat(200))
        monkeypatch.setattr(album, "_file", file)
        album.add(flat(100))
        assert len(album) == 2
        assert abs(int(album[1].mean()) - 100) <= 1


def test_no_place_for_temporary_files_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*, buffering: int) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(StorageError, match="Permission denied"):
        Album()


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(ConfigError, match="0 pixels"):
        Album(longer_side=0)
    with Album() as album:
        for wrong in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)):
            with pytest.raises(ImageError, match="HWC RGB uint8"):
                album.add(wrong)  # type: ignore[arg-type]
        with pytest.raises(ImageError, match=r"\(0, 4, 3\)"):
            album.add(np.zeros((0, 4, 3), np.uint8))
