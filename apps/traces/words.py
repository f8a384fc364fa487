"""Amounts and durations of one request as people read them."""


def usd(nano_usd: int) -> str:
    """`$0.000411`: six decimals, rounded half up; a trace of money is not 0."""
    micro = (nano_usd + 500) // 1000
    if micro == 0 and nano_usd > 0:
        return "<$0.000001"
    return f"${micro // 1_000_000:,}.{micro % 1_000_000:06d}"


def seconds(ms: int) -> str:
    """A duration: 40 ms, 1.2 s, 95 s."""
    if ms < 1000:
        return f"{ms} ms"
    return f"{ms / 1000:.1f} s" if ms < 60_000 else f"{round(ms / 1000)} s"


def sentence(text: str) -> str:
    """`text` with a full stop."""
    text = text.strip()
    return text if not text or text[-1] in ".!?" else f"{text}."
