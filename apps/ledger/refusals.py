"""Refusals by the flood: the first of each second and key have a trace each, the rest a count."""

from collections import Counter, defaultdict

import msgspec

_TRACES_PER_SECOND = 20

_encode = msgspec.json.Encoder().encode


class RefusalMeter:
    """Of one process. `counted` are the refusals without a trace that are not stored yet, by
    key and error code."""

    def __init__(self) -> None:
        self.counted: Counter[tuple[str, str]] = Counter()
        self._second = 0
        self._seen: defaultdict[str, int] = defaultdict(int)

    def passes(self, key: str, error_code: str, now_s: int) -> bool:
        """Whether this refusal gets a trace; if not it is counted."""
        if now_s != self._second:
            self._second = now_s
            self._seen.clear()
        self._seen[key] += 1
        if self._seen[key] <= _TRACES_PER_SECOND:
            return True
        self.count(key, error_code)
        return False

    def count(self, key: str, error_code: str) -> None:
        """A refusal that gets no trace."""
        self.counted[key, error_code] += 1

    def batch(self) -> bytes:
        """What is counted, as rows."""
        return _encode(
            [
                {"key": key, "error_code": code, "refusals": refusals}
                for (key, code), refusals in self.counted.items()
            ]
        )
