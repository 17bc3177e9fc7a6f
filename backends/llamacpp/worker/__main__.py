"""Runs a worker: ``python -m backends.llamacpp.worker FILE_DESCRIPTOR``."""

import sys

from backends.llamacpp.worker.process import main

main(int(sys.argv[1]))
