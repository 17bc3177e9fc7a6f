"""All targets by name."""

from __future__ import annotations

from tests.fuzz.target import Target
from tests.fuzz.targets import bodies, files, forms, lines, messages, models, streams, texts

TARGETS: dict[str, Target] = {
    target.name: target
    for module in (bodies, files, forms, lines, messages, models, streams, texts)
    for target in module.TARGETS
}
