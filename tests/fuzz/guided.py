"""One target under atheris, in a process of its own: inputs that reach new code are kept and built upon.

    python -m tests.fuzz.guided TARGET FOLDER [libFuzzer's options]

Ends with 3 where atheris is not installed, and otherwise as libFuzzer does: 0 where nothing was found.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

NOT_INSTALLED = 3


def main(words: Sequence[str]) -> int:
    """Run; libFuzzer ends the process itself."""
    try:
        import atheris
    except ImportError:
        return NOT_INSTALLED
    with atheris.instrument_imports(include=["router", "policies", "backends"]):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[words[0]]
    atheris.Setup(["fuzz", *words[1:]], target.check)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
