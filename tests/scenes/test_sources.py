"""Sources: folders, archives and single files list the same images and give the same bytes."""

import io
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shanshui.errors import DataError, ImageError
from shanshui.scenes.sources import open_source

Folder = Callable[[Mapping[str, bytes]], Path]

IMAGES = {"b.JPG": b"bbbb", "a/山 水.png": b"aaa", "a/deep/er/c.webp": b"cc" * 5000}
ODD = {
    "notes.txt": b"x",
    "a/Thumbs.db": b"x",
    ".hidden.jpg": b"x",
    "__MACOSX/a/._c.jpg": b"x",
    ".cache/d.jpg": b"x",
    "noending": b"x",
}
FILES = {**ODD, **IMAGES}


def packed(path: Path, files: Mapping[str, bytes], *, prefix: str = "") -> Path:
    """An archive of the kind that the ending of `path` names."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(prefix + name, content)
        return path
    mode = {".tar": "w", ".gz": "w:gz", ".tgz": "w:gz", ".bz2": "w:bz2", ".xz": "w:xz"}[path.suffix]
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


ARCHIVES = ["x.zip", "x.tar", "x.tar.gz", "x.tgz", "x.tar.bz2", "x.tar.xz"]


def test_a_folder_lists_its_images_and_passes_over_the_rest(folder: Folder) -> None:
    source = open_source(folder(FILES))
    assert source.names == ("a/deep/er/c.webp", "a/山 水.png", "b.JPG")
    assert source.passed_over == ("a/Thumbs.db", "noending", "notes.txt")
    assert source.title == "photos"
    assert len(source) == 3


@pytest.mark.parametrize("name", ARCHIVES)
@pytest.mark.parametrize(
    ("prefix", "inside"), [("", ""), ("./", ""), ("top/train/", "top/train"), ("train/", "train/")]
)
def test_an_archive_is_the_same_source_as_its_folder(
    folder: Folder, tmp_path: Path, name: str, prefix: str, inside: str
) -> None:
    plain = open_source(folder(FILES))
    others = {} if not inside else {"heldout/z.jpg": b"z"}
    archive = packed(tmp_path / name, {**{prefix + key: value for key, value in FILES.items()}, **others})
    source = open_source(archive / inside)
    assert source.names == plain.names
    assert source.passed_over == plain.passed_over
    assert {name: source.read(name) for name in source.names} == IMAGES
    assert source.title == (name if not inside else f"{name}/{inside.rstrip('/')}")


@pytest.mark.parametrize("name", ARCHIVES)
def test_one_image_is_a_source(folder: Folder, tmp_path: Path, name: str) -> None:
    root = folder(IMAGES)
    archive = packed(tmp_path / name, IMAGES)
    for path in (root / "b.JPG", archive / "b.JPG"):
        source = open_source(path)
        assert source.names == ("b.JPG",)
        assert source.read("b.JPG") == b"bbbb"


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tar.gz"])
def test_many_threads_read_what_one_reads(tmp_path: Path, name: str) -> None:
    files = {f"{index:03}.jpg": bytes([index]) * (1000 + 37 * index) for index in range(100)}
    source = open_source(packed(tmp_path / name, files))
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(source.read, source.names * 5))
    assert read == [files[name] for name in source.names] * 5


@pytest.mark.parametrize("name", ["", "x.zip", "x.tar", "x.tar.gz"])
def test_the_digest_follows_the_content_and_nothing_else(folder: Folder, tmp_path: Path, name: str) -> None:
    def digest(files: Mapping[str, bytes], place: str) -> str:
        (tmp_path / place).mkdir()
        if name:
            return open_source(packed(tmp_path / place / name, files)).digest
        for key, content in files.items():
            (tmp_path / place / key).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / place / key).write_bytes(content)
        return open_source(tmp_path / place).digest

    first = digest(IMAGES, "first")
    assert digest(FILES, "elsewhere, with odd files") == first
    assert digest({**IMAGES, "b.JPG": b"bbbB"}, "one byte changed") != first
    assert digest({**IMAGES, "new.jpg": b"bbbb"}, "one file more") != first


def test_a_name_that_is_not_listed_is_not_read(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    for source in (open_source(folder(FILES)), open_source(packed(tmp_path / "x.zip", IMAGES))):
        with pytest.raises(KeyError):
            source.read("../secret.jpg")


def test_linked_folders_count_once_and_loops_end(folder: Folder) -> None:
    root = folder(IMAGES)
    os.symlink(root / "a", root / "z-link")
    os.symlink(root, root / "a" / "loop")
    assert sum(name.endswith("水.png") for name in open_source(root).names) == 1


def test_a_file_that_vanishes_is_one_bad_image(folder: Folder) -> None:
    root = folder(IMAGES)
    source = open_source(root)
    (root / "b.JPG").unlink()
    with pytest.raises(ImageError, match=r"b\.JPG cannot be read"):
        source.read("b.JPG")
    assert len(source.digest) == 16


def test_a_folder_that_may_not_be_listed_is_refused(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder(IMAGES)

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match=r"cannot be listed \(Permission denied\)"):
        open_source(root)


def test_nothing_there_and_nothing_useful_there(folder: Folder, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        open_source(tmp_path / "nowhere" / "at" / "all")
    empty = tmp_path / "empty"
    empty.mkdir()
    for source in (empty, folder(ODD), packed(tmp_path / "x.zip", ODD), packed(tmp_path / "x.tar.gz", ODD)):
        with pytest.raises(DataError, match="contains no images"):
            open_source(source)
    with pytest.raises(DataError, match=r"y\.zip/valid contains no images"):
        open_source(packed(tmp_path / "y.zip", IMAGES) / "valid")


@pytest.mark.parametrize("name", ARCHIVES)
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5])
def test_an_archive_cut_short_is_refused_in_one_sentence(tmp_path: Path, name: str, share: float) -> None:
    files = {f"{index}.jpg": os.urandom(20_000 + 100 * index) for index in range(20)}
    path = packed(tmp_path / name, files)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=f"{name} "):
        open_source(path)


def test_a_tar_cut_between_two_members_is_refused_too(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.tar", {"a.jpg": b"a" * 512, "b.jpg": b"b" * 512})
    path.write_bytes(path.read_bytes()[:1024])
    with pytest.raises(DataError, match="end mark"):
        open_source(path)


def test_a_damaged_member_is_one_bad_image(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", {"a.jpg": os.urandom(5000), "b.jpg": os.urandom(5000)})
    content = bytearray(path.read_bytes())
    content[2000] ^= 0xFF
    path.write_bytes(bytes(content))
    source = open_source(path)
    with pytest.raises(ImageError, match=r"a\.jpg in .* is damaged"):
        source.read("a.jpg")
    assert len(source.read("b.jpg")) == 5000


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", IMAGES)
    content = bytearray(path.read_bytes())
    directory = content.index(b"PK\x01\x02")
    flags = struct.unpack_from("<H", content, directory + 8)[0]
    struct.pack_into("<H", content, directory + 8, flags | 1)
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="is encrypted"):
        open_source(path)


def test_other_files_are_no_source(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7 and so on")
    with pytest.raises(DataError, match=r"a\.pdf is no folder, image, or intact zip or tar"):
        open_source(tmp_path / "a.pdf")


def test_windows_separators_in_a_zip_are_folders(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train\\a.jpg", b"a")
    assert open_source(path / "train").names == ("a.jpg",)
