"""Everything of ours that reads what strangers may have written, and something sane to begin a search from.

Each parser takes bytes. What it cannot use it refuses with an error of Shanshui's; anything else is a bug.
"""

import io
import json
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from shanshui.checkpoints.state import load_state, save_state
from shanshui.checkpoints.weights import load_snapshot, save_snapshot
from shanshui.commands.edit import parse_layers, parse_strength
from shanshui.commands.inpaint import parse_sides
from shanshui.commands.interpolate import parse_rate, parse_scenes
from shanshui.commands.on_ray import finished
from shanshui.commands.options import parse_size
from shanshui.commands.origins import origin_of
from shanshui.commands.wishes import parse_blend, parse_region
from shanshui.errors import ShanshuiError
from shanshui.evaluation.protocols import Protocol
from shanshui.images.files import read_picture, write_picture
from shanshui.images.pixels import Pixels
from shanshui.networks.generators.dcgan import DCGAN, DCGANConfig
from shanshui.scenes.credits import read_credits
from shanshui.scenes.shards import INDEX, ShardWriter
from shanshui.scenes.sources import open_source
from shanshui.serving.engine import card_of
from shanshui.training.journal import read_journal
from shanshui.training.settings import StopCondition

MOST_PIXELS = 1 << 20


@dataclass(frozen=True)
class Parser:
    """`read` takes what is searched; `seeds` gives what a search begins with."""

    read: Callable[[bytes], object]
    seeds: Callable[[], Iterable[bytes]]


def survives(parser: Parser, content: bytes) -> None:
    """Read `content`; errors of ours are answers, all others go up."""
    try:
        parser.read(content)
    except ShanshuiError as error:
        assert str(error).strip(), "an error without a sentence"


def in_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """A parser of files, as one of bytes."""

    def parse(content: bytes) -> object:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            return read(path)

    return parse


def as_text(read: Callable[[str], object]) -> Callable[[bytes], object]:
    """A parser of words, as one of bytes."""
    return lambda content: read(content.decode("utf-8", "surrogateescape"))


def read_all(path: Path) -> None:
    """Open a data set, and every image in it."""
    source = open_source(path)
    for name in source.names:
        read_picture(source.read(name), most_pixels=MOST_PIXELS)


def pixels() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)


def written(name: str, write: Callable[[Path], object]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path)
        return path.read_bytes()


@cache
def pictures() -> tuple[bytes, ...]:
    endings = ("png", "jpg", "webp", "tif", "avif", "exr")
    eight = [written(f"x.{ending}", lambda path: write_picture(path, pixels())) for ending in endings]
    deep = [
        written(f"x.{ending}", lambda path: write_picture(path, pixels() * np.uint16(257))) for ending in endings[:4]
    ]
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "upside"
    tagged = written("x.jpg", lambda path: Image.fromarray(pixels()).save(path, exif=exif, dpi=(72, 72)))
    return (*eight, *deep, tagged)


def archives() -> Iterable[bytes]:
    for wrap in (zipped, tarred):
        yield wrap({"a/1.png": pictures()[0], "b/2.jpg": pictures()[1], "notes.txt": b"no picture"})
        yield wrap({"../../out.png": pictures()[0], "/root.png": pictures()[0], "C:\\x.png": pictures()[0]})


def zipped(members: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, member in members.items():
            file.writestr(name, member)
    return content.getvalue()


def tarred(members: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as file:
        for name, member in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(member)
            file.addfile(info, io.BytesIO(member))
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(link)
    return content.getvalue()


def index() -> Iterable[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        writer = ShardWriter(Path(folder), 2)
        for number in range(3):
            writer.add(f"{number}.png", pictures()[0], {"number": number})
        writer.close({})
        yield (Path(folder) / INDEX).read_bytes()


def network() -> DCGAN:
    torch.manual_seed(0)
    return DCGAN(DCGANConfig(doublings=2, latent=2, width=2))


def lines(*values: Any) -> bytes:
    return "".join(json.dumps(value) + "\n" for value in values).encode()


PARSERS: Mapping[str, Parser] = {
    "picture": Parser(lambda content: read_picture(content, most_pixels=MOST_PIXELS), pictures),
    "origin": Parser(in_file("x.png", origin_of), pictures),
    "zip": Parser(in_file("x.zip", read_all), archives),
    "tar": Parser(in_file("x.tar", read_all), archives),
    "shards": Parser(in_file(INDEX, lambda path: read_all(path.parent)), index),
    "snapshot": Parser(
        in_file("x.safetensors", load_snapshot),
        lambda: [written("x.safetensors", lambda path: save_snapshot(path, network(), {"licence": "none"}))],
    ),
    "state": Parser(
        in_file("x.safetensors", load_state),
        lambda: [written("x", lambda path: save_state(path, {"a": torch.zeros(2), "b": [1, {"c": None}]}))],
    ),
    "onnx": Parser(in_file("x.onnx", card_of), lambda: [b"\x08\x07\x12\x00"]),
    "manifest": Parser(
        in_file("x.jsonl", finished),
        lambda: [
            lines({"photo": "a", "result": "b", "status": "done"}, {"photo": "c", "result": "d", "status": "failed"})
        ],
    ),
    "journal": Parser(
        in_file("x.jsonl", read_journal),
        lambda: [
            lines({"event": "Started", "time": 1.0, "task": "train", "total": 3}, {"event": "Metric", "value": 1})
        ],
    ),
    "credits": Parser(in_file("x.csv", read_credits), lambda: [b"file,licence,author\na.png,CC0,me\n"]),
    "size": Parser(as_text(parse_size), lambda: [b"64", b"112x64"]),
    "blend": Parser(as_text(lambda text: parse_blend([text], ("ink",))), lambda: [b"ink:0.5", b"a.png:2"]),
    "region": Parser(as_text(parse_region), lambda: [b"sky=ink:0.5"]),
    "rate": Parser(as_text(parse_rate), lambda: [b"24", b"30000/1001"]),
    "scenes": Parser(as_text(parse_scenes), lambda: [b"1,2,5:9"]),
    "strength": Parser(as_text(parse_strength), lambda: [b"warmer=0.5"]),
    "layers": Parser(as_text(parse_layers), lambda: [b"2-4"]),
    "sides": Parser(as_text(parse_sides), lambda: [b"left=256,top=3"]),
    "stop": Parser(as_text(StopCondition.parse), lambda: [b"kid<0.5"]),
    "figure": Parser(as_text(Protocol.parse), lambda: [b"kid_vgg19_relu5_4_128px_598"]),
}
