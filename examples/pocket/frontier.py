"""Serves the pocket frontier as its users would reach theirs: `python -m examples.pocket.frontier`.

llama-cpp-python's own OpenAI-compatible server, on loopback; it runs until it is interrupted.
"""

from __future__ import annotations

import argparse
import os

from examples.pocket.weights import FRONTIER
from router.demo.processes import frontier_command


def main() -> None:
    """Become the server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8091, help="port on 127.0.0.1 (default 8091)")
    command = frontier_command(FRONTIER, parser.parse_args().port)
    os.execv(command[0], command)  # noqa: S606 - the command is ours


if __name__ == "__main__":
    main()
