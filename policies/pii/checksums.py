"""Check digits: what tells an account number from any other number."""

from __future__ import annotations

from collections.abc import Sequence

# Verhoeff, Error Detecting Decimal Codes (1969): multiplication in the dihedral group D5, and permutations.
_D5 = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_PERMUTATIONS = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


def digits_of(text: str) -> str:
    """The ASCII digits of ``text``."""
    return "".join(character for character in text if "0" <= character <= "9")


def luhn(digits: str) -> bool:
    """Whether the last digit is right by ISO/IEC 7812, annex B (cards, and more)."""
    total = sum(map(int, digits[-1::-2]))
    return (total + sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])) % 10 == 0


def mod_97(text: str) -> int:
    """ISO/IEC 7064 MOD 97-10 of digits and capital letters, A counting as 10."""
    return int("".join(str(int(character, 36)) for character in text)) % 97


def mod_11_10(digits: str) -> bool:
    """Whether the last digit is right by ISO/IEC 7064 MOD 11,10."""
    product = 10
    for digit in digits[:-1]:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[-1])


def verhoeff(digits: str) -> bool:
    """Whether the last digit is right by Verhoeff's scheme."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(_D5[check][int(_PERMUTATIONS[place % 8][int(digit)])])
    return check == 0


def weighted(digits: str, weights: Sequence[int]) -> int:
    """Sum of each digit times its weight."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))
