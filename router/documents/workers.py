"""Processes in which native parsers run: they may crash, hang or grow, and the service does not.

Decides when a worker is replaced: after so many tasks, when it dies, and when it is silent for too long.
Refuses to know what it runs; tasks are functions named by module and name, so that nothing is imported here.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from router.documents.worker_process import Ended, Failed, Item, Task, work

# Native parsers leak a little; a fresh process takes 0.2 to 0.4 s to come up (two shared cores).
_TASKS_PER_WORKER = 100
_JOIN_S = 1.0


class WorkerDied(Exception):
    """The worker ended, or was ended, in the middle of a task."""


class WorkerSilent(WorkerDied):
    """The worker gave nothing for so long that it was ended."""


class Workers:
    """Up to ``size`` processes, started when first needed; ``start_count`` counts them. To be closed."""

    def __init__(self, size: int, memory_bytes: int, *, tasks_per_worker: int = _TASKS_PER_WORKER) -> None:
        self.size = size
        self._memory_bytes = memory_bytes
        self._tasks_per_worker = tasks_per_worker
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="upshift-documents")
        self._idle: list[_Worker] = []
        self._places = asyncio.Semaphore(size)
        self._busy: set[_Worker] = set()
        self.start_count = 0

    async def __aenter__(self) -> Workers:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End all processes, also those at work."""
        for worker in (*self._idle, *self._busy):
            worker.kill()
        self._idle.clear()
        await asyncio.to_thread(self._threads.shutdown)

    async def stream(self, function: str, *arguments: Any, silence_s: float) -> AsyncGenerator[Any]:
        """Give what the generator ``function`` ("module:name") yields in a worker.

        Raises what it raises, WorkerDied, or WorkerSilent after ``silence_s`` without an item. Closing the
        iterator early, or cancelling who waits on it, ends the worker.
        """
        async with self._places:
            worker = self._take()
            is_whole = False
            try:
                worker.send(Task(function, arguments))
                while isinstance(message := await self._next(worker, silence_s), Item):
                    yield message.value
                is_whole = True
                if isinstance(message, Failed):
                    raise message.error
            finally:
                self._give_back(worker, is_whole=is_whole)

    async def call(self, function: str, *arguments: Any, silence_s: float) -> Any:
        """Give what ``function`` returns in a worker; see :meth:`stream`."""
        async with aclosing(self.stream(function, *arguments, silence_s=silence_s)) as results:
            return [result async for result in results][-1]

    async def _next(self, worker: _Worker, silence_s: float) -> Item | Ended | Failed:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, worker.receive, silence_s)

    def _take(self) -> _Worker:
        worker = self._idle.pop() if self._idle else self._start()
        self._busy.add(worker)
        return worker

    def _start(self) -> _Worker:
        self.start_count += 1
        return _Worker(self._memory_bytes)

    def _give_back(self, worker: _Worker, *, is_whole: bool) -> None:
        self._busy.discard(worker)
        worker.task_count += 1
        if is_whole and worker.task_count < self._tasks_per_worker:
            self._idle.append(worker)
        else:
            worker.kill()


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, memory_bytes: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe: Connection
        self._pipe, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=work, args=(theirs, memory_bytes), daemon=True, name="upshift-document-worker"
        )
        self._process.start()
        theirs.close()
        self.task_count = 0

    def send(self, task: Task) -> None:
        """Give it a task. Raises WorkerDied."""
        try:
            self._pipe.send(task)
        except OSError as exc:
            raise WorkerDied(self._how_it_ended()) from exc

    def receive(self, silence_s: float) -> Item | Ended | Failed:
        """Wait for what comes next. Raises WorkerDied and WorkerSilent."""
        try:
            if not self._pipe.poll(silence_s):
                raise WorkerSilent(f"nothing came for {silence_s:g} s")
            message: Item | Ended | Failed = self._pipe.recv()
        except (EOFError, OSError) as exc:
            raise WorkerDied(self._how_it_ended()) from exc
        return message

    def kill(self) -> None:
        """End it at once; who waits for it finds it dead."""
        self._process.kill()
        self._process.join(_JOIN_S)
        self._pipe.close()

    def _how_it_ended(self) -> str:
        self._process.join(_JOIN_S)
        code = self._process.exitcode
        return f"the process ended with {'no code' if code is None else f'code {code}'}"
