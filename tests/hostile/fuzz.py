"""Search one parser, or each in turn, for inputs that it does not survive: coverage-guided, with Atheris.

    pip install atheris
    python -m tests.hostile.fuzz --seconds 60 [--parsers picture zip ...]

Each parser has a process of its own. Prints one line each; an input that crashes one is kept in --out.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Search."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parsers", nargs="+")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--out", type=Path, default=Path("crashes"))
    options = parser.parse_args()
    from tests.hostile.parsers import PARSERS

    crashed = 0
    for name in options.parsers or PARSERS:
        inputs, safe = searched(name, options.seconds, options.out)
        crashed += not safe
        ending = "none crashed" if safe else f"one crashed, kept in {options.out}"
        sys.stdout.write(f"{name}: {inputs:,} inputs, {ending}\n")
        sys.stdout.flush()
    sys.exit(1 if crashed else 0)


def searched(name: str, seconds: int, out: Path) -> tuple[int, bool]:
    """How many inputs were tried, and whether all were survived."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as corpus:
        from tests.hostile.parsers import PARSERS

        for number, seed in enumerate(PARSERS[name].seeds()):
            (Path(corpus) / str(number)).write_bytes(seed)
        limits = [f"-max_total_time={seconds}", f"-artifact_prefix={out}/{name}-", "-rss_limit_mb=4096", "-timeout=60"]
        command = [sys.executable, "-c", _CHILD, name, corpus, *limits, "-print_final_stats=1"]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    tried = re.search(r"number_of_executed_units: (\d+)", done.stderr) or re.search(r"Done (\d+) runs", done.stderr)
    if done.returncode != 0:
        (out / f"{name}.log").write_text(done.stderr[-20_000:])
    return int(tried[1]) if tried else 0, done.returncode == 0


_CHILD = """
import sys, warnings
import atheris
with atheris.instrument_imports(include=["shanshui"]):
    from tests.hostile.parsers import PARSERS, survives
warnings.simplefilter("ignore")
parser = PARSERS[sys.argv[1]]
atheris.Setup([sys.argv[0], *sys.argv[2:]], lambda content: survives(parser, content))
atheris.Fuzz()
"""


if __name__ == "__main__":
    main()
