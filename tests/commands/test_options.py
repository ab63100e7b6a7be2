"""How shared options and photo arguments are read."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shanshui.commands.options import available_devices, parse_size, require_positive, resolve_device
from shanshui.commands.photos import photos_in, plan_outputs
from shanshui.errors import ConfigError, DataError


def photo_at(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((20, 24, 3), np.uint8)).save(path)
    return path


def test_a_size_is_width_times_height() -> None:
    assert parse_size("640x480") == (480, 640)
    assert parse_size(" 256X128 ") == (128, 256)
    assert parse_size("64") == (64, 64)


@pytest.mark.parametrize("text", ["", "0x10", "10x00", "-1x5", "axb", "10x10x10", "1.5x2"])
def test_what_is_no_size_is_refused_by_name(text: str) -> None:
    with pytest.raises(ConfigError, match="--size"):
        parse_size(text)


def test_auto_takes_the_first_device_there_is() -> None:
    assert resolve_device("auto").type == available_devices()[0]
    assert resolve_device("cpu").type == "cpu"


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shanshui.commands.options.available_devices", lambda: ["cpu"])
    with pytest.raises(ConfigError, match="no cuda device"):
        resolve_device("cuda")


def test_the_refused_option_is_named_as_it_is_typed() -> None:
    with pytest.raises(ConfigError, match="--batch-size is 0"):
        require_positive(count=3, batch_size=0)


def test_a_folder_is_as_many_photos_as_it_holds(tmp_path: Path) -> None:
    for name in ("b.png", "a/c.jpg"):
        photo_at(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not a photo")
    photos = photos_in(tmp_path)
    assert [str(photo.name) for photo in photos] == ["a/c.jpg", "b.png"]
    assert photos[0].read().pixels.shape == (20, 24, 3)


def test_nothing_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        photos_in(tmp_path / "missing")


def test_results_lie_beside_each_other_under_new_names(tmp_path: Path) -> None:
    photos = [*photos_in(photo_at(tmp_path / "x.jpg")), *photos_in(photo_at(tmp_path / "y.gif"))]
    targets = plan_outputs(photos, "ink", tmp_path / "out")
    assert targets == [tmp_path / "out" / "x-ink.jpg", tmp_path / "out" / "y-ink.png"]
    assert plan_outputs(photos[:1], "ink", None) == [Path("x-ink.jpg")]
    assert plan_outputs(photos[:1], "ink", tmp_path / "one.webp") == [tmp_path / "one.webp"]


def test_a_folder_that_is_named_like_a_picture_stays_a_folder(tmp_path: Path) -> None:
    (tmp_path / "out.png").mkdir()
    photos = photos_in(photo_at(tmp_path / "x.jpg"))
    assert plan_outputs(photos, "ink", tmp_path / "out.png") == [tmp_path / "out.png" / "x-ink.jpg"]


def test_no_photo_is_ever_written_over(tmp_path: Path) -> None:
    photos = photos_in(photo_at(tmp_path / "x.jpg"))
    with pytest.raises(ConfigError, match="over a photo"):
        plan_outputs(photos, "ink", tmp_path / "x.jpg")


def test_two_results_never_share_a_file(tmp_path: Path) -> None:
    photos = [*photos_in(photo_at(tmp_path / "a" / "x.jpg")), *photos_in(photo_at(tmp_path / "b" / "x.jpg"))]
    with pytest.raises(ConfigError, match="another result"):
        plan_outputs(photos, "ink", tmp_path / "out")
    with pytest.raises(ConfigError, match="give a folder"):
        plan_outputs(photos, "ink", tmp_path / "one.png")
