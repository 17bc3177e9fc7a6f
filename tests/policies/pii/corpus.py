"""Made-up texts with personal data whose places are known, and texts that only look as if they had any."""

from __future__ import annotations

import random
import string
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from policies.pii import national_checks as checks
from policies.pii.checksums import luhn, mod_97


@dataclass(frozen=True, slots=True)
class Sample:
    """A text, and where in it a value of ``kind`` stands; ``kind`` None: there is none."""

    text: str
    kind: str | None = None
    value: str = ""


Maker = Callable[[random.Random], str]

FRAMES = (
    "Please update the account of {} before Friday.",
    "{} wrote in again; see ticket 4711.",
    "My details: {}. Thanks!",
    'The form says {{"value": "{}", "ok": true}}, which is new.',
    "| 2024-05-01 | {} | open |",
    "Call it a day ({}), and let us talk tomorrow at 10:30.",
    "id;name;value\n7;x;{}\n8;y;none\n",
    "「{}」と書いてある。",
)


def digits(draw: random.Random, count: int, first: str = "0123456789") -> str:
    return draw.choice(first) + "".join(draw.choice(string.digits) for _ in range(count - 1))


def completed(draw: random.Random, make: Maker, is_right: Callable[[str], bool]) -> str:
    """Draw until the check is passed: a tenth, a hundredth or so of what is made does."""
    while not is_right(made := make(draw)):
        pass
    return made


def grouped(text: str, sizes: tuple[int, ...], separator: str) -> str:
    pieces, place = [], 0
    for size in sizes:
        pieces.append(text[place : place + size])
        place += size
    return separator.join([*pieces, text[place:]]).rstrip(separator)


def email(draw: random.Random) -> str:
    name = draw.choice(
        ("ada", "grace.hopper", "j_doe", "o'neil", "zoë", "a+tag", "x", "info-desk", "m.van-der.berg")
    )
    host = draw.choice(
        ("example.org", "mail.example.co.uk", "bücher.example", "ex-ample.de", "a.io", "xn--bcher-kva.ch")
    )
    return f"{name}{draw.randrange(100)}@{host}"


def card(draw: random.Random) -> str:
    first, length = draw.choice(
        (
            ("4", 16),
            ("51", 16),
            ("55", 16),
            ("2221", 16),
            ("37", 15),
            ("34", 15),
            ("6011", 16),
            ("3530", 16),
            ("36", 14),
        )
    )
    number = completed(draw, lambda d: first + digits(d, length - len(first)), luhn)
    sizes = {16: (4, 4, 4, 4), 15: (4, 6, 5), 14: (4, 6, 4)}[length]
    return grouped(number, sizes, draw.choice((" ", "-", "")))


