"""A real browser, where Debian's Chromium is installed, and a house's pages on a port for it."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from tests.router.ui.house import House, housed

CHROMIUM, DRIVER = (shutil.which(name) for name in ("chromium", "chromedriver"))
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
_PATIENCE_S = 20.0


class Browser:
    """Chromium by Selenium; ``base`` is where the pages are."""

    def __init__(self, driver: Any, base: str) -> None:
        self.driver = driver
        self.base = base

    def open(self, page: str, *, width: int = 1280, dark: bool = False) -> None:
        """Go to a page, on a screen so wide."""
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.driver.get(f"{self.base}/{page}")

    def run(self, script: str, *values: object) -> Any:
        """Run a script in the page and give what it returns."""
        return self.driver.execute_script(script, *values)

    def text(self, selector: str) -> str:
        """What stands in the first element that fits; "" where there is none."""
        found = self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector)
        return str(found)

    def wait(self, holds: Callable[[], object], what: str) -> None:
        """Wait until ``holds``, or fail saying ``what`` never came."""
        end_s = time.monotonic() + _PATIENCE_S
        while not holds():
            assert time.monotonic() < end_s, f"never came: {what}; the page says {self.text('main')[:500]}"
            time.sleep(0.05)

    def complaints(self) -> list[str]:
        """What the console has against the page, violations of its policy among it."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


@contextmanager
def chromium(profile: Path) -> Iterator[Any]:
    """Start Chromium with a fresh profile."""
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(str(DRIVER)))
    try:
        yield driver
    finally:
        driver.quit()


class Served:
    """A house's pages on a port, on a loop and a thread of their own, for Selenium waits without one."""

    def __init__(self, folder: Path, sections: dict[str, Any]) -> None:
        self._folder = folder
        self._sections = sections
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="pages")
        self.house: House
        self.base = ""

    def __enter__(self) -> Served:
        self._thread.start()
        assert self._ready.wait(_PATIENCE_S), "the pages did not come up"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def do(self, work: Any) -> Any:
        """Await ``work`` on the house's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_S)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        async with housed(self._folder, **self._sections) as self.house:
            app = self.house.app
            server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
            serving = asyncio.create_task(server._serve())
            while not server.started:
                await asyncio.sleep(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            self.base = f"http://127.0.0.1:{port}/ui"
            self._ready.set()
            await self._stop.wait()
            server.should_exit = True
            server.force_exit = True
            await serving
