"""National identity, tax and insurance numbers: how they are written, and what tells a genuine one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from policies.pii import national_checks as checks
from policies.pii.base import Span
from policies.pii.numbers import is_introduced, regions, stands_alone


@dataclass(frozen=True, slots=True)
class Number:
    """One country's number. ``words`` None: its form and check suffice; else one must stand before it."""

    written: str
    check: Callable[[str], bool]
    words: str | None = None


# Of several that fit at one place, the first counts.
_NUMERIC: tuple[Number, ...] = (
    Number("[0-9]{3}-[0-9]{2}-[0-9]{4}", checks.us_ssn),
    Number("[0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{4}", checks.us_ssn, r"ssn|social security|taxpayer|itin"),
    Number("[1-9][0-9](?: ?[0-9]{3}){3}", checks.de_tax_id),
    Number("[12378] ?[0-9]{2} ?[0-9]{2} ?(?:[0-9]{2}|2[ABab]) ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}", checks.fr_nir),
    Number("(?:[0-9]{8}|[XYZxyz]-?[0-9]{7})[ -]?[A-HJ-NP-TV-Za-hj-np-tv-z]", checks.es_dni),
    Number("[0-9]{2}[. ]?[0-9]{2}[. ]?[0-9]{2}[- ]?[0-9]{3}[. ]?[0-9]{2}", checks.be_nrn),
    Number("[0-9]{6} ?[0-9]{5}", checks.no_fodselsnummer),
    Number("[0-9]{11}", checks.pl_pesel),
    Number("(?:[0-9]{2})?[0-9]{6}[-+][0-9]{4}", checks.se_personnummer),
    Number("[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-Z]", checks.fi_hetu),
    Number("756([. ]?)[0-9]{4}(?:[. ]?)[0-9]{4}(?:[. ]?)[0-9]{2}", checks.ch_ahv),
    Number("[0-9]{6}/[0-9]{4}", checks.cz_rodne_cislo),
    Number(r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", checks.br_cpf),
    Number("[0-9]{11}", checks.br_cpf, "cpf"),
    Number("[2-9][0-9]{3} [0-9]{4} [0-9]{4}", checks.in_aadhaar),
    Number("[2-9][0-9]{11}", checks.in_aadhaar, "aadhaar|uidai?"),
    Number("[0-9]{4}[. ]?[0-9]{2}[. ]?[0-9]{3}", checks.nl_bsn, "bsn|burgerservicenummer|sofinummer"),
    Number("[0-9]{9}", checks.nl_bsn, "bsn|burgerservicenummer|sofinummer"),
)
_LETTERED: tuple[Number, ...] = (
    Number(
        "[A-Za-z]{6}[0-9LMNP-Vlmnp-v]{2}[ABCDEHLMPRSTabcdehlmprst][0-9LMNP-Vlmnp-v]{2}[A-Za-z][0-9LMNP-Vlmnp-v]{3}[A-Za-z]",
        checks.it_fiscal_code,
    ),
    Number("[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]", checks.uk_nino),
)
# A date or a time of day is no candidate: each number has seven digits in a row, or nine in groups.
_ENOUGH = re.compile(r"[0-9]{7}|(?:[0-9][^0-9\n]{0,3}){8}[0-9]")
_SEPARATORS = str.maketrans("", "", " .-+/")


@dataclass(frozen=True, slots=True)
class _Form:
    pattern: re.Pattern[str]
    check: Callable[[str], bool]
    words: re.Pattern[str] | None


def _forms(numbers: tuple[Number, ...]) -> tuple[_Form, ...]:
    return tuple(
        _Form(
            re.compile(number.written),
            number.check,
            None if number.words is None else re.compile(rf"(?i)\b(?:{number.words})\b"),
        )
        for number in numbers
    )


_NUMERIC_FORMS, _LETTERED_FORMS = _forms(_NUMERIC), _forms(_LETTERED)


class NationalId:
    """Numbers of the US, India, Brazil, the UK, Switzerland, Norway and eleven countries of the EU."""

    kind: ClassVar[str] = "national_id"

    def find(self, text: str) -> Iterator[Span]:
        """Yield numbers; where two countries' fit, the first of the table."""
        spans = [span for form in _LETTERED_FORMS for span in _found(form, text, 0, len(text))]
        for start, end in regions(text):
            if _ENOUGH.search(text, start, end) is None:
                continue
            spans += [span for form in _NUMERIC_FORMS for span in _found(form, text, start, end)]
        last = -1
        for start, end in sorted(spans):
            if start >= last:
                yield start, end
                last = end


def _found(form: _Form, text: str, start: int, end: int) -> Iterator[Span]:
    for match in form.pattern.finditer(text, start, end):
        if not stands_alone(text, *match.span()) or _is_part(text, *match.span()):
            continue
        if form.words is not None and not is_introduced(form.words, text, match.start()):
            continue
        if form.check(_bare(form, match[0])):
            yield match.span()


def _is_part(text: str, start: int, end: int) -> bool:
    """Whether the digits go on behind a hyphen or a point, so that they are a piece of something longer."""
    before, after = text[max(start - 2, 0) : start], text[end : end + 2]
    return (len(before) == 2 and before[0].isalnum() and before[1] in "-./") or (
        len(after) == 2 and after[1].isalnum() and after[0] in "-./"
    )


def _bare(form: _Form, written: str) -> str:
    if form.check is checks.fi_hetu:  # its sign is one of its characters
        return written.upper()
    return written.upper().translate(_SEPARATORS)
