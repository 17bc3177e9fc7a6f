"""Keys and passwords that services give out, by the marks that they put on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from policies.pii.base import Span

_MARKED = re.compile(
    r"sk-[A-Za-z0-9_-]{20,200}"  # OpenAI, Anthropic and many alike
    r"|[sr]k_(?:live|test)_[A-Za-z0-9]{16,200}"  # Stripe
    r"|gh[oprsu]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}"
    r"|glpat-[A-Za-z0-9_-]{20,64}"  # GitLab
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,250}"  # Slack
    r"|A(?:KI|SI)A[0-9A-Z]{16}"  # AWS
    r"|AIza[0-9A-Za-z_-]{35}"  # Google
    r"|ya29\.[0-9A-Za-z_-]{20,1024}"
    r"|hf_[A-Za-z0-9]{30,64}"  # Hugging Face
    r"|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,512}"
    r"|SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}"  # SendGrid
    r"|upk_[0-9a-f]{12}_[A-Za-z0-9_-]{43}"  # our own
    # JSON Web Tokens
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,4096}\.eyJ[A-Za-z0-9_-]{8,8192}\.[A-Za-z0-9_-]{8,2048}"
)
# One of these stands in every one of them; to look for each is quicker than to try the pattern everywhere.
_MARKS = (
    *(
        "sk-",
        "_live_",
        "_test_",
        "ghp_",
        "gho_",
        "ghr_",
        "ghs_",
        "ghu_",
        "github_pat_",
        "glpat-",
        "xox",
        "AKIA",
    ),
    *("ASIA", "AIza", "ya29.", "hf_", "npm_", "pypi-", "SG.", "upk_", "eyJ"),
)
_KEY_BEGIN = re.compile(r"-----BEGIN (?:[A-Z]{2,10} ){0,2}PRIVATE KEY(?: BLOCK)?-----")
_KEY_END = re.compile(r"-----END (?:[A-Z]{2,10} ){0,2}PRIVATE KEY(?: BLOCK)?-----")
_LONGEST_KEY = 16_384


class Secret:
    """API keys of well-known services, JSON Web Tokens and private keys in PEM form."""

    kind: ClassVar[str] = "secret"

    def find(self, text: str) -> Iterator[Span]:
        """Yield secrets; a private key without an end reaches as far as any does."""
        spans = sorted([*self._marked(text), *self._private_keys(text)])
        end = -1
        for span in spans:
            if span[0] >= end:
                yield span
                end = span[1]

    def _marked(self, text: str) -> Iterator[Span]:
        if not any(mark in text for mark in _MARKS):
            return
        for match in _MARKED.finditer(text):
            before = text[match.start() - 1 : match.start()]
            if not (before.isalnum() or before == "_"):
                yield match.span()

    def _private_keys(self, text: str) -> Iterator[Span]:
        place = 0
        while begin := _KEY_BEGIN.search(text, place):
            limit = begin.end() + _LONGEST_KEY
            end = _KEY_END.search(text, begin.end(), limit)
            place = min(limit, len(text)) if end is None else end.end()
            yield begin.start(), place
