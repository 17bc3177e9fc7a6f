"""The demo's own processes: the frontier's server and Upshift's, on free loopback ports.

Decides how they start, how their readiness is known, and that they end whatever happens.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

_READY_POLL_S = 0.1
_STOP_GRACE_S = 10.0


class ProcessFailed(RuntimeError):
    """A child process ended, or did not become ready in time; the message ends with its last output."""


def free_port() -> int:
    """A TCP port that nothing on loopback listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@asynccontextmanager
async def running(
    name: str, command: Sequence[str], *, port: int, log: Path, environment: Mapping[str, str]
) -> AsyncIterator[None]:
    """Run ``command`` until the block ends; enter it once ``port`` accepts connections.

    Output goes to ``log``. Raises ProcessFailed where the process ends first or takes over a minute.
    """
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdout=output,
            stderr=output,
            stdin=asyncio.subprocess.DEVNULL,
            env={**os.environ, **environment},
        )
        try:
            await _until_listening(name, process, port, log)
            yield
        finally:
            await _stop(process)


def frontier_command(model: Path, port: int) -> list[str]:
    """Command line of llama-cpp-python's OpenAI-compatible server, set so that streams are not cut.

    By default that server interrupts a running stream when another request arrives.
    """
    return [
        *(sys.executable, "-m", "llama_cpp.server"),
        *("--model", str(model), "--model_alias", "frontier", "--host", "127.0.0.1", "--port", str(port)),
        *(
            "--n_ctx",
            "512",
            "--n_threads",
            "1",
            "--n_threads_batch",
            "1",
            "--n_batch",
            "256",
            "--interrupt_requests",
            "false",
        ),
        *("--logits_all", "true", "--verbose", "false"),
    ]


async def _until_listening(name: str, process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    try:
        async with asyncio.timeout(60):
            while not await _is_listening(port):
                if process.returncode is not None:
                    raise ProcessFailed(f"{name} ended with status {process.returncode}:\n{_tail(log)}")
                await asyncio.sleep(_READY_POLL_S)
    except TimeoutError as exc:
        raise ProcessFailed(f"{name} did not listen on port {port} within 60 s:\n{_tail(log)}") from exc


async def _is_listening(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_STOP_GRACE_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]
