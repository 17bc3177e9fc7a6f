"""Files of the Hugging Face hub: their names, and how they come into its cache on this machine.

Decides that a download goes on where it broke off, also after the process died; huggingface_hub (2.4) itself
begins anew then. Everything else about the cache is huggingface_hub's, and works with its other tools.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.errors import Refused, Unavailable
from backends.llamacpp.models.digest import sha256_of

_FORM = re.compile(
    r"hf://(?P<repository>[^/@\s]+/[^/@\s]+)/(?P<file>[^@\s]+\.gguf)(?:@(?P<revision>[^@\s]+))?",
    re.IGNORECASE,
)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class HubName:
    """A file on the hub. ``revision`` is a branch, a tag or a commit; None: the main branch."""

    repository: str
    file: str
    revision: str | None = None

    @classmethod
    def parse(cls, model: str) -> HubName:
        """Read ``hf://owner/repository/file.gguf[@revision]``; raises Refused where it is of another form."""
        match = _FORM.fullmatch(model)
        if match is None:
            raise Refused(f"{model!r} is not of the form hf://owner/repository/file.gguf[@revision]")
        return cls(match["repository"], match["file"], match["revision"])

    def at(self, revision: str) -> str:
        """Write the name with ``revision`` pinned."""
        return f"hf://{self.repository}/{self.file}@{revision}"


def cached(name: HubName) -> Path | None:
    """Return the path of what was downloaded before; None where it is not there. Needs no network."""
    import huggingface_hub

    found = huggingface_hub.try_to_load_from_cache(name.repository, name.file, revision=name.revision)
    return Path(found) if isinstance(found, str) else None


def download(name: HubName, *, progress: type[Any] | None = None) -> Path:
    """Return the path in the cache after asking the hub for the newest of the revision.

    ``progress`` is a class like tqdm that shows it; None: the hub library's own. Raises Unavailable where
    the hub does not give the file.
    """
    import huggingface_hub

    with _told(name):
        _fetch(name, progress)
        path = huggingface_hub.hf_hub_download(name.repository, name.file, revision=name.revision)
    return Path(path)


def _fetch(name: HubName, progress: type[Any] | None) -> None:
    """Bring the file's content to where huggingface_hub looks for it."""
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url, utils
    from huggingface_hub.file_download import http_get, repo_folder_name

    url = hf_hub_url(name.repository, name.file, revision=name.revision)
    found = get_hf_file_metadata(url)
    folder = repo_folder_name(repo_id=name.repository, repo_type="model")
    whole = Path(constants.HF_HUB_CACHE, folder, "blobs", found.etag)
    part = whole.with_name(f"{whole.name}.part")
    whole.parent.mkdir(parents=True, exist_ok=True)
    with utils.WeakFileLock(part.with_suffix(".lock")):
        if whole.exists():
            return
        with part.open("ab") as file:
            if file.tell() > found.size:
                file.truncate(0)
            # Not to where the hub redirects: that address is only good for a while.
            http_get(
                url,
                file,
                resume_size=file.tell(),
                headers=utils.build_hf_headers(),
                expected_size=found.size,
                displayed_filename=name.file,
                tqdm_class=progress,
            )
        # Large files have their SHA-256 for a tag. A part of another time may have been damaged since.
        if _SHA256.fullmatch(found.etag) and sha256_of(part) != found.etag:
            part.unlink()
            raise Unavailable(f"{name.file} of {name.repository} arrived damaged; try again")
        part.replace(whole)


@contextmanager
def _told(name: HubName) -> Iterator[None]:
    from huggingface_hub.errors import HfHubHTTPError

    try:
        yield
    except (OSError, ValueError, HfHubHTTPError) as exc:
        raise Unavailable(
            f"cannot get {name.file} of {name.repository} at {name.revision or 'its main branch'} from the "
            f"Hugging Face hub ({type(exc).__name__}); check the name and the connection, or put the file on "
            "this machine and give its path"
        ) from exc
