"""How the samples voted that an answer was elected by; free, since the samples are there."""

from __future__ import annotations

from collections.abc import Mapping

from policies.signals.agreement import read, sample_agreement
from policies.signals.base import Answer


class Votes:
    """What :func:`policies.signals.agreement.sample_agreement` says of the answer and its samples."""

    name = "votes"
    cost_us = 100.0
    refutes = False

    def measure(self, answer: Answer) -> Mapping[str, float]:
        """Nothing where the tier was asked once; a sample that failed counts as dissent."""
        if not answer.samples:
            return {}
        return sample_agreement(read(answer.text), [read(sample) for sample in answer.samples])
