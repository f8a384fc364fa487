"""Personal data: e-mail addresses, phone numbers, payment cards, IBANs, and those national
numbers whose shape is their own. Digits alone prove nothing; checksums and shapes do."""

import re
from collections.abc import Iterator

from stdnum import iban, luhn
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
        groups = [(start + g.start(), g.group()) for g in _GROUP.finditer(run)]
        if cards := list(_cards(groups)):
            yield from cards
        elif _phone_shape(run, [digits for _, digits in groups]) or _called(data, start, run):
            yield Span(start, end, "phone")


_CARD_GROUPS = {(4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4)}
_NETWORKS = frozenset((30, 34, 35, 36, 37, 38, *range(40, 60), *range(60, 70)))
"""How numbers begin: Diners, Amex, JCB, Visa, Mastercard, Maestro, Discover, UnionPay."""


def _cards(groups: list[tuple[int, bytes]]) -> Iterator[Span]:
    """13 to 19 digits that a network issues and Luhn's checksum accepts, in one piece or in the
    groups that are printed on cards."""
    taken = 0
    for first, (start, _) in enumerate(groups):
        for count in (1, 3, 4, 5) if first >= taken else ():
            members = [digits for _, digits in groups[first : first + count]]
            if len(members) == count and _is_card(members):
                at, last = groups[first + count - 1]
                yield Span(start, at + len(last), "card")
                taken = first + count


def _is_card(members: list[bytes]) -> bool:
    if len(members) > 1 and tuple(map(len, members)) not in _CARD_GROUPS:
        return False
    digits = b"".join(members)
    issued = int(digits[:2]) in _NETWORKS or 2221 <= int(digits[:4]) <= 2720
    return 13 <= len(digits) <= 19 and issued and luhn.is_valid(digits.decode())


_CALLED = expression(
    r"(?i)(?:phone|tel|mobile|cell|call|text|whatsapp|fax|handy|telefon|mobil|rufnummer|ring)"
    r"[a-z]*[^0-9\n]{0,16}$"
)
_CONTEXT_BYTES = 32


def _called(data: bytes, start: int, run: bytes) -> bool:
    """A word shortly before says that it is a phone number."""
    before = data[max(0, start - _CONTEXT_BYTES) : start]
    return len(run) <= 24 and _CALLED.search(before) is not None


def _phone_shape(run: bytes, groups: list[bytes]) -> bool:
    """`+49 30 1234567`, `(212) 555-0123`, `212-555-0123`, `0171 1234567`, `030/1234567`."""
    digits = b"".join(groups)
    if run.startswith(b"+"):
        return len(digits) <= 15
    sizes = tuple(map(len, groups))
    if sizes == (3, 3, 4) or (sizes == (1, 3, 3, 4) and groups[0] == b"1"):
        return groups[-3] >= b"2" and groups[-2] >= b"2"
    if digits.startswith(b"00"):
        return len(groups) >= 3 and len(digits) <= 17
    if digits.startswith(b"0"):
        return len(groups) >= 2 and 3 <= sizes[0] <= 6 and max(sizes[1:]) >= 3 and len(digits) <= 12
    return False


# --------------------------------------------------------------------------- checksums


def _is_iban(found: bytes) -> bool:
    return iban.is_valid(found.decode(), check_country=False)


def _is_dni(found: bytes) -> bool:
    text = found.decode()
    return dni.is_valid(text) or nie.is_valid(text)


PERSONAL: dict[str, Detector] = {
    detector.kind: detector
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
        Detector("card_or_phone", _NINE_DIGITS, _numbers),
    )
}  # fmt: skip
"""By kind, the more particular first: where two claim a span, the first names it."""
