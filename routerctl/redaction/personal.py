"""Personal data: e-mail addresses, phone numbers, payment cards, IBANs, and those national
numbers whose shape is their own. Digits alone prove nothing; checksums and shapes do."""

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

DIGITS = r"[0-9](?:[ \-./()]{0,2}[0-9]){7}"
"""Eight digits with little between them: a card or a phone number may begin here."""

_RUN = expression(r"(?:\+|\b)[(]?[0-9](?:[ \-./()]{0,2}[0-9]){7,}\b")
_GROUP = expression(r"[0-9]+")


def _cards(data: bytes) -> Iterator[Span]:
    """13 to 19 digits that a card network issues and Luhn's checksum accepts, in one piece or in
    the groups that are printed on cards."""
    for run in _RUN.finditer(data):
        groups = [match.span() for match in _GROUP.finditer(run.group())]
        at, skip_to = run.start(), 0
        for i, (start, _) in enumerate(groups):
            if i >= skip_to and (last := _card_from(run.group(), groups, i)):
                yield Span(at + start, at + groups[last - 1][1], "card")
                skip_to = last


def _card_from(run: bytes, groups: list[tuple[int, int]], first: int) -> int | None:
    """The index after the card's last group, if a card begins with group `first`."""
    for count in (1, 3, 4, 5):
        members = groups[first : first + count]
        sizes = tuple(end - start for start, end in members)
        if len(members) == count and (count == 1 or sizes in _CARD_GROUPS):
            digits = b"".join(run[start:end] for start, end in members)
            if 13 <= len(digits) <= 19 and _issued(digits) and luhn.is_valid(digits.decode()):
                return first + count
    return None


_CARD_GROUPS = {(4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4)}


def _issued(digits: bytes) -> bool:
    """Begins as the networks' numbers do: Visa, Mastercard, Amex, Discover, Diners, JCB, Maestro."""
    two = int(digits[:2])
    return digits[:1] == b"4" or two in _NETWORKS or 2221 <= int(digits[:4]) <= 2720


_NETWORKS = frozenset((30, 34, 35, 36, 37, 38, 50, *range(51, 60), *range(60, 70)))


# --------------------------------------------------------------------------- phones

_CALLED = expression(
    r"(?i)(?:phone|tel|mobile|cell|call|text|whatsapp|fax|handy|telefon|mobil|rufnummer|ring)"
    r"[a-z]*[^0-9\n]{0,16}$"
)
_CONTEXT_BYTES = 32


def _phones(data: bytes) -> Iterator[Span]:
    """A run of digits that is written as phone numbers are, or that a word before it calls so."""
    for run in _RUN.finditer(data):
        start, end = run.span()
        if _phone_shape(run.group()):
            yield Span(start, end, "phone")
        elif len(_digits(run.group())) <= 15:
            before = data[max(0, start - _CONTEXT_BYTES) : start]
            if _CALLED.search(before):
                yield Span(start, end, "phone")


def _phone_shape(run: bytes) -> bool:
    """`+49 30 1234567`, `(212) 555-0123`, `212-555-0123`, `0171 1234567`, `030/1234567`."""
    digits = _digits(run)
    if run.startswith(b"+"):
        return 8 <= len(digits) <= 15
    groups = tuple(len(match.group()) for match in _GROUP.finditer(run))
    if groups == (3, 3, 4) or (groups == (1, 3, 3, 4) and digits[:1] == b"1"):
        national = digits[-10:]
        return national[:1] >= b"2" and national[3:4] >= b"2"
    if digits[:1] == b"0" and digits[1:2] != b"0" and len(groups) >= 2:
        return 9 <= len(digits) <= 12 and 3 <= groups[0] <= 6 and max(groups[1:]) >= 3
    return digits[:2] == b"00" and 10 <= len(digits) <= 17 and len(groups) >= 3


def _digits(run: bytes) -> bytes:
    return bytes(byte for byte in run if 48 <= byte <= 57)


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
        Detector("card", DIGITS, _cards),
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
        Detector("phone", DIGITS, _phones),
    )
}  # fmt: skip
"""By kind, the more particular first: a card is not also a phone number."""
