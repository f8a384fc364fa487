"""Figures and lists as people read them."""

from collections.abc import Iterable

_MICRO_NANO_USD = 1000


def usd(nano_usd: int) -> str:
    """An amount of one request: six decimals, rounded half up, never a nought that was not."""
    micro = (nano_usd + _MICRO_NANO_USD // 2) // _MICRO_NANO_USD
    if micro == 0 and nano_usd > 0:
        return "less than 0.000001 USD"
    return f"{micro // 1_000_000}.{micro % 1_000_000:06d} USD"


def seconds(ms: int) -> str:
    """A duration: 40 ms, 1.2 s, 95 s."""
    if ms < 1000:
        return f"{ms} ms"
    return f"{ms / 1000:.1f} s" if ms < 60_000 else f"{round(ms / 1000)} s"


def listing(items: Iterable[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    *before, end = list(items) or [""]
    return f"{', '.join(before)} {last} {end}" if before else end


def sentence(text: str) -> str:
    """`text` with a full stop."""
    text = text.strip()
    return text if not text or text[-1] in ".!?" else f"{text}."


def capital(text: str) -> str:
    """`text` with its first letter large. Not for a text that begins with a slug."""
    return text[:1].upper() + text[1:]
