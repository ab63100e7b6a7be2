"""A folder of tiny models, and a service that runs as a program of its own."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from PIL import Image

from shanshui.checkpoints.weights import save_snapshot
from shanshui.networks.composer import ComposerConfig
from shanshui.networks.generators.fastgan import FastGAN, FastGANConfig
from shanshui.networks.inpainter import Inpainter, InpainterConfig
from shanshui.networks.joint import JointConfig, JointPipeline
from shanshui.networks.stylizers.arbitrary import ArbitraryConfig, ArbitraryStylizer
from shanshui.networks.stylizers.feedforward import FeedForwardConfig, FeedForwardStylizer

STYLES = ("ink", "monet")


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained models that take the places of those that ship; scenes are 32 pixels high."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    small: dict[str, Any] = {"width": 4, "blocks": 1, "deep_width": 4, "deep_blocks": 1}
    painter = FeedForwardConfig(styles=STYLES, **small)
    networks = {
        "landscape": FastGAN(FastGANConfig(doublings=3, latent=8, width=4, spectral_norm=False)),
        "painter": FeedForwardStylizer(painter),
        "painter-any": ArbitraryStylizer(ArbitraryConfig(encoder_width=4, encoder_deep_width=4, code=4, **small)),
        "composer": JointPipeline(
            JointConfig(stylizer=painter, composer=ComposerConfig(width=8, widest=16, latent=4, style=8))
        ),
        "inpainter": Inpainter(InpainterConfig(width=8, widest=16, halvings=1, dilations=(1, 2), latent=4)),
    }
    for name, network in networks.items():
        with torch.no_grad():  # untrained networks hardly change a picture
            for part, parameter in network.named_parameters():
                if part.endswith(("gamma", "beta", "to_rgb.weight", "strokes.weight")):
                    parameter.add_(0.2 * torch.randn_like(parameter))
        save_snapshot(folder / f"{name}.safetensors", network, {"licence": "none", "images_seen": 0})
    (folder / "no-model.safetensors").write_bytes(b"nothing")
    return folder


def content_of(seed: int = 0, width: int = 60, height: int = 44, form: str = "PNG", **options: Any) -> bytes:
    """A picture file of noise."""
    stream = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    Image.fromarray(noise).save(stream, form, **options)
    return stream.getvalue()


@pytest.fixture(scope="session")
def picture() -> Callable[..., bytes]:
    """Makes picture files of noise."""
    return content_of


@pytest.fixture(scope="session")
def mask() -> bytes:
    """A mask of 60 x 44 pixels with a white part."""
    values = np.zeros((44, 60), np.uint8)
    values[10:30, 20:40] = 255
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, "PNG")
    return stream.getvalue()


class Running:
    """`shanshui serve` as a process, and a client for it."""

    def __init__(self, folder: Path, models: Path, *options: str, token: str | None = None) -> None:
        command = [sys.executable, "-m", "shanshui", "serve", "--port", "0", "--folder", str(folder)]
        environment = {**os.environ} | ({"SHANSHUI_TOKEN": token} if token else {})
        self.log = folder.with_suffix(".log")
        with self.log.open("ab") as log:
            start = log.tell()
            self.process = subprocess.Popen(
                [*command, "--models", str(models), *options], stderr=log, stdout=log, env=environment
            )
        self.client = httpx.Client(base_url=self._address(start), timeout=60)
        while True:
            try:
                self.client.get("/healthz")
                return
            except httpx.TransportError:
                assert self.process.poll() is None, self.log.read_text()
                time.sleep(0.1)

    def _address(self, start: int) -> str:
        while True:
            told = self.log.read_bytes()[start:].decode()
            if "Listening on " in told and ";" in told:
                return told.partition("Listening on ")[2].partition(";")[0]
            assert self.process.poll() is None, told
            time.sleep(0.05)

    def order(self, path: str, **content: Any) -> dict[str, Any]:
        """Send an order that must be accepted."""
        response = self.client.post(path, **content)
        assert response.status_code == 202, response.text
        job: dict[str, Any] = response.json()
        return job

    def job(self, job: dict[str, Any]) -> dict[str, Any]:
        """How it is getting on."""
        told: dict[str, Any] = self.client.get(f"/v1/jobs/{job['id']}").json()
        return told

    def until(self, job: dict[str, Any], *states: str, seconds: float = 300) -> dict[str, Any]:
        """Wait for a job to be in one of these states, `done` when none is named."""
        deadline = time.monotonic() + seconds
        while (told := self.job(job))["state"] not in (states or ("done",)):
            assert time.monotonic() < deadline and told["state"] != "failed", told
            time.sleep(0.02)
        return told

    def pictures(self, job: dict[str, Any]) -> list[bytes]:
        """The results of a job, once it is done."""
        return [self.client.get(result["url"]).content for result in self.until(job)["results"]]

    def workers(self) -> list[int]:
        """The process ids of its processes."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]

    def lose_workers(self) -> None:
        """Kill them all."""
        self._signal_workers(signal.SIGKILL)

    @contextmanager
    def idle_workers(self) -> Iterator[None]:
        """Let none of them get on, however fast the machine is."""
        self._signal_workers(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal_workers(signal.SIGCONT)

    def _signal_workers(self, number: int) -> None:
        for process in self.workers():
            os.kill(process, number)

    def peak_megabytes(self) -> float:
        """The most memory that the server itself has held."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def end(self, number: int = signal.SIGTERM) -> int:
        """Stop it, and wait."""
        self.process.send_signal(number)
        code = self.process.wait(60)
        self.client.close()
        return code


@pytest.fixture(scope="session")
def launch(models: Path) -> Iterator[Callable[..., Running]]:
    """Starts services, which end with the tests."""
    started: list[Running] = []

    def start(folder: Path, *options: str, token: str | None = None) -> Running:
        started.append(Running(folder, models, *options, token=token))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.end(signal.SIGKILL)


@pytest.fixture(scope="session")
def server(launch: Callable[..., Running], tmp_path_factory: pytest.TempPathFactory) -> Running:
    """One service for all tests that leave it as it was."""
    limits = ["--limits.queue", "6", "--limits.megapixels", "4", "--limits.megabytes", "8"]
    return launch(tmp_path_factory.mktemp("service") / "shared", *limits)
