"""Check digits and dates of national identity numbers, one function a number.

Each takes what was matched, in capital letters and without separators, and says whether it can be genuine.
"""

from __future__ import annotations

from collections import Counter
from datetime import date

from policies.pii.checksums import luhn, mod_11_10, verhoeff, weighted

_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_HETU = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_ODD_VALUES = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
_OMOCODIA = str.maketrans("LMNPQRSTUV", "0123456789")


def us_ssn(digits: str) -> bool:
    """US social security number, or a taxpayer number (9xx with 50 to 99 in the middle)."""
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    if area[0] == "9":
        return "50" <= group <= "99" and group not in {"89", "93"}
    return area not in {"000", "666"} and group != "00" and serial != "0000"


def de_tax_id(digits: str) -> bool:
    """German Steuer-ID: among the first ten digits one comes twice or thrice, the others at most once."""
    counts = sorted(Counter(digits[:10]).values())
    return digits[0] != "0" and counts[-1] in {2, 3} and counts[-2] == 1 and mod_11_10(digits)


def fr_nir(number: str) -> bool:
    """French social security number with its key; 2A and 2B are Corsica."""
    month = int(number[3:5])
    body = number[:13].replace("2A", "19").replace("2B", "18")
    return (1 <= month <= 12 or month >= 20) and body.isdigit() and 97 - int(body) % 97 == int(number[13:])


def es_dni(number: str) -> bool:
    """Spanish DNI, or NIE, whose first letter stands for a digit."""
    digits = number[:-1].translate(str.maketrans("XYZ", "012"))
    return _DNI[int(digits) % 23] == number[-1]


def it_fiscal_code(code: str) -> bool:
    """Italian codice fiscale, digits replaced by letters where two people would share one included."""
    plain = code[6:15].translate(_OMOCODIA)
    if not 1 <= int(plain[3:5]) % 40 <= 31:
        return False
    total = sum(_ODD_VALUES[_value(character)] for character in code[0:15:2])
    total += sum(_value(character) for character in code[1:15:2])
    return total % 26 == ord(code[15]) - ord("A")


def _value(character: str) -> int:
    return int(character) if character.isdigit() else ord(character) - ord("A")


def nl_bsn(digits: str) -> bool:
    """Dutch burgerservicenummer: the eleven test."""
    return digits != "000000000" and weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def uk_nino(number: str) -> bool:
    """UK national insurance number: letters that are given out."""
    return number[:2] not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}


def be_nrn(digits: str) -> bool:
    """Belgian national register number; those born from 2000 on count with a 2 in front."""
    body, check = digits[:9], int(digits[9:])
    return _has_day(digits[2:6]) and any(97 - int(front + body) % 97 == check for front in ("", "2"))


def pl_pesel(digits: str) -> bool:
    """Polish PESEL; the month says the century too."""
    month = f"{int(digits[2:4]) % 20:02}"
    return _has_day(month + digits[4:6]) and weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def se_personnummer(digits: str) -> bool:
    """Swedish personnummer, with or without its century; 60 is added to the day of a coordination number."""
    short = digits[-10:]
    day = int(short[4:6])
    return _has_day(f"{short[2:4]}{day - 60 if day > 60 else day:02}") and luhn(short)


def fi_hetu(number: str) -> bool:
    """Finnish henkilötunnus."""
    day, month = number[:2], number[2:4]
    return _has_day(month + day) and _HETU[int(number[:6] + number[7:10]) % 31] == number[10]


def no_fodselsnummer(digits: str) -> bool:
    """Norwegian fødselsnummer, or D-number with 40 added to the day: two check digits."""
    day = int(digits[:2])
    return (
        _has_day(f"{digits[2:4]}{day - 40 if day > 40 else day:02}")
        and weighted(digits, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11 == 0
        and weighted(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0
    )


def ch_ahv(digits: str) -> bool:
    """Swiss AHV number: the check digit of an article number."""
    return weighted(digits, (1, 3) * 6 + (1,)) % 10 == 0


def cz_rodne_cislo(digits: str) -> bool:
    """Czech and Slovak rodné číslo of ten digits; women's months count 50 more, and 20 where days ran out."""
    month = int(digits[2:4]) % 50
    return _has_day(f"{month - 20 if month > 20 else month:02}{digits[4:6]}") and int(digits) % 11 == 0


def br_cpf(digits: str) -> bool:
    """Brazilian CPF: two check digits."""
    if len(set(digits)) == 1:
        return False
    first, second = (-weighted(digits[:count], range(count + 1, 1, -1)) % 11 % 10 for count in (9, 10))
    return [first, second] == [int(digits[9]), int(digits[10])]


def in_aadhaar(digits: str) -> bool:
    """Indian Aadhaar number."""
    return len(set(digits)) > 2 and verhoeff(digits)


def _has_day(month_and_day: str) -> bool:
    """Whether there is such a day in a leap year."""
    try:
        date(2000, int(month_and_day[:2]), int(month_and_day[2:]))
    except ValueError:
        return False
    return True
