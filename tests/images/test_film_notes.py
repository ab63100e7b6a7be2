"""Films say of their making what pictures say, in every container that can, and play as before."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shanshui.errors import ConfigError, ImageError
from shanshui.images import film_notes
from shanshui.images.credentials import Credentials, credentials_in, credentials_in_file
from shanshui.images.files import read_picture
from shanshui.images.film import write_film
from shanshui.images.film_notes import credentials_in_film, tags_of
from shanshui.images.footage.reel import Reel
from shanshui.images.footage.splice import splice
from shanshui.images.footage.takes import encoding_for, write_take
from shanshui.images.identity import self_made
from shanshui.images.provenance import FORMATS, Note, manifest_in

av = pytest.importorskip("av", reason="films need the extra `video`")
pytest.importorskip("c2pa", reason="manifests need the extra `provenance`")

MADE = Credentials(
    version="0.1.0",
    model="landscape",
    licence="research",
    making="trainedAlgorithmicMedia",
    settings={"scenes": ["1", "5"], "place": "山水"},
)


def note() -> Note:
    return Note(credentials=MADE, identity=self_made())


def frames(count: int = 6) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    return [np.full((32, 48, 3), 40 * number, np.uint8) for number in range(count)]


def shown(path: Path) -> list[float]:
    with av.open(str(path)) as film:
        return [float(frame.to_ndarray(format="rgb24").mean()) for frame in film.decode(video=0)]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_video_says_it_and_plays_as_without(suffix: str, tmp_path: Path) -> None:
    told, plain = tmp_path / f"told{suffix}", tmp_path / f"plain{suffix}"
    write_film(told, frames(), rate=12, note=note())
    write_film(plain, frames(), rate=12)
    assert credentials_in_film(told) == MADE.as_json()
    assert credentials_in_film(plain) is None
    assert shown(told) == shown(plain)
    manifest = manifest_in(told)
    if suffix not in FORMATS:
        assert manifest is None
    else:
        assert manifest is not None
        assert (manifest.intact, manifest.record) == (True, MADE.as_json())


def test_a_change_afterwards_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    write_film(path, frames(), rate=12, note=note())
    content = bytearray(path.read_bytes())
    content[content.index(b"mdat") + 60] ^= 1
    path.write_bytes(content)
    manifest = manifest_in(path)
    assert manifest is not None
    assert not manifest.intact


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_an_animated_picture_says_it_and_still_moves_for_ever(suffix: str, tmp_path: Path) -> None:
    path, plain = tmp_path / f"film{suffix}", tmp_path / f"plain{suffix}"
    write_film(path, frames(), rate=10, note=note())
    write_film(plain, frames(), rate=10)
    assert credentials_in_file(path) == MADE.as_json()
    manifest = manifest_in(path)
    assert manifest is not None
    assert (manifest.intact, manifest.record) == (True, MADE.as_json())
    with Image.open(path) as told, Image.open(plain) as untold:
        assert told.n_frames == untold.n_frames == 6  # type: ignore[attr-defined]
        assert told.info["loop"] == 0
        for number in range(6):
            told.seek(number)
            untold.seek(number)
            assert np.array_equal(np.asarray(told.convert("RGB")), np.asarray(untold.convert("RGB")))
            assert told.info["duration"] == untold.info["duration"]


def test_each_picture_of_a_folder_says_it(tmp_path: Path) -> None:
    write_film(tmp_path / "film", frames(2), rate=10, note=note())
    for path in sorted((tmp_path / "film").iterdir()):
        assert credentials_in(read_picture(path).metadata) == MADE.as_json()


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".flv", ".wmv", ".avi"])
def test_a_painted_film_says_it_beside_what_the_film_said(suffix: str, tmp_path: Path) -> None:
    source = tmp_path / "source.mkv"
    with av.open(str(source), "w") as film:
        film.metadata.update({"title": "A walk", "comment": "seen in May\n{not ours}"})
        stream = film.add_stream("libx264", rate=12, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for number, pixels in enumerate(frames()):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 12)
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    reel, out = Reel(source), tmp_path / f"out{suffix}"
    encoding = encoding_for(out, reel.traits)
    write_take(tmp_path / "take.nut", reel.frames(), reel.traits, encoding)
    splice(out, [tmp_path / "take.nut"], reel, encoding, note())
    assert credentials_in_film(out) == MADE.as_json()
    assert len(shown(out)) == 6
    with av.open(str(out)) as film:
        told = {name.lower(): text for name, text in film.metadata.items()}
    assert told["title"] == "A walk"
    assert told["comment"].splitlines()[:2] == ["seen in May", "{not ours}"]
    if suffix in FORMATS:
        manifest = manifest_in(out)
        assert manifest is not None
        assert manifest.intact


def test_a_film_made_anew_tells_its_last_making_only() -> None:
    once = tags_of(MADE, {"comment": "seen in May"})
    assert tags_of(MADE, once) == once


def test_films_of_others_and_damaged_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.mkv").write_bytes(b"no film")
    with pytest.raises(ImageError, match="cannot be read as a film"):
        credentials_in_film(tmp_path / "broken.mkv")
    (tmp_path / "empty.mp4").write_bytes(b"")
    with pytest.raises(ImageError, match="cannot be read"):
        credentials_in_film(tmp_path / "empty.mp4")

    def missing() -> None:
        raise ConfigError("Films need PyAV")

    monkeypatch.setattr(film_notes, "pyav", missing)
    with pytest.raises(ConfigError, match="PyAV"):
        credentials_in_film(tmp_path / "broken.mkv")
