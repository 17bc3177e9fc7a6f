"""``make fuzz ARGS="--minutes 5 --target sse"``: look for inputs that break parsers.

Targets share the time. What is found is put into the corpus, where the tests run it from then on.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import traceback
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz.guided import NOT_INSTALLED
from tests.fuzz.hunt import SLOW_S, hunt
from tests.fuzz.target import CORPUS, Target
from tests.fuzz.targets import TARGETS

_OUT = Path("out/fuzz")
# Code that is watched takes so many times as long.
_INSTRUMENTED = 5


def main() -> int:
    """Fuzz what is asked for; 1 where something broke."""
    asked = _arguments()
    chosen = [TARGETS[name] for name in asked.target or TARGETS]
    seconds = 60 * asked.minutes / len(chosen)
    run = _guided if asked.engine == "atheris" else _by_hypothesis
    broken = [target.name for target in chosen if not run(target, seconds, asked.seed)]
    print(f"{len(chosen)} targets, {asked.minutes:g} minutes, broken: {', '.join(broken) or 'none'}")
    return 1 if broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz", description="Look for inputs that break parsers.")
    parser.add_argument("--minutes", type=float, default=5.0, help="for all targets together (default: 5)")
    parser.add_argument(
        "--target", action="append", choices=sorted(TARGETS), help="repeat for several; default: all"
    )
    parser.add_argument(
        "--seed", type=int, default=time.time_ns() % 2**32, help="of chance, to try the same again"
    )
    default = "atheris" if find_spec("atheris") else "hypothesis"
    parser.add_argument("--engine", choices=("hypothesis", "atheris"), default=default)
    return parser.parse_args()


def _by_hypothesis(target: Target, seconds: float, seed: int) -> bool:
    count, found = hunt(target, seconds, seed)
    print(f"{target.name:<24} {count:>9,} inputs  {'broken' if found else 'ok'}", flush=True)
    if found is not None:
        traceback.print_exception(found.error)
        print(f"kept as {found.keep(target)}")
    return found is None


def _guided(target: Target, seconds: float, seed: int) -> bool:
    reached = _OUT / target.name
    reached.mkdir(parents=True, exist_ok=True)
    folders = [str(reached), str(CORPUS / target.name)]
    options = (
        f"-max_total_time={max(1, round(seconds))}",
        f"-seed={seed}",
        f"-timeout={_INSTRUMENTED * SLOW_S}",
        "-rss_limit_mb=4096",
        f"-artifact_prefix={CORPUS / target.name}/found-",
        "-print_final_stats=1",
        "-max_len=65536",
    )
    command = [sys.executable, "-m", "tests.fuzz.guided", target.name, *folders, *options]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode == NOT_INSTALLED:
        sys.exit("atheris is not installed: pip install 'upshift[fuzz]', or --engine hypothesis")
    counts = [line.split()[-1] for line in done.stderr.splitlines() if "number_of_executed_units" in line]
    said = f"{int(counts[0]):,} inputs" if counts else "no count"
    print(f"{target.name:<24} {said:>16}  {'ok' if done.returncode == 0 else 'broken'}", flush=True)
    if done.returncode:
        print(done.stderr[-4000:] + done.stdout[-2000:])
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
