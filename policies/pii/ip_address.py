"""Addresses of machines, which stand for the people at them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import ClassVar

from policies.pii.base import Span
from policies.pii.numbers import is_introduced, matches

_V4 = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}")
# At least two colons, which tells it from a time of day and a port.
_V6 = re.compile(r"(?:[0-9A-Fa-f]{1,4}:|:(?=:))(?:[0-9A-Fa-f]{0,4}:){1,7}(?:[0-9A-Fa-f]{1,4}|(?<=:))")
_VERSION = re.compile(
    r"(?i)(?:\bv|version|release|build|firmware|driver|upgrade|update)[^\w\n]{0,3}(?:is |to )?$"
)


class IpAddress:
    """IPv4 and IPv6 addresses but loopback and the unspecified one, which are everybody's."""

    kind: ClassVar[str] = "ip_address"

    def find(self, text: str) -> Iterator[Span]:
        """Yield addresses."""
        spans = sorted([*self._v4(text), *self._v6(text)])
        end = -1
        for span in spans:
            if span[0] >= end:
                yield span
                end = span[1]

    def _v4(self, text: str) -> Iterator[Span]:
        if text.count(".") < 3:
            return
        for match in matches(_V4, text):
            start, end = match.span()
            longer = text[start - 1 : start] == "." or (
                text[end : end + 1] == "." and text[end + 1 : end + 2].isdigit()
            )
            if not longer and _is_v4(match[0]) and not is_introduced(_VERSION, text, start):
                yield start, end

    def _v6(self, text: str) -> Iterator[Span]:
        if "::" not in text and text.count(":") < 7:
            return
        for match in _V6.finditer(text):
            start, end = match.span()
            before, after = text[start - 1 : start], text[end : end + 1]
            if before.isalnum() or before == ":" or after.isalnum() or after in {":", "_"}:
                continue
            if _is_v6(match[0]):
                yield start, end


def _is_v4(written: str) -> bool:
    try:
        address = IPv4Address(written)
    except AddressValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def _is_v6(written: str) -> bool:
    try:
        address = IPv6Address(written)
    except AddressValueError:
        return False
    return not (address.is_loopback or address.is_unspecified) and len(written) > 5
