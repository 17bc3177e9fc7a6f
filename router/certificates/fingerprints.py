"""What a certificate rests on, each thing with a fingerprint: tiers and their weights, what was learnt, code.

Decides what counts: all that can change an answer or a decision, and nothing that only changes where
or how fast it is computed. Secrets never enter. What a provider changes behind its name cannot be seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from policies.guarantee.certificate import digest
from router.certificates.code import code_fingerprint
from router.config import Config, PolicyConfig, TierConfig

# Options of backends that move work about and leave every answer as it is.
_CAPACITY = frozenset(
    {
        "api_key_file",
        "ca_file",
        "certificate_file",
        "certificate_key_file",
        "connect_timeout_s",
        "connection_count",
        "draft_model",
        "environment_proxy",
        "extra_buffers",
        "gpu_layer_count",
        "memory_limit_mib",
        "prefix_cache_disk_mib",
        "prefix_cache_mib",
        "prefix_cache_path",
        "queue_length",
        "read_timeout_s",
        "sequence_count",
        "sha256",
        "speculation",
        "start_check",
        "start_timeout_s",
        "thread_count",
        "worker",
    }
)
# A file is hashed whole up to this; of a larger one, blocks all over it and its size.
_WHOLE_BYTE_COUNT = 1 << 27
_BLOCK_BYTE_COUNT = 1 << 20
_BLOCK_COUNT = 64


def fingerprints(config: Config, policy: PolicyConfig, learnt: Path | None) -> dict[str, str]:
    """Fingerprints by name for the policy as ``config`` has it and ``learnt`` as it lies there now.

    Reads the weights of local tiers: 0.1 s for 100 MB. Raises OSError where a file cannot be read.
    """
    tiers = {tier.name: tier for tier in config.tiers}
    difficulty = {"estimator": config.difficulty.estimator, "options": _plain(config.difficulty.options)}
    return {
        "code": code_fingerprint(),
        "confidence": digest(
            # Probes never run under a certificate.
            config.confidence.model_dump(mode="json", exclude={"probes"})
        ),
        "difficulty": digest(difficulty),
        "ladder": digest([*policy.ladder]),
        "learnt": "" if learnt is None else path_fingerprint(learnt),
        **redaction_fingerprint(config, redacts=policy.constraints.redact),
        **{f"tier {name}": tier_fingerprint(tiers[name]) for name in policy.ladder},
    }


def redaction_fingerprint(config: Config, *, redacts: bool) -> dict[str, str]:
    """What external tiers are not shown, under its name; empty where they are shown all."""
    privacy = config.privacy
    if not (redacts or privacy.redact_external):
        return {}
    return {"redaction": digest(sorted(privacy.redact or privacy.detect))}


def path_fingerprint(path: Path) -> str:
    """SHA-256 of a file, or of all files of a folder with their names."""
    if path.is_dir():
        inside = sorted(item for item in path.rglob("*") if item.is_file())
        return digest({str(item.relative_to(path)): path_fingerprint(item) for item in inside})
    status = path.stat()
    return _file_fingerprint(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1024)
def _file_fingerprint(path: Path, byte_count: int, _modified_ns: int) -> str:
    found = sha256(str(byte_count).encode() + b"\0")
    with path.open("rb") as file:
        if byte_count <= _WHOLE_BYTE_COUNT:
            while block := file.read(_BLOCK_BYTE_COUNT):
                found.update(block)
        else:
            for number in range(_BLOCK_COUNT):
                file.seek(number * (byte_count - _BLOCK_BYTE_COUNT) // (_BLOCK_COUNT - 1))
                found.update(file.read(_BLOCK_BYTE_COUNT))
    return found.hexdigest()


def tier_fingerprint(tier: TierConfig) -> str:
    """Fingerprint of what a tier answers: its backend, its options with files by content, its limit."""
    limits = {"max_output_token_count": tier.limits.max_output_token_count}
    return digest({"backend": tier.backend, "options": _plain(tier.options), "limits": limits})


def _plain(options: Any) -> Mapping[str, Any]:
    """Options as plain values: secrets masked, files by their content, ports of this machine left out."""
    dumped: dict[str, Any] = options.model_dump(mode="json")
    return {name: _content(value) for name, value in sorted(dumped.items()) if name not in _CAPACITY}


def _content(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _content(item) for name, item in value.items()}
    if not isinstance(value, str):
        return value
    if "://" in value:
        return _address(value)
    path = Path(value)
    return path_fingerprint(path) if path.is_absolute() and path.exists() else value


def _address(url: str) -> str:
    """Leave out the port of an address on this machine: it says where a model runs, not which."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts._replace(netloc=host).geturl() if _is_here(host) else url


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
