"""Who may ask at all: tokens, hosts, room in the queue. The service behind is never started."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from shanshui.cli import main
from shanshui.serving.http.app import create_app
from shanshui.serving.http.metrics import Metrics
from shanshui.serving.jobs.catalogue import Catalogue
from shanshui.serving.jobs.limits import Limits
from shanshui.serving.jobs.service import Service


@pytest.fixture
def client(models: Path, tmp_path: Path) -> Callable[..., TestClient]:
    def start(token: str | None = None, **limits: int) -> TestClient:
        service = Service(tmp_path / "service", Catalogue(models), Limits(**limits))
        return TestClient(create_app(service, Metrics(), token=token), base_url="http://127.0.0.1:8000")

    return start


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong", "bearer secret", "Bearer secret ", "Basic secret", "Bearer \xe9"]
)
def test_without_the_token(header: str | None, client: Callable[..., TestClient]) -> None:
    headers = {} if header is None else {b"Authorization": header.encode("latin-1")}
    asking = client("secret")
    for path in ("/v1/models", "/metrics", "/openapi.json", "/v1/jobs/x", "/nothing"):
        response = asking.get(path, headers=headers)
        assert response.status_code == 401 and response.headers["www-authenticate"] == "Bearer"
        assert "token" in response.json()["detail"]
    assert asking.post("/v1/generate", json={}, headers=headers).status_code == 401
    assert asking.get("/healthz", headers=headers).status_code == 200


def test_with_the_token(client: Callable[..., TestClient]) -> None:
    headers = {"Authorization": "Bearer secret", "Host": "pictures.example"}
    assert client("secret").get("/v1/models", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example:80", ""]
)
def test_without_a_token_other_hosts_are_refused(host: str, client: Callable[..., TestClient]) -> None:
    response = client().get("/v1/models", headers={"Host": host})
    assert response.status_code == 403 and "own machine" in response.json()["detail"]


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "[::1]"])
def test_names_of_this_machine(host: str, client: Callable[..., TestClient]) -> None:
    assert client().get("/v1/models", headers={"Host": host}).status_code == 200


def test_a_full_queue_is_told_before_the_upload(client: Callable[..., TestClient]) -> None:
    asking = client(queue=1)
    assert asking.post("/v1/generate", json={}).status_code == 202
    read = 0

    def upload() -> Iterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 1
            yield bytes(1000)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert asking.post("/v1/stylize", content=upload(), headers=headers).status_code == 429


def test_a_slow_request_is_given_up(models: Path, tmp_path: Path) -> None:
    import asyncio

    from starlette.types import Message

    service = Service(tmp_path, Catalogue(models), Limits(upload_seconds=0.1))
    app = create_app(service, Metrics())
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(5)
        raise AssertionError("given up before")

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"content-length", b"2")]
    scope = {"type": "http", "method": "POST", "path": "/v1/generate", "query_string": b"", "headers": headers}
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 408


def test_what_is_not_installed_is_told(models: Path, client: Callable[..., TestClient]) -> None:
    response = client().post("/v1/compose", data={"style": "ink", "model": "better-composer"})
    assert response.status_code == 404
    assert response.json()["detail"] == "There is no composer 'better-composer' here: there is composer."


@contextmanager
def refusal(capfd: pytest.CaptureFixture[str], *arguments: str) -> Iterator[str]:
    assert main(["serve", *arguments]) == 2
    yield capfd.readouterr().err


def test_a_studio_without_gradio_says_what_to_install(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GRADIO_ANALYTICS_ENABLED", "GRADIO_TEMP_DIR", "HF_HUB_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "")  # what the command sets goes when the test is over
    for name in [name for name in sys.modules if name.startswith("shanshui.serving.studio")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert main(["studio", "--port", "0", "--folder", str(tmp_path / "studio")]) == 2
    sentence = capfd.readouterr().err
    assert "gradio" in sentence and 'pip install "shanshui[studio]"' in sentence and sentence.count("\n") == 1
    assert not (tmp_path / "studio").exists()


def test_others_need_a_token(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHANSHUI_TOKEN", raising=False)
    with refusal(capfd, "--host", "0.0.0.0") as sentence:
        assert "SHANSHUI_TOKEN" in sentence and sentence.count("\n") == 1


@pytest.mark.parametrize("option", ["--port=99999", "--host=no.such.host.invalid", "--workers=0", "--models=nowhere"])
def test_options_that_cannot_work(
    option: str, capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHANSHUI_TOKEN", "secret")
    with refusal(capfd, option, "--folder", str(tmp_path / "service")) as sentence:
        assert sentence.count("\n") == 1
