"""A stand-in for the Hugging Face hub: the few endpoints that its client asks when files are fetched and given."""

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from huggingface_hub import constants

WRITER, READER = "hf_writer", "hf_reader"
"""Tokens: of somebody who may write, and of somebody who may only read."""


@dataclass
class Shelf:
    """What the hub holds: files by repository, who may see what, and what was sent and not yet committed.

    When it is `broken` it answers nothing but errors, and when `lost` it takes no files.
    """

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: set[str] = field(default_factory=set)
    gated: set[str] = field(default_factory=set)
    broken: bool = False
    lost: bool = False
    sent: dict[str, bytes] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)


def handler_of(shelf: Shelf) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._file(body=False)

        def do_GET(self) -> None:
            self._file(body=True)

        def do_PUT(self) -> None:
            shelf.sent[self.path.rpartition("/")[2]] = self._content()
            self._answer(500 if shelf.lost else 200)

        def do_POST(self) -> None:
            content = self._content()
            if self.path == "/api/validate-yaml":
                return self._answer(200, {"errors": [], "warnings": []})
            if shelf.broken:
                return self._answer(500)
            if self._token() is None:
                return self._answer(401)
            if self._token() != WRITER:
                return self._answer(403)
            if self.path == "/api/repos/create":
                return self._create(json.loads(content))
            if re.fullmatch(r"/api/models/(.+)/preupload/main", self.path):
                asked = json.loads(content)["files"]
                modes = [{**each, "uploadMode": _mode(each["path"]), "shouldIgnore": False} for each in asked]
                return self._answer(200, {"files": modes})
            if self.path.endswith(".git/info/lfs/objects/batch"):
                places = list(map(self._place, json.loads(content)["objects"]))
                return self._answer(200, {"transfer": "basic", "objects": places})
            if match := re.fullmatch(r"/api/models/(.+)/commit/main", self.path):
                return self._commit(match[1], [json.loads(line) for line in content.splitlines()])
            return self._answer(404)

        def _create(self, asked: dict[str, Any]) -> None:
            repository = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
            known = repository in shelf.repositories
            shelf.repositories.setdefault(repository, {})
            if asked.get("private") or asked.get("visibility") == "private":
                shelf.private.add(repository)
            self._answer(409 if known else 200, {"url": f"{self._address()}/{repository}", "id": repository})

        def _commit(self, repository: str, lines: list[dict[str, Any]]) -> None:
            for line in lines:
                match line["key"]:
                    case "header":
                        shelf.messages.append(line["value"]["summary"])
                    case "file":
                        assert line["value"]["encoding"] == "base64"
                        content = base64.b64decode(line["value"]["content"])
                        shelf.repositories[repository][line["value"]["path"]] = content
                    case "lfsFile":
                        content = shelf.sent.pop(line["value"]["oid"])
                        assert hashlib.sha256(content).hexdigest() == line["value"]["oid"]
                        shelf.repositories[repository][line["value"]["path"]] = content
            commit = f"{len(shelf.messages):040x}"
            self._answer(200, {"commitUrl": f"{self._address()}/{repository}/commit/{commit}", "commitOid": commit})

        def _file(self, *, body: bool) -> None:
            match = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", self.path)
            repository, file = (match[1], match[3]) if match else ("", "")
            hidden = repository in shelf.private and self._token() is None
            if shelf.broken:
                self._answer(500)
            elif repository not in shelf.repositories or hidden:
                self._answer(401 if self._token() is None else 404, code="RepoNotFound")
            elif repository in shelf.gated:
                self._answer(403, code="GatedRepo")
            elif file not in shelf.repositories[repository]:
                self._answer(404, code="EntryNotFound")
            else:
                content = shelf.repositories[repository][file]
                self.send_response(200)
                self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
                self.send_header("X-Repo-Commit", f"{len(shelf.messages):040x}")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if body:
                    self.wfile.write(content)

        def _place(self, asked: dict[str, Any]) -> dict[str, Any]:
            return {**asked, "actions": {"upload": {"href": f"{self._address()}/sent/{asked['oid']}"}}}

        def _address(self) -> str:
            return f"http://{self.headers['Host']}"

        def _token(self) -> str | None:
            told = self.headers.get("Authorization", "")
            return told.removeprefix("Bearer ") or None

        def _content(self) -> bytes:
            if self.headers.get("Transfer-Encoding") == "chunked":
                parts = []
                while size := int(self.rfile.readline(), 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def _answer(self, status: int, told: dict[str, Any] | None = None, *, code: str | None = None) -> None:
            content = json.dumps(told or {}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if code is not None:
                self.send_header("X-Error-Code", code)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the tests look at the shelf."""

    return Handler


def _mode(path: str) -> str:
    return "lfs" if path.endswith(".safetensors") else "regular"


@contextmanager
def serving(shelf: Shelf) -> Iterator[str]:
    """The address at which `shelf` can be asked."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(shelf))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class Hub:
    """A hub that is open, and the client's settings for it.

    Attributes:
        shelf: what it holds.
        environment: variables that make any program use it.
    """

    shelf: Shelf
    environment: dict[str, str]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with nothing in it, a cache with nothing in it, and the token of somebody who may write."""
    shelf = Shelf()
    with serving(shelf) as address:
        cache = tmp_path / "cache" / "hub"
        settings: dict[str, Any] = {
            "ENDPOINT": address,
            "HUGGINGFACE_CO_URL_TEMPLATE": address + "/{repo_id}/resolve/{revision}/{filename}",
            "HF_HUB_OFFLINE": False,
            "HF_HUB_DISABLE_XET": True,
            "HF_HUB_CACHE": str(cache),
        }
        for name, value in settings.items():
            monkeypatch.setattr(constants, name, value)
        monkeypatch.setenv("HF_TOKEN", WRITER)
        monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)  # between its attempts
        yield Hub(
            shelf,
            {
                **os.environ,
                "HF_ENDPOINT": address,
                "HF_HUB_OFFLINE": "0",
                "HF_HUB_DISABLE_XET": "1",
                "HF_HUB_DISABLE_PROGRESS_BARS": "1",
                "HF_HOME": str(tmp_path / "cache"),
            },
        )
