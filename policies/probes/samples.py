"""Agreement of samples: the same tier answers again, by chance, and what it repeats tends to be right.

Wang et al., Self-Consistency Improves Chain of Thought Reasoning (2023). The dearest probe: each
sample costs an answer, though where the engine shares the reading of the prompt, little more time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from backends.types import Prompt, Usage
from policies.probes.base import ProbeOptions
from policies.samples import MAX_SAMPLE_COUNT, further_prompts
from policies.signals.agreement import read, sample_agreement
from policies.signals.base import Answer

# A sample may be twice as long as the answer; one that runs away is cut and agrees with nothing.
_LENGTH_MARGIN, _LEAST_TOKEN_COUNT = 2, 32
_CHARACTERS_PER_TOKEN = 2  # at least, but for scripts of which a character may take several


class SamplesOptions(ProbeOptions):
    """How many samples, and how far they stray."""

    count: int = Field(2, ge=1, le=MAX_SAMPLE_COUNT - 1, description="Samples beside the answer.")
    temperature: float = Field(
        0.7, gt=0.0, le=2.0, description="Temperature of the samples; the request's own where it is higher."
    )


class Samples:
    """Shares in [0, 1] of :func:`policies.signals.agreement.sample_agreement`."""

    Options = SamplesOptions
    name: ClassVar[str] = "samples"
    measures: ClassVar[tuple[str, ...]] = (
        "sample_agreement_share",
        "sample_majority_share",
        "sample_answer_is_majority",
    )
    opinion: ClassVar[str] = "sample_agreement_share"
    needs_logprobs: ClassVar[bool] = False

    def __init__(self, options: SamplesOptions) -> None:
        self.options = options

    def asks(self, tier: str) -> str:
        """The tier that answered."""
        return tier

    def usage(self, input_token_count: int, output_token_count: float) -> Usage:
        """``count`` times what the answer took."""
        count = self.options.count
        return Usage(count * input_token_count, round(count * output_token_count))

    def prompts(self, answer: Answer) -> tuple[Prompt, ...]:
        """The prompt again, with other seeds; nothing where the answer comes to no conclusion to compare."""
        if answer.conclusion is None:
            return ()
        written = len(answer.tokens) or -(
            -(len(answer.text) + len(answer.reasoning)) // _CHARACTERS_PER_TOKEN
        )
        most = max(_LEAST_TOKEN_COUNT, _LENGTH_MARGIN * written)
        own = answer.prompt.sampling.max_output_token_count
        limit = most if own is None else min(own, most)
        further = further_prompts(answer.prompt, self.options.count, self.options.temperature)
        return tuple(
            replace(one, sampling=replace(one.sampling, max_output_token_count=limit)) for one in further
        )

    def measure(self, answer: Answer, replies: Sequence[Answer]) -> Mapping[str, float]:
        """Compare what came; two of three samples are enough to say something."""
        agreed = sample_agreement(read(answer.text), [read(reply.text) for reply in replies])
        return {name: value for name, value in agreed.items() if name in self.measures}
