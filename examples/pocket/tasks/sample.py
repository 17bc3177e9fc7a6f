"""The one noun of the tasks: a request with its answer. It knows nothing of kinds, splits or models."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """A desk request, its only right answer, and the working that leads there."""

    kind: str
    level: int
    """1 to 3; what is hard is hard for a model that answers without working."""
    prompt: str
    answer: str
    reasoning: str
    """A scratchpad for models that reason: each step follows from the ones before it."""
