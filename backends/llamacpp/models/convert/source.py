"""A transformers model folder, opened: its configuration, its tokenizer, its weights. Only reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.errors import Refused
from backends.llamacpp.models.convert.weights import SourceWeights

_MAX_JSON_BYTES = 1 << 27


@dataclass(frozen=True, slots=True)
class Source:
    """What a model folder holds. Files that it may lack are empty here."""

    folder: Path
    config: Mapping[str, Any]
    generation: Mapping[str, Any]
    tokenizer: Mapping[str, Any]
    tokenizer_config: Mapping[str, Any]
    chat_template: str | None
    weights: SourceWeights

    @classmethod
    def open(cls, folder: Path) -> Source:
        """Open ``folder``; raises Refused that names what is missing or broken."""
        if not folder.is_dir():
            raise Refused(f"{folder} is not a folder; give the folder of a transformers model")
        tokenizer_config = _json(folder / "tokenizer_config.json", needed=False)
        return cls(
            folder=folder,
            config=_json(folder / "config.json"),
            generation=_json(folder / "generation_config.json", needed=False),
            tokenizer=_json(folder / "tokenizer.json"),
            tokenizer_config=tokenizer_config,
            chat_template=_chat_template(folder, tokenizer_config.get("chat_template")),
            weights=SourceWeights.open(folder),
        )

    @property
    def architecture(self) -> str:
        """The name of the model class, such as ``Qwen3ForCausalLM``."""
        return str(next(iter(self.config.get("architectures") or ["unnamed"])))


def _json(path: Path, *, needed: bool = True) -> dict[str, Any]:
    if not path.is_file():
        if needed:
            raise Refused(f"{path.parent} has no {path.name}; give the folder of a transformers model")
        return {}
    if path.stat().st_size > _MAX_JSON_BYTES:
        raise Refused(f"{path} has {path.stat().st_size} bytes, too many for what it should hold")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as exc:
        raise Refused(f"{path} is not JSON: {exc}") from exc
    if not isinstance(value, dict):
        raise Refused(f"{path} holds no JSON object")
    return value


def _chat_template(folder: Path, configured: object) -> str | None:
    """Return the template: a file of its own, or a text, or the default of several in the configuration."""
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    if isinstance(configured, list):
        named = {each.get("name"): each.get("template") for each in configured if isinstance(each, dict)}
        configured = named.get("default")
    return configured if isinstance(configured, str) else None
