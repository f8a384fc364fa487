"""Personal data: e-mail addresses, phone numbers, payment cards, IBANs, and those national
numbers whose shape is their own. Digits alone prove nothing; checksums and shapes do."""

import re
from collections.abc import Iterator

from stdnum import iban
from stdnum.br import cpf
from stdnum.ch import ssn as ahv
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.it import codicefiscale
from stdnum.us import ssn

from routerctl.redaction.spans import Detector, Span, by_expression, expression

# --------------------------------------------------------------------------- runs of digits

_BETWEEN = r"[ \-./()]{0,2}"
_NINE_DIGITS = rf"[0-9](?:{_BETWEEN}[0-9]){{8}}"
"""With little between them. No card or phone number has fewer; dates have eight."""

_RUN = expression(rf"(?:[+(]|\b)[0-9](?:{_BETWEEN}[0-9]){{8,}}\b")
_GROUP = re.compile(rb"[0-9]+")


def _numbers(data: bytes) -> Iterator[Span]:
    """Payment cards and phone numbers: the two that are runs of digits."""
    for match in _RUN.finditer(data):
        start, end = match.span()
        run = data[start:end]
        if cards := list(_cards(run)):
            yield from (Span(start + first, start + last, "card") for first, last in cards)
        elif len(run) <= _LONGEST_PHONE and (_phone_shape(run) or _called(data, start)):
            yield Span(start, end, "phone")


_CARD = re.compile(
    rb"(?<![0-9])(?=([0-9]{13,19}|[0-9]{4}([ .-])[0-9]{4}\2[0-9]{4}\2[0-9]{4}(?:\2[0-9]{3})?|"
    rb"[0-9]{4}([ .-])[0-9]{6}\3[0-9]{4,5})(?![0-9]))"
)
"""Digits in one piece or in the groups that are printed on cards. A look-ahead, because a year
before a card must not hide it."""

_NETWORKS = frozenset((30, 34, 35, 36, 37, 38, *range(40, 60), *range(60, 70)))
"""How numbers begin: Diners, Amex, JCB, Visa, Mastercard, Maestro, Discover, UnionPay."""

_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")
"""Twice the digit, its own digits added up: Luhn's rule for every second one."""


def _cards(run: bytes) -> Iterator[tuple[int, int]]:
    """Where numbers stand that a network issues and Luhn's checksum accepts."""
    taken = 0
    for match in _CARD.finditer(run):
        start, end = match.span(1)
        if start >= taken and _is_card(match[1].translate(None, b" .-")):
            yield start, end
            taken = end


def _is_card(digits: bytes) -> bool:
    if int(digits[:2]) not in _NETWORKS and not 2221 <= int(digits[:4]) <= 2720:
        return False
    total = sum(digits[-1::-2]) + sum(digits[-2::-2].translate(_DOUBLED))
    return (total - len(digits) * ord("0")) % 10 == 0


_LONGEST_PHONE = 24
_CALLED = expression(
    r"(?i)(?:phone|tel|mobile|cell|call|text|whatsapp|fax|handy|telefon|mobil|rufnummer|ring)"
    r"[a-z]*[^0-9\n]{0,16}$"
)
_CONTEXT_BYTES = 32


def _called(data: bytes, start: int) -> bool:
    """A word shortly before says that it is a phone number."""
    return _CALLED.search(data[max(0, start - _CONTEXT_BYTES) : start]) is not None


def _phone_shape(run: bytes) -> bool:
    """`+49 30 1234567`, `(212) 555-0123`, `212-555-0123`, `0171 1234567`, `030/1234567`."""
    groups: list[bytes] = _GROUP.findall(run)
    digits = b"".join(groups)
    if run.startswith(b"+"):
        return len(digits) <= 15
    sizes = tuple(map(len, groups))
    if sizes == (3, 3, 4) or (sizes == (1, 3, 3, 4) and groups[0] == b"1"):
        return groups[-3] >= b"2" and groups[-2] >= b"2"
    if digits.startswith(b"00"):
        return len(groups) >= 3 and 10 <= len(digits) <= 17 and digits[2:3] != b"0"
    if digits.startswith(b"0"):
        return len(groups) >= 2 and 3 <= sizes[0] <= 6 and max(sizes[1:]) >= 3 and len(digits) <= 12
    return False


# --------------------------------------------------------------------------- checksums


def _is_iban(found: bytes) -> bool:
    """The remainder first: it is cheap, and nearly all that only looks like one fails it."""
    text = found.decode().replace(" ", "").upper()
    number = "".join([str(int(char, 36)) for char in text[4:] + text[:4]])
    return int(number) % 97 == 1 and bool(iban.is_valid(text, check_country=False))


def _is_dni(found: bytes) -> bool:
    text = found.decode()
    return dni.is_valid(text) or nie.is_valid(text)


PERSONAL: dict[str, Detector] = {
    detector.name: detector
    for detector in (
        by_expression(
            "email", "@", r"[A-Za-z0-9._%+'-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}\b"
        ),
        by_expression(
            "iban", r"(?i)\b[A-Z]{2}[0-9]{2} ?[A-Z0-9]{4} ?[A-Z0-9]{4}",
            r"(?i)\b([A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?)\b", _is_iban,
        ),
        by_expression(
            "us_ssn", r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b", r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b",
            lambda found: ssn.is_valid(found.decode()),
        ),
        by_expression(
            "ch_ahv", r"\b756\.[0-9]{4}\.", r"\b756\.[0-9]{4}\.[0-9]{4}\.[0-9]{2}\b",
            lambda found: ahv.is_valid(found.decode()),
        ),
        by_expression(
            "br_cpf", r"\b[0-9]{3}\.[0-9]{3}\.[0-9]{3}-",
            r"\b[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}\b",
            lambda found: cpf.is_valid(found.decode()),
        ),
        by_expression(
            "it_codice_fiscale", r"(?i)\b[A-Z]{6}[0-9]{2}[A-Z]",
            r"(?i)\b[A-Z]{6}[0-9]{2}[A-Z][0-9]{2}[A-Z][0-9]{3}[A-Z]\b",
            lambda found: codicefiscale.is_valid(found.decode()),
        ),
        by_expression(
            "es_dni", r"\b(?:[0-9]{8}|[XYZ]-?[0-9]{7})-?[A-Z]\b",
            r"\b(?:[0-9]{8}|[XYZ]-?[0-9]{7})-?[A-Z]\b", _is_dni,
        ),
        by_expression(
            "fr_nir", r"\b[12] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{3} ",
            r"\b[12] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}\b",
            lambda found: nir.is_valid(found.decode()),
        ),
        by_expression(
            "gb_nino", r"\b[A-Z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]\b",
            r"\b[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]\b",
        ),
        Detector("card_or_phone", _NINE_DIGITS, _numbers, kinds=("card", "phone")),
    )
}  # fmt: skip
"""By name, the more particular first: where two claim a span, the first names it."""
