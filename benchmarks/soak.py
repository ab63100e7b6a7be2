"""Whether the memory of a long training stays what it was.

    python benchmarks/soak.py --seconds 7200 --log soak.csv -- shanshui train scene --recipe landscape-256 ...

Starts the command, writes down each ten seconds how much memory it holds (seconds, MB), stops it with SIGTERM as a
cluster would when its time is over, or lets it end by itself, and prints the mean of each tenth of the time.
"""

import argparse
import csv
import signal
import statistics
import subprocess
import time
from pathlib import Path

from service import megabytes, tenths


def main() -> None:
    """Run the benchmark and print what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=7200)
    parser.add_argument("--log", type=Path, required=True, help="where to write the curve")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    memory: list[float] = []
    start = time.monotonic()
    with options.log.open("w", newline="") as file, subprocess.Popen(options.command) as training:
        rows = csv.writer(file)
        rows.writerow(("seconds", "MB"))
        while training.poll() is None and time.monotonic() - start < options.seconds:
            memory.append(megabytes(training.pid))
            rows.writerow((round(time.monotonic() - start), round(memory[-1])))
            file.flush()
            time.sleep(10)
        training.send_signal(signal.SIGTERM)
    print(f"{time.monotonic() - start:.0f} s, exit code {training.returncode}")
    print(f"memory in each tenth of the time: {', '.join(f'{each:.0f}' for each in tenths(memory))} MB")
    late = statistics.median(memory[len(memory) // 2 :])
    print(f"at most {max(memory):.0f} MB; middle of the second half {late:.0f} MB")


if __name__ == "__main__":
    main()
