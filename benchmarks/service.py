"""How the service bears many clients: nothing lost or mixed up, waiting beside computing, memory over time.

    python benchmarks/service.py --clients 32 --seconds 60
    python benchmarks/service.py --clients 2 --pause 4 --seconds 7200     # a soak: does its memory stay?

Starts `shanshui serve` on loopback. Every client has photos of its own painted, one after the other, every second one
with strength 0, so that the result tells whose photo it was. Then the pipeline alone does the same work in this
process, to compare with.
"""

import argparse
import io
import itertools
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from shanshui.images.files import from_any
from shanshui.networks.stylizers.feedforward import FeedForwardStylizer
from shanshui.pipelines.stylize import Stylizer
from shanshui.pipelines.treatment import Treatment

STYLE = "monet"


@dataclass
class Tally:
    """What the clients saw."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    lost: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)


def photo_of(client: int, number: int, size: int) -> np.ndarray:
    """A photo that no other job has."""
    return np.random.default_rng((client, number)).integers(0, 255, (size, size, 3), dtype=np.uint8)


def png_of(pixels: np.ndarray) -> bytes:
    """The content of a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def ask(address: str, client: int, size: int, until: float, pause: float, tally: Tally, lock: threading.Lock) -> None:
    """One client: order, watch, fetch, compare, pause, again."""
    with httpx.Client(base_url=address, timeout=120) as http:
        number = 0
        while time.monotonic() < until:
            pixels, full = photo_of(client, number, size), number % 2 == 1
            begun = time.monotonic()
            fields = {"style": STYLE, "strength": "1" if full else "0"}
            response = http.post("/v1/stylize", files={"photo": png_of(pixels)}, data=fields)
            if response.status_code == 429:
                with lock:
                    tally.refused += 1
                time.sleep(0.2)
                continue
            job = response.json()
            with http.stream("GET", f"/v1/jobs/{job['id']}/events") as events:
                list(events.iter_lines())
            told = http.get(f"/v1/jobs/{job['id']}").json()
            label = f"client {client}, job {number}: {told.get('error') or told}"
            if told.get("state") != "done":
                with lock:
                    tally.lost.append(label)
            else:
                content = http.get(told["results"][0]["url"]).content
                made = np.asarray(Image.open(io.BytesIO(content)))
                right = made.shape == pixels.shape and (full or bool((made == pixels).all()))
                with lock:
                    tally.seconds.append(time.monotonic() - begun)
                    if not right:
                        tally.mixed.append(label)
            number += 1
            time.sleep(pause)


def megabytes(process: int) -> float:
    """Resident memory of a process and its children."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    pages = sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in [process, *children])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def tenths(memory: list[float]) -> list[float]:
    """The mean of each tenth of a curve of at least ten points."""
    ends = [len(memory) * part // 10 for part in range(11)]
    return [statistics.mean(memory[first:last]) for first, last in itertools.pairwise(ends)]


def compute_seconds(size: int, count: int) -> float:
    """For one job, on the average, by the pipeline alone."""
    stylizer = Stylizer.from_pretrained("painter")
    photo = from_any(photo_of(0, 0, size))
    stylizer.paint(photo, STYLE)
    begun = time.monotonic()
    for number in range(count):
        stylizer.paint(photo, STYLE, Treatment(strength=number % 2))
    return (time.monotonic() - begun) / count


def batching(size: int) -> None:
    """Whether painting several photos at once would be faster than one after the other."""
    import torch

    from shanshui.checkpoints.weights import load_snapshot
    from shanshui.checkpoints.zoo import resolve

    network, _ = load_snapshot(resolve("painter"))
    assert isinstance(network, FeedForwardStylizer)
    network = network.to(memory_format=torch.channels_last)
    for batch in (1, 4, 8):
        photos = torch.rand(batch, 3, size, size) * 2 - 1
        shares = torch.zeros(batch, len(network.config.styles))
        shares[:, 0] = 1
        with torch.inference_mode():
            network(photos, shares)
            begun = time.monotonic()
            for _ in range(16 // batch):
                network(photos, shares)
        print(f"{size} px, {batch} at once: {(time.monotonic() - begun) / 16 * 1000:.0f} ms a photo")


def main() -> None:
    """Run the benchmark and print what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--pause", type=float, default=0, help="seconds between two jobs of a client")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batching", action="store_true", help="measure batches of photos instead")
    options = parser.parse_args()
    if options.batching:
        batching(options.size)
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "shanshui", "serve", "--port", "0", "--folder", f"{folder}/service"]
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert server.stderr is not None
        found = re.search(r"http://[^;]+", server.stderr.readline())
        assert found is not None
        address, tally, lock = found[0], Tally(), threading.Lock()
        httpx.get(f"{address}/healthz", timeout=120)
        start = time.monotonic()
        clients = [
            threading.Thread(
                target=ask, args=(address, one, options.size, start + options.seconds, options.pause, tally, lock)
            )
            for one in range(options.clients)
        ]
        for client in clients:
            client.start()
        memory = []
        while any(client.is_alive() for client in clients):
            memory.append(megabytes(server.pid))
            time.sleep(1)
        lasted = time.monotonic() - start
        server.send_signal(signal.SIGTERM)
        code = server.wait(60)
    alone = compute_seconds(options.size, max(4, min(40, len(tally.seconds) // 4)))
    ordered = sorted(tally.seconds)
    print(f"{options.clients} clients, {lasted:.0f} s: {len(ordered)} jobs, {tally.refused} told to come again later")
    print(f"lost: {len(tally.lost)}, mixed up: {len(tally.mixed)}, exit code {code}")
    print(*tally.lost, *tally.mixed, sep="\n")
    print(f"a job takes {statistics.median(ordered):.2f} s (median), {ordered[int(0.95 * len(ordered))]:.2f} s (p95)")
    print(f"computing alone: {alone:.3f} s a job; {options.clients} jobs in a row: {options.clients * alone:.2f} s")
    print(f"throughput over that of the pipeline alone: {len(ordered) / lasted * alone:.2f}")
    curve = tenths(memory)
    print(f"memory in each tenth of the time: {', '.join(f'{each:.0f}' for each in curve)} MB")
    print(f"memory: {curve[1]:.0f} MB early, {curve[-1]:.0f} MB late, {max(memory):.0f} MB at most")


if __name__ == "__main__":
    main()
