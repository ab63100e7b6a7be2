"""What should never be sent: each request is refused in one sentence, and the service lives on in bounded memory."""

import io
import os
import socket
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
MOST_MEGABYTES_MORE = 80


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, data: bytes = b"", *, before: bytes = b"") -> bytes:
    """A PNG whose header promises this size, with other data."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + before + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def saved(form: str, width: int = 60, height: int = 44, **options: Any) -> bytes:
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    Image.fromarray(noise).save(stream, form, **options)
    return stream.getvalue()


def archive(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    return stream.getvalue()


def with_size(content: bytes, place: int, form: str, *sides: int) -> bytes:
    """The content with other numbers where a header tells the size."""
    packed = struct.pack(form, *sides)
    return content[:place] + packed + content[place + len(packed) :]


def tiff_of(width: int, height: int) -> bytes:
    """A TIFF that promises so many pixels of 16 bits and holds none."""
    tags = [(256, width), (257, height), (258, 16), (259, 1), (262, 1), (273, 8), (277, 1), (278, height), (279, 2)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + bytes(4)


def hostile() -> Iterator[tuple[str, bytes]]:
    """Names and contents of files that no service should try to paint."""
    yield "empty.png", b""
    yield "one-byte.png", b"\x89"
    yield "zeros.jpg", bytes(10_000)
    yield "text.jpg", b"Dear photo, how are you?"
    yield "random.png", np.random.default_rng(1).bytes(5000)
    yield "drawing.svg", SVG
    yield "drawing.png", SVG
    yield "drawing-compressed.svgz", zlib.compress(SVG)
    yield "entities.svg", b'<!DOCTYPE s [<!ENTITY a "' + b"a" * 1000 + b'">]><svg>' + b"&a;" * 1000 + b"</svg>"
    yield "page.html.jpg", b"<html><script>alert(1)</script></html>"
    yield "page-before-picture.jpg", b"<html><script>alert(1)</script>" + saved("JPEG")
    yield "script-before-picture.gif", b"/*" + saved("GIF") + b"*/=1;alert(1)"
    yield "document.pdf", b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF"
    yield "document-before-picture.png", b"%PDF-1.7\n" + saved("PNG")
    yield "postscript.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n"
    yield "archive.jpg", archive("../../escape.txt", b"x")
    yield "archive-before-picture.jpg", archive("a.txt", b"x") + saved("JPEG")
    yield "archive-bomb.png", archive("zeros", bytes(5_000_000))
    yield "deflated-bomb.png", zlib.compress(bytes(5_000_000))
    yield "program.png", b"\x7fELF" + bytes(500)
    yield "windows.bmp", b"MZ" + bytes(500)
    yield "pickle.png", b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94."
    yield "shell.jpg", b"#!/bin/sh\nrm -rf /\n"
    yield "playlist.jpg", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
    yield "magick.mvg", b"push graphic-context\nimage over 0,0 0,0 'https://x.invalid/a'\npop graphic-context"
    yield "film.avif", b"\0\0\0\x20ftypmp42" + bytes(200)
    yield "portable.ppm", b"P6\n99999 99999\n255\n"
    yield "icon.ico", b"\0\0\1\0\1\0" + bytes(40)
    yield "photoshop.psd", b"8BPS\0\1" + bytes(100)
    yield "target.tga", bytes([0, 0, 2]) + bytes(9) + struct.pack("<HHBB", 60_000, 60_000, 24, 0)
    yield "bomb.png", png(60_000, 60_000)
    yield "bomb-filled.png", png(20_000, 20_000, bytes(5_000_000))
    yield "wide-bomb.png", png(2**31 - 1, 1)
    yield "no-width.png", png(0, 100)
    yield "above-the-limit.png", png(2500, 2500, bytes(2500 * 7501))
    yield "no-data.png", png(64, 64)
    yield "too-little-data.png", png(64, 64, bytes(1000))
    yield "text-bomb.png", png(64, 64, before=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000))))
    yield "profile-bomb.png", png(64, 64, before=chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(50_000_000))))
    yield "wrong-checksum.png", saved("PNG").replace(b"IDAT", b"IDAX", 1)
    yield "cut-after-header.png", saved("PNG")[:33]
    yield "cut.png", saved("PNG")[:2000]
    yield "cut.jpg", saved("JPEG")[:1000]
    yield "cut.webp", saved("WEBP")[:300]
    yield "cut.avif", saved("AVIF")[:300]
    yield "cut.tif", saved("TIFF")[:3000]
    yield "bomb.gif", with_size(saved("GIF"), 6, "<HH", 65_535, 65_535)[:40]
    yield "bomb.bmp", with_size(saved("BMP"), 18, "<ii", 60_000, 60_000)
    yield "bomb-16-bits.tif", tiff_of(60_000, 60_000)
    yield "endless.tif", b"II*\0\x08\0\0\0\0\0\x08\0\0\0"
    start = saved("JPEG").index(b"\xff\xc0")
    yield "bomb.jpg", with_size(saved("JPEG"), start + 5, ">HH", 65_535, 65_535)


FILES = dict(hostile())


@pytest.fixture(scope="module")
def start_megabytes(server: Any) -> float:
    peak: float = server.peak_megabytes()
    return peak


def refused(response: Any, *statuses: int) -> str:
    """The sentence of a refusal."""
    assert response.status_code in statuses, response.text
    assert response.headers["content-type"] == "application/problem+json"
    sentence: str = response.json()["detail"]
    assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 400
    return sentence


@pytest.mark.parametrize("name", FILES)
def test_no_picture(name: str, server: Any, start_megabytes: float) -> None:
    files = {"photo": (name, FILES[name], "image/png")}
    sentence = refused(server.client.post("/v1/stylize", files=files, data={"style": "ink"}), 415, 422)
    assert "photo" in sentence
    assert server.client.get("/healthz").status_code == 200
    assert server.peak_megabytes() < start_megabytes + MOST_MEGABYTES_MORE


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP"])
def test_what_hangs_behind_a_picture_does_not_come_back(form: str, server: Any) -> None:
    """Cameras append films and maps, so such a file is a photo; but what is served is made anew."""
    payload = archive("a.html", b"<script>alert(1)</script>") + b"<script>alert(1)</script>"
    files = {"photo": ("photo.html", saved(form) + payload, "text/html")}
    job = server.order("/v1/stylize", files=files, data={"style": "ink"})
    (result,) = server.until(job)["results"]
    response = server.client.get(result["url"])
    assert response.headers["content-type"] == "image/png" and response.headers["x-content-type-options"] == "nosniff"
    assert b"<script>" not in response.content and b"PK\x03\x04" not in response.content


@pytest.mark.parametrize(
    "name", ["../../../etc/cron.d/x", "..\\..\\x.png", "/etc/passwd", "a\0b.png", "C:\\x.png", "x" * 500, "%2e%2e%2fx"]
)
def test_names_of_files_are_not_looked_at(name: str, server: Any) -> None:
    before = set(Path(tempfile.gettempdir()).iterdir())
    job = server.order("/v1/stylize", files={"photo": (name, saved("PNG"))}, data={"style": "ink"})
    assert server.until(job)["done"] == 1
    assert not [path for path in set(Path(tempfile.gettempdir()).iterdir()) - before if path.name.startswith("x")]


@pytest.mark.parametrize(
    "style",
    ["/etc/passwd", "../../photo", "photo", "PHOTO", "mask", "job.json", "painting-1", "file:///etc/passwd", "ink:x"],
)
@pytest.mark.parametrize("model", ["painter", "painter-any"])
def test_styles_are_names_and_never_files(style: str, model: str, server: Any, tmp_path: Path) -> None:
    photo = {"photo": saved("PNG")}
    refused(server.client.post("/v1/stylize", files=photo, data={"style": style, "model": model}), 422)
    path = tmp_path / "painting.png"
    path.write_bytes(saved("PNG"))
    refused(server.client.post("/v1/stylize", files=photo, data={"style": str(path), "model": model}), 422)
    refused(
        server.client.post("/v1/stylize", files=photo, data={"style": "ink", "region": f"sky={path}", "model": model}),
        422,
    )


@pytest.mark.parametrize(
    "model", ["../painter", "/etc/passwd", "owner/name", "painter.safetensors", "no-model", "zones", "landscape", " "]
)
def test_models_are_names_from_the_list(model: str, server: Any) -> None:
    fields = {"style": "ink", "model": model}
    sentence = refused(server.client.post("/v1/stylize", files={"photo": saved("PNG")}, data=fields), 404)
    assert sentence.startswith("There is no stylizer")


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/v1/stylize", {"data": {"style": "ink"}}),
        ("/v1/stylize", {"files": {"photo": saved("PNG")}}),
        ("/v1/stylize", {"files": {"photo": saved("PNG")}, "data": {"style": "ink", "strength": "nan"}}),
        ("/v1/stylize", {"files": {"photo": saved("PNG")}, "data": {"style": "ink", "strength": "2"}}),
        ("/v1/stylize", {"files": {"photo": saved("PNG")}, "data": {"style": ["ink:1", "monet"]}}),
        ("/v1/stylize", {"files": {"photo": saved("PNG")}, "data": {"style": ["ink", "ink"]}}),
        ("/v1/stylize", {"files": {"photo": saved("PNG")}, "data": {"style": "ink:-1"}}),
        ("/v1/stylize", {"files": {"photo": saved("PNG")}, "data": {"style": "ink:nan"}}),
        ("/v1/stylize", {"files": {"photo": saved("PNG")}, "data": {"style": "ink", "folder": "/"}}),
        ("/v1/stylize", {"files": {"photo": saved("PNG")}, "data": {"style": "ink", "region": "moon=ink"}}),
        ("/v1/stylize", {"files": {"photo": saved("PNG")}, "data": {"style": "ink", "region": "sky=ink:nan"}}),
        ("/v1/stylize", {"files": {"photo": saved("PNG")}, "data": {"style": "ink", "format": "php"}}),
        ("/v1/stylize", {"files": {"photo": saved("PNG"), "mask": saved("PNG", 10, 90)}, "data": {"style": "ink"}}),
        ("/v1/stylize", {"files": {"photo": saved("PNG"), "mask": b"x"}, "data": {"style": "ink"}}),
        ("/v1/stylize", {"files": [("photo", saved("PNG"))] + [("painting", saved("PNG"))] * 5}),
        ("/v1/stylize", {"files": {"photo": saved("PNG"), "painting": saved("PNG")}, "data": {"model": "painter"}}),
        ("/v1/stylize", {"json": {"photo": "/etc/passwd", "style": "ink"}}),
        ("/v1/compose", {"data": {"style": "no-style"}}),
        ("/v1/compose", {"files": {"mask": saved("PNG")}, "data": {"style": "ink"}}),
        ("/v1/inpaint", {"files": {"photo": saved("PNG")}}),
        ("/v1/inpaint", {"files": {"photo": saved("PNG")}, "data": {"left": "9999", "top": "9999"}}),
        ("/v1/inpaint", {"files": {"photo": saved("PNG")}, "data": {"left": "-1"}}),
        ("/v1/generate", {"json": {"count": 0}}),
        ("/v1/generate", {"json": {"seed": 2**70}}),
        ("/v1/generate", {"json": {"width": 60_000, "height": 60_000}}),
        ("/v1/generate", {"json": {"out": "/tmp"}}),
        ("/v1/generate", {"json": [1]}),
        ("/v1/generate", {"content": b"{"}),
        ("/v1/generate", {"content": b"[" * 100_000}),
    ],
)
def test_an_order_that_makes_no_sense(path: str, content: dict[str, Any], server: Any) -> None:
    refused(server.client.post(path, **content), 400, 415, 422)


def test_a_body_beyond_the_limit(server: Any) -> None:
    photo = {"photo": bytes(9_000_000)}
    assert "8 megabytes" in refused(server.client.post("/v1/stylize", files=photo, data={"style": "ink"}), 413)

    def endless() -> Iterator[bytes]:
        for _ in range(20):
            yield bytes(1_000_000)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    refused(server.client.post("/v1/stylize", content=endless(), headers=headers), 400, 413)


def test_odd_http(server: Any) -> None:
    address = urlsplit(str(server.client.base_url))
    for sent in (
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
        b"GET /v1/jobs/../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: elsewhere.invalid\r\nConnection: close\r\n\r\n",
        b"POST /v1/stylize HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/generate HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\0" * 1000 + b"\r\n\r\n",
    ):
        with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=20) as connection:
            connection.sendall(sent)
            assert connection.recv(4096).split(b" ")[1][:1] == b"4", sent[:60]
    assert server.client.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/v1/jobs/..%2f..%2fetc%2fpasswd", "/v1/jobs/x", f"/v1/jobs/{'A' * 32}", "/v1/jobs/"])
def test_no_job(path: str, server: Any) -> None:
    refused(server.client.get(path), 404, 422)
    refused(server.client.delete(path), 404, 405, 422)


def test_nothing_was_written_outside(server: Any, picture: Callable[..., bytes]) -> None:
    job = server.order("/v1/stylize", files={"photo": picture()}, data={"style": "ink"})
    server.until(job)
    folder = server.log.with_suffix("")
    assert {path.name for path in folder.iterdir()} - {"measured"} == {"jobs", "incoming", "lock"}
    assert not list((folder / "incoming").iterdir())
    assert {path.name for path in (folder / "jobs" / job["id"]).iterdir()} == {"job.json", "photo", "result-0.png"}
    if os.name == "posix":
        assert folder.stat().st_mode & 0o077 == 0
