"""Durations, counts, shares and totals as pages show them; the amounts of one request are
`traces.words.usd`."""


def duration(ms: int) -> str:
    """`4 ms`, `2.31 s`, `1 min 5 s`."""
    if ms < 1000:
        return f"{ms} ms"
    if ms < 60_000:
        return f"{ms / 1000:.2f} s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    return f"{minutes} min {seconds} s"


def thousands(number: int) -> str:
    """`4,812`."""
    return f"{number:,}"


def counted(number: int, noun: str) -> str:
    """`1 call`, `2 calls`, `4,812 tokens`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def dollars(nano_usd: int) -> str:
    """A total, `$156.84`; what is not nothing is never shown as 0."""
    cents = (nano_usd + 5_000_000) // 10_000_000
    if cents == 0 and nano_usd > 0:
        return "<$0.01"
    return f"${cents // 100:,}.{cents % 100:02d}"


def percent(part: int, whole: int) -> str:
    """`4.9 %`, two decimals below one percent; what is not nothing is never shown as 0."""
    share = 100 * part / whole
    if part and share < 0.01:
        return "<0.01 %"
    if share >= 99.95 and part < whole:
        return ">99.9 %"
    return f"{share:.2f} %" if 0 < share < 1 else f"{share:.1f} %"
