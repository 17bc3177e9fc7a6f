"""Runs the example server of llama-cpp-python: ``python -m tests.bench.edge.example_server SERVER.PY ...``.

It imports llama.cpp's image support, which a lean build leaves out, whether or not the model sees
images. An empty module takes that place; for text nothing of it is used.
"""

from __future__ import annotations

import runpy
import sys
from types import ModuleType


def main() -> None:
    """Run the script that the first argument names, with the others as its own."""
    import llama_cpp

    absent = ModuleType("llama_cpp.mtmd_cpp")
    sys.modules[absent.__name__] = llama_cpp.mtmd_cpp = absent
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
