"""Looks at everything once, in the order in which it is told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from backends.errors import Unavailable
from backends.llamacpp.build_info import build_record, build_report
from backends.read_bandwidth import read_bandwidth
from router.doctor import hardware, llama, software
from router.doctor.finding import Finding, State
from router.doctor.machine import Machine, machine


def examine(model: Path | None) -> Iterator[Finding]:
    """Yield all findings, within three seconds on a quiet machine; the self-test computes ``model``."""
    here = machine()
    yield hardware.cores(here)
    yield hardware.load(here)
    yield hardware.memory(here)
    yield hardware.bandwidth(read_bandwidth(here.core_count), here.core_count)
    yield from _llama(here, model)
    yield software.gpu()
    yield from software.extras()


def _llama(here: Machine, model: Path | None) -> Iterator[Finding]:
    if software.installed_version("llama-cpp-python") is None:
        yield Finding("llama.cpp", State.ABSENT, "not installed", "for local GGUF models: make setup")
        return
    with ThreadPoolExecutor(1) as beside:
        tested = beside.submit(llama.self_test, model)
        try:
            report = build_report()
        except Unavailable as error:
            yield Finding("llama.cpp", State.BROKEN, str(error), "build it on this machine: make setup")
            return
        record = build_record()
        yield llama.build(report, record)
        yield llama.instructions(report, here)
        yield llama.amx(report, record, here)
        yield llama.openmp(report, here, os.environ)
        yield tested.result()
