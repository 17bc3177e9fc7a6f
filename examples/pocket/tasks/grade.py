"""Right or wrong, nothing between: exact text, or equal parsed values where the answer is JSON."""

import json

from examples.pocket.tasks.sample import Sample


def _typed(value: object) -> object:
    """Makes equal values of unequal JSON types differ (Python holds True == 1 == 1.0)."""
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    return (type(value).__name__, value)


def grade(sample: Sample, text: str) -> bool:
    """Returns whether `text` is the answer; whitespace around it is ignored, and within JSON."""
    if sample.kind != "json":
        return text.strip() == sample.answer
    try:
        return _typed(json.loads(text)) == _typed(json.loads(sample.answer))
    except ValueError:
        return False
