"""Downloads from a hub: a small server that speaks its protocol, on this machine."""

from __future__ import annotations

import hashlib
import importlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from backends.errors import Refused, Unavailable
from backends.llamacpp.model_file import find_model, model_name
from backends.llamacpp.models.hub import HubName
from backends.llamacpp.models.pull import pull

COMMIT = "c0ffee" * 6 + "beef"
NAME = "hf://owner/repo/small/tiny.gguf"


class Hub(ThreadingHTTPServer):
    """Serves one file at one commit; breaks off after ``cut`` bytes the first time."""

    data = b""
    cut: int | None = None
    requested_ranges: list[str | None]


class Handler(BaseHTTPRequestHandler):
    """What huggingface_hub asks for."""

    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        start = self.headers.get("Range")
        self.server.requested_ranges.append(start)
        data = self.server.data[int(start.removeprefix("bytes=").rstrip("-")) if start else 0 :]
        cut, self.server.cut = self.server.cut, None
        self._answer(data, partial=start is not None, sent=cut)

    def _answer(self, data: bytes, *, partial: bool = False, sent: int | None = None) -> None:
        known = self.path in {f"/owner/repo/resolve/{r}/small/tiny.gguf" for r in ("main", "v1", COMMIT)}
        self.send_response(404 if not known else 206 if partial else 200)
        total = len(self.server.data)
        self.send_header("Content-Length", str(len(data) if self.command == "GET" else total * known))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(self.server.data).hexdigest()}"')
        if partial:
            self.send_header("Content-Range", f"bytes {total - len(data)}-{total - 1}/{total}")
        if not known:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.end_headers()
        self.wfile.write(data[:sent])
        self.close_connection = sent is not None


@pytest.fixture
def hub(tiny_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The server, and huggingface_hub that asks it with an empty cache."""
    import huggingface_hub

    with Hub(("127.0.0.1", 0), Handler) as server:
        server.data, server.requested_ranges = tiny_gguf.read_bytes(), []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        url = address + "/{repo_id}/resolve/{revision}/{filename}"
        constants = huggingface_hub.constants
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        # What was received is kept by the chunk.
        monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 10_000)
        yield server
        server.shutdown()
        thread.join()


def test_pulls_and_pins(hub: Hub) -> None:
    """What is on the hub is here, with the commit and the hash that mean exactly it."""
    heard: list[tuple[str, int, int]] = []
    pulled = pull(NAME, progress=lambda *words: heard.append(words))
    assert pulled.path.read_bytes() == hub.data
    assert pulled.sha256 == hashlib.sha256(hub.data).hexdigest()
    assert pulled.options == {"model": f"{NAME}@{COMMIT}", "sha256": pulled.sha256}
    assert ("downloading", len(hub.data), len(hub.data)) in heard


def test_progress_is_told_where_the_hubs_own_bars_are_off(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other libraries in the process switch those off."""
    bars = importlib.import_module("huggingface_hub.utils.tqdm")
    monkeypatch.setattr(bars, "progress_bar_states", {"_global": False})
    heard: list[str] = []
    pull(NAME, progress=lambda stage, *_: heard.append(stage))
    assert "downloading" in heard


def test_the_pinned_name_needs_no_network(hub: Hub) -> None:
    """What was pulled is found in the cache, and checked."""
    options = pull(NAME).options
    hub.requested_ranges.clear()
    assert find_model(options["model"], sha256=options["sha256"]).read_bytes() == hub.data
    assert hub.requested_ranges == []


def test_goes_on_when_the_connection_breaks(hub: Hub) -> None:
    """The next request asks only for the rest."""
    hub.cut = 60_000
    assert pull(NAME + "@v1").path.read_bytes() == hub.data
    assert hub.requested_ranges == [None, "bytes=60000-"]


def test_goes_on_after_the_process_died(hub: Hub, tmp_path: Path) -> None:
    """What an earlier process left is not asked for again."""
    blobs = tmp_path / "cache" / "models--owner--repo" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{hashlib.sha256(hub.data).hexdigest()}.part").write_bytes(hub.data[:70_000])
    assert pull(NAME).path.read_bytes() == hub.data
    assert hub.requested_ranges == ["bytes=70000-"]


def test_a_damaged_part_is_thrown_away(hub: Hub, tmp_path: Path) -> None:
    """What arrived is compared with the hub's own hash; the next try begins anew."""
    part = tmp_path / "cache/models--owner--repo/blobs" / f"{hashlib.sha256(hub.data).hexdigest()}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(70_000))
    with pytest.raises(Unavailable, match="damaged; try again"):
        pull(NAME)
    assert pull(NAME).path.read_bytes() == hub.data


def test_a_wrong_hash_is_refused(hub: Hub) -> None:
    """What is not the file that was meant is not used."""
    with pytest.raises(Refused, match="SHA-256"):
        pull(NAME, sha256="0" * 64)


def test_a_file_that_is_not_there_is_unavailable(hub: Hub) -> None:
    """The error names file and repository, and what to do."""
    with pytest.raises(Unavailable, match=r"no\.gguf of owner/repo.*check the name"):
        pull("hf://owner/repo/no.gguf")


def test_what_is_no_model_is_refused(hub: Hub) -> None:
    """A page that the hub sends for a model is told from one."""
    hub.data = b"<html>" + bytes(100)
    with pytest.raises(Refused, match="not a GGUF file"):
        pull(NAME)


@pytest.mark.parametrize(
    "name", ["hf://a/b", "hf://a/b.gguf", "hf://a/b/c.bin", "a/b/c.gguf", "hf://a/b/c.gguf@"]
)
def test_names_have_one_form(name: str) -> None:
    """Nothing else is looked for."""
    with pytest.raises(Refused, match="not of the form"):
        HubName.parse(name)


def test_offline_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that is not cached cannot be had without a network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(Unavailable, match="put the file on this machine"):
        find_model("hf://nobody/nothing/none.gguf")


def test_names_the_model_by_its_file() -> None:
    """Neither folder nor revision is part of the model's name."""
    assert model_name("hf://owner/repo/Small-Q4_0.gguf@main") == "Small-Q4_0"
    assert model_name("/models/Small-Q4_0.gguf") == "Small-Q4_0"