def iban(draw: random.Random) -> str:
    country, length, letters = draw.choice(
        (
            ("DE", 22, 0),
            ("GB", 22, 4),
            ("FR", 27, 0),
            ("NL", 18, 4),
            ("ES", 24, 0),
            ("CH", 21, 0),
            ("MT", 31, 4),
            ("NO", 15, 0),
        )
    )
    body = "".join(draw.choice(string.ascii_uppercase) for _ in range(letters)) + digits(
        draw, length - 4 - letters
    )
    check = 98 - mod_97(f"{body}{country}00")
    account = f"{country}{check:02}{body}"
    return account if draw.random() < 0.5 else grouped(account, (4,) * (length // 4), " ")


def phone(draw: random.Random) -> str:
    form = draw.choice(
        (
            "+49 30 {4}{4}",
            "+49 (0)170 {3}{4}",
            "+1 415-555-{4}",
            "(415) 555-{4}",
            "415-555-{4}",
            "415.555.{4}",
            "+44 20 7946 {4}",
            "+33 6 12 {2} {2} {2}",
            "06 12 {2} {2} {2}",
            "+91 98765 {5}",
            "0049 30 {4}{3}",
            "tel: 030 {4}{3}",
            "phone 0171 {3} {4}",
            "Tel. 0171/{3}{4}",
            "+4930{4}{4}",
            "mobile: 07700 900{3}",
        )
    )
    for count in "2345":
        while f"{{{count}}}" in form:
            form = form.replace(f"{{{count}}}", digits(draw, int(count)), 1)
    return form


def _dated(draw: random.Random, form: str) -> str:
    day, month, year = draw.randint(1, 28), draw.randint(1, 12), draw.randint(0, 99)
    return form.format(d=f"{day:02}", m=f"{month:02}", y=f"{year:02}")


def _fiscal_code(draw: random.Random) -> str:
    def make(d: random.Random) -> str:
        letters = "".join(d.choice("BCDFGLMNPRST") for _ in range(6))
        born = f"{digits(d, 2)}{d.choice('ABCDEHLMPRST')}{d.randint(1, 28):02}"
        return f"{letters}{born}H{digits(d, 3)}{d.choice(string.ascii_uppercase)}"

    return completed(draw, make, checks.it_fiscal_code)


NATIONAL: dict[str, Maker] = {
    "us": lambda d: f"{d.randint(100, 665)}-{d.randint(1, 99):02}-{d.randint(1, 9999):04}",
    "de": lambda d: completed(d, lambda e: digits(e, 11, "123456789"), checks.de_tax_id),
    "de spaced": lambda d: grouped(
        completed(d, lambda e: digits(e, 11, "123456789"), checks.de_tax_id), (2, 3, 3, 3), " "
    ),
    "fr": lambda d: completed(
        d, lambda e: f"{e.choice('12')}{_dated(e, '{y}{m}')}{e.randint(10, 95)}{digits(e, 8)}", checks.fr_nir
    ),
    "es": lambda d: completed(d, lambda e: digits(e, 8) + e.choice("TRWAGMYFPDXBNJZSQVHLCKE"), checks.es_dni),
    "es foreigner": lambda d: completed(
        d, lambda e: e.choice("XYZ") + digits(e, 7) + e.choice("TRWAGMYFPDXBNJZSQVHLCKE"), checks.es_dni
    ),
    "it": _fiscal_code,
    "nl": lambda d: "BSN " + completed(d, lambda e: digits(e, 9, "12345678"), checks.nl_bsn),
    "uk": lambda d: (
        f"{d.choice('ABCEH')}{d.choice('ABCE')} {grouped(digits(d, 6), (2, 2, 2), ' ')} {d.choice('ABCD')}"
    ),
    "be": lambda d: completed(
        d,
        lambda e: _dated(e, "{y}.{m}.{d}") + f"-{digits(e, 3)}.{digits(e, 2)}",
        lambda t: checks.be_nrn(t.translate(str.maketrans("", "", ".-"))),
    ),
    "pl": lambda d: completed(d, lambda e: _dated(e, "{y}{m}{d}") + digits(e, 5), checks.pl_pesel),
    "se": lambda d: completed(
        d,
        lambda e: _dated(e, "{y}{m}{d}-") + digits(e, 4),
        lambda t: checks.se_personnummer(t.replace("-", "")),
    ),
    "fi": lambda d: completed(
        d,
        lambda e: (
            _dated(e, "{d}{m}{y}")
            + e.choice("-A")
            + digits(e, 3)
            + e.choice("0123456789ABCDEFHJKLMNPRSTUVWXY")
        ),
        checks.fi_hetu,
    ),
    "no": lambda d: completed(d, lambda e: _dated(e, "{d}{m}{y}") + digits(e, 5), checks.no_fodselsnummer),
    "ch": lambda d: grouped(completed(d, lambda e: "756" + digits(e, 10), checks.ch_ahv), (3, 4, 4, 2), "."),
    "cz": lambda d: completed(
        d,
        lambda e: _dated(e, "{y}{m}{d}/") + digits(e, 4),
        lambda t: checks.cz_rodne_cislo(t.replace("/", "")),
    ),
    "br": lambda d: completed(
        d,
        lambda e: f"{digits(e, 3)}.{digits(e, 3)}.{digits(e, 3)}-{digits(e, 2)}",
        lambda t: checks.br_cpf(t.translate(str.maketrans("", "", ".-"))),
    ),
    "in": lambda d: grouped(
        completed(d, lambda e: digits(e, 12, "23456789"), checks.in_aadhaar), (4, 4, 4), " "
    ),
}


def secret(draw: random.Random) -> str:
    word = "".join(draw.choice(string.ascii_letters + string.digits) for _ in range(40))
    return draw.choice(
        (
            f"sk-proj-{word}",
            f"ghp_{word[:36]}",
            f"AKIA{word[:16].upper()}",
            f"hf_{word[:34]}",
            f"xoxb-{word[:30]}",
            f"eyJ{word[:20]}.eyJ{word}.{word}",
        )
    )


def ip_address(draw: random.Random) -> str:
    four = ".".join(str(draw.randint(1, 254)) for _ in range(4))
    six = ":".join(f"{draw.getrandbits(16):x}" for _ in range(8))
    return draw.choice((four, six, f"2001:db8::{draw.getrandbits(16):x}:{draw.getrandbits(15) + 1:x}"))


MAKERS: dict[str, tuple[Maker, ...]] = {
    "email": (email,),
    "card": (card,),
    "iban": (iban,),
    "phone": (phone,),
    "national_id": tuple(NATIONAL.values()),
    "secret": (secret,),
    "ip_address": (ip_address,),
}

NEGATIVES: tuple[Maker, ...] = (
    lambda d: f"order {digits(d, 10)}",
    lambda d: f"order no. {digits(d, 12, '123456789')}",
    lambda d: f"order no. {digits(d, 11, '123456789')}",
    lambda d: f"order no. {digits(d, 16, '123456789')}",
    lambda d: f"customer {digits(d, 9, '123456789')}",
    lambda d: f"invoice 2024-{digits(d, 6)}",
    lambda d: f"SKU-{digits(d, 8)}-{digits(d, 3)}",
    lambda d: f"tracking 1Z{digits(d, 6)}{digits(d, 10)}",
    lambda d: f"commit {d.getrandbits(160):040x}",
    lambda d: f"sha256:{d.getrandbits(256):064x}",
    lambda d: str(uuid.UUID(int=d.getrandbits(128), version=4)),
    lambda d: f"version {d.randint(0, 20)}.{d.randint(0, 20)}.{d.randint(0, 99)}.{d.randint(0, 9999)}",
    lambda d: (
        f"v{d.randint(0, 20)}.{d.randint(0, 20)}.{d.randint(0, 99)}-rc.{d.randint(0, 9)}+build.{digits(d, 5)}"
    ),
    lambda d: f"numpy=={d.randint(0, 3)}.{d.randint(0, 30)}.{d.randint(0, 9)}",
    lambda d: f"react@{d.randint(0, 19)}.{d.randint(0, 9)}.{d.randint(0, 9)}",
    lambda d: f"icon{d.randint(1, 99)}@2x.png",
    lambda d: "git@github.com:org/repo.git",
    lambda d: "@pytest.mark.parametrize and user@localhost",
    lambda d: f"2024-0{d.randint(1, 9)}-1{d.randint(0, 9)}T10:30:{d.randint(10, 59)}.{digits(d, 6)}+02:00",
    lambda d: f"{d.randint(1, 999)},{digits(d, 3)},{digits(d, 3)}.{digits(d, 2)} USD",
    lambda d: f"{d.randint(1, 99)} {digits(d, 3)} {digits(d, 3)} visitors",
    lambda d: f"lat {d.uniform(-90, 90):.7f}, lon {d.uniform(-180, 180):.7f}",
    lambda d: f"epoch {17}{digits(d, 8)} and {17}{digits(d, 11)} ms",
    lambda d: f"{digits(d, 4)} + {digits(d, 4)} = {digits(d, 5)}",
    lambda d: f"{digits(d, 3)}-{digits(d, 3)}",
    lambda d: f"0x{d.getrandbits(64):016x}",
    lambda d: f"{d.randint(0, 23):02}:{d.randint(0, 59):02}:{d.randint(0, 59):02}",
    lambda d: f"{d.random():.16f}",
    lambda d: (
        f"pages {d.randint(100, 400)}-{d.randint(401, 999)}, ISBN 978-3-16-{digits(d, 6)}-{digits(d, 1)}"
    ),
    lambda d: f"ISSN {digits(d, 4)}-{digits(d, 4)}",
    lambda d: "A4 paper, RAL 9010, DIN EN 60335-1, ISO 27001:2022",
    lambda d: f"room {d.randint(1, 9)}.{d.randint(0, 9)}.{d.randint(10, 99)}, gate B{d.randint(1, 99)}",
    lambda d: f"std::vector<int>::iterator at {d.randint(1, 999)}:{d.randint(1, 99)}",
    lambda d: "sk-learn, hf_hub and gh_actions are no secrets",
    lambda d: f"{d.randint(1, 28):02}.{d.randint(1, 12):02}.19{digits(d, 2)}",
)


def positives(count: int, seed: int = 7) -> list[Sample]:
    """``count`` texts of every kind of every maker."""
    draw = random.Random(seed)
    return [
        Sample(draw.choice(FRAMES).format(value := make(draw)), kind, value)
        for kind, makers in MAKERS.items()
        for make in makers
        for _ in range(count)
    ]


def negatives(count: int, seed: int = 8) -> list[Sample]:
    """``count`` texts of every way to look like it."""
    draw = random.Random(seed)
    return [Sample(draw.choice(FRAMES).format(make(draw))) for make in NEGATIVES for _ in range(count)]
