"""Which tokens may come next in an answer of a given form.

Decides by llguidance, which follows all ways through the form at once, within bounds on work and
memory. An answer may end where it is complete and nowhere else, and must where nothing can follow.
Refuses to know how the forms are written down (see ``forms``) and how tokens are drawn.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from llguidance import LLMatcher, LLParserLimits

from backends.errors import Refused, Unavailable
from backends.llamacpp.engine.constraint.deep_stack import on_deep_stack
from backends.llamacpp.engine.constraint.forms import Rules, rules_of
from backends.llamacpp.engine.constraint.token_table import TokenTable
from backends.types import GrammarFormat, JsonSchemaFormat, RegexFormat, ResponseFormat

T = TypeVar("T")
Logits = npt.NDArray[np.float32]

logger = logging.getLogger(__name__)

_NAMES = {JsonSchemaFormat: "JSON Schema", RegexFormat: "regular expression", GrammarFormat: "grammar"}
# Callers ask for the same few forms again and again; one takes 1 ms to compile, a hard one 100, a copy 0.01.
_COMPILED_COUNT = 32
# A step of the worst patterns found takes 0.2 s within these, and 50,000 states take 100 MB (measured).
_LIMITS = {
    "max_items_in_row": 10_000,
    "step_lexer_fuel": 100_000,
    "max_lexer_states": 50_000,
    "verbose_errors": False,
}


class Constraints:
    """Starts constraints for answers in the tokens of one vocabulary.

    ``vocabulary`` is llama.cpp's pointer, which must outlive this. All calls belong to one thread.
    """

    def __init__(self, vocabulary: Any, vocabulary_size: int) -> None:
        self._vocabulary = vocabulary
        self._vocabulary_size = vocabulary_size
        self._table: TokenTable | None = None
        self._compiled: OrderedDict[str, LLMatcher] = OrderedDict()

    def prepare(self) -> None:
        """Make the tables of the vocabulary; ``start`` does it otherwise. Takes 0.8 s for 150,000 tokens."""
        if self._table is None:
            self._table = TokenTable(self._vocabulary, self._vocabulary_size)

    def start(self, form: ResponseFormat) -> Constraint:
        """Begin an answer of ``form``; raises Refused where it cannot be expressed or never be met."""
        self.prepare()
        assert self._table is not None
        rules = _refusing(lambda: rules_of(form), form)
        matcher = self._compiled.get(rules.text)
        if matcher is None:
            matcher = _refusing(lambda: self._compile(rules), form)
            if len(self._compiled) >= _COMPILED_COUNT:
                self._compiled.popitem(last=False)
            self._compiled[rules.text] = matcher
        self._compiled.move_to_end(rules.text)
        return Constraint(matcher.deep_copy(), self._table)

    def _compile(self, rules: Rules) -> LLMatcher:
        assert self._table is not None
        matcher = LLMatcher(self._table.tokenizer, rules.text, log_level=0, limits=LLParserLimits(**_LIMITS))
        # The first mask shows what nothing can meet, and much of what cannot be followed.
        matcher.compute_bitmask()
        if matcher.is_error():
            raise ValueError(_reason(matcher))
        left = [*rules.left_out, *matcher.get_grammar_warnings()]
        if left:
            logger.info(
                "not enforced while the answer is written, only when it is checked: %s", "; ".join(left)
            )
        return matcher


class Constraint:
    """Where one answer stands in its form."""

    def __init__(self, matcher: LLMatcher, table: TokenTable) -> None:
        self._matcher = matcher
        self._table = table

    def masked(self, logits: Logits) -> Logits:
        """Copy ``logits`` (float32, (n_vocabulary,)), minus infinity where a token may not come next.

        Raises Unavailable where the model has no token that may, and Refused where there are too many
        ways to follow. Takes 0.2 ms for 150,000 tokens, a few where the form is hard.
        """
        mask = self._table.mask
        self._matcher.unsafe_compute_mask_ptr(mask.ctypes.data, mask.nbytes)
        self._check()
        allowed = np.unpackbits(mask.view(np.uint8), count=len(logits), bitorder="little").view(np.bool_)
        if not allowed.any():
            raise Unavailable(
                "no token of the model fits the response format here; try another form or model"
            )
        return np.where(allowed, logits, np.float32(-np.inf))

    def accept(self, token: int) -> None:
        """Go on: ``token`` stands. Raises Refused where it may not, or cannot be followed further."""
        if token not in self._table.ends:
            self._matcher.consume_token(token)
            self._check()

    def close(self) -> None:
        """Free it. Nothing but this may be called afterwards."""
        self._matcher = None

    def _check(self) -> None:
        if self._matcher.is_error():
            raise Refused(
                "the response format can be met in too many ways to be followed "
                f"({_reason(self._matcher)}); simplify it"
            )


def _reason(matcher: LLMatcher) -> str:
    """First line of what went wrong, which may quote the form but never the answer."""
    return str(matcher.get_error()).partition("\n")[0][:200]


def _refusing(work: Callable[[], T], form: ResponseFormat) -> T:
    """Do ``work``; whatever is wrong with ``form`` becomes Refused."""
    try:
        return on_deep_stack(work)
    except Exception as exc:
        raise Refused(f"the {_NAMES[type(form)]} cannot be enforced: {str(exc)[:300]}") from exc
    except BaseException as exc:
        # llguidance is written in Rust; when it panics, PyO3 raises what is no Exception.
        if type(exc).__name__ != "PanicException":
            raise
        raise Refused(f"the {_NAMES[type(form)]} cannot be enforced: llguidance broke down over it") from exc
