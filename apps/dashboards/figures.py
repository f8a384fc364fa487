"""Durations and counts as pages show them; amounts are `traces.words.usd`."""


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
